"""What the store is told, and what it remembers after each step."""

from typing import Final

from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from workhorse.engine import ABSENT, Put, Store
from workhorse.testing.histories.choices import KEYS, expected, keys
from workhorse.testing.histories.subject import Beside
from workhorse.testing.model import Fact

NEVER: Final = 1 << 60
"""A version that no store comes to."""

lives = st.sampled_from((None, None, 5.5))
puts = st.lists(st.tuples(keys, expected, lives), max_size=3)


class Facts(Beside):
    """`put`, `delete`, `get` and `scan`."""

    @precondition(lambda self: self.store)
    @rule(written=puts)
    def put(self, written: list[tuple[str, str, float | None]]) -> None:
        """Those of one call have versions in any order, but for two of one key."""
        writes, before, own = self.puts(written), self.versions[-1], dict[str, int]()
        for each, version in zip(writes, self.run(_there(self.store).put(writes)), strict=True):
            assert (version is not None) == self.model.put(each), f"{each}: got version {version}"
            if version is not None:
                least = own.get(each.key, before)
                assert version > least, f"{each}: expected a version over {least}, got {version}"
                self.model.facts[each.key].version = own[each.key] = version
                self.versions.append(version)
        assert len(set(self.versions)) == len(self.versions), "a version came twice"
        self.versions.sort()

    @precondition(lambda self: self.store)
    @rule(key=keys, expect=expected)
    def delete_a_fact(self, key: str, expect: str) -> None:
        fact, version = self.model.fact(key), self.expected(key, expect)
        gone = fact is not None and version in (None, fact.version)
        assert self.run(_there(self.store).delete({key: version})) == [gone]
        if gone:
            del self.model.facts[key]

    @invariant()
    def what_is_remembered_is_what_was_put(self) -> None:
        if not self.store:
            return
        found = self.run(self.store.get(KEYS))
        written = [
            (fact[1], known) for key, fact in zip(KEYS, found, strict=True) if fact and (known := self._written(key))
        ]
        for version, known in sorted(written, key=lambda each: each[0]):
            known.version = self._risen(version)
        there = {key: known for key in KEYS if (known := self.model.fact(key))}
        remembered = [(there[key].value, there[key].version) if key in there else None for key in KEYS]
        assert found == remembered, f"expected {remembered}, got {found}"
        scanned = [(key, there[key].value, there[key].version) for key in sorted(there)]
        assert list(self.run(self.store.scan("fact/"))) == scanned

    def puts(self, written: list[tuple[str, str, float | None]]) -> list[Put]:
        """Each with a value of its own."""
        value = f"{len(self.versions)} at {self.model.now}".encode()
        return [Put(key, value, self.expected(key, expect), ttl) for key, expect, ttl in written]

    def expected(self, key: str, expect: str) -> int | None:
        """A version to be named: whatever is there, none, the one that is there, or one that was."""
        fact = self.model.fact(key)
        old = self.versions[len(self.versions) // 2]
        known = fact.version if fact and fact.version is not None else old
        return {"any": None, "absent": ABSENT, "known": known, "old": old}[expect]

    def _written(self, key: str) -> Fact | None:
        """The fact, if it came with an outcome, so that its version is not known yet."""
        fact = self.model.fact(key)
        return fact if fact and fact.version is None else None

    def _risen(self, version: int) -> int:
        assert version > self.versions[-1], f"expected a version over {self.versions[-1]}, got {version}"
        self.versions.append(version)
        return version


def _there(store: Store | None) -> Store:
    assert store is not None
    return store
