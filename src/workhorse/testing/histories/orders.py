"""What people do: cancel, put back, delete, pause; and what they see after each step."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final, Literal

from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from workhorse.engine import Filter, Inspector, Row
from workhorse.testing.histories.choices import picks, queues
from workhorse.testing.histories.subject import Beside
from workhorse.testing.model import ENDED, carried

ALL: Final = 10_000
GROUPS: Final[tuple[Literal["queue", "task", "status"], ...]] = ("queue", "task", "status")


class Orders(Beside):
    """The inspector: all it is told, and all it shows."""

    looks = 0

    @precondition(lambda self: self.inspector)
    @rule(pick=picks)
    def cancel(self, pick: int) -> None:
        ids = self.chosen(pick)
        asked = self.living(ids)
        marked = self.run(_there(self.inspector).cancel(Filter(ids=ids)))
        assert len([life for life in asked if not life.cancel]) <= marked <= len(asked)
        for life in asked:
            self.model.cancel(life)

    @precondition(lambda self: self.inspector)
    @rule(pick=picks)
    def retry(self, pick: int) -> None:
        all_dead = [id for id, life in self.model.jobs.items() if life.status == "dead"]
        ids = [*self.chosen(pick), *all_dead[pick % 3 :][:1]]
        chosen = [id for id in all_dead if id in ids]
        assert self.run(_there(self.inspector).retry(Filter(ids=ids))) == len(chosen)
        for id in chosen:
            self.model.retry(self.model.jobs[id])

    @precondition(lambda self: self.inspector)
    @rule(pick=picks)
    def delete(self, pick: int) -> None:
        ids = self.chosen(pick)
        living = [life.job.id for life in self.living(ids)]
        found = [id for id in ids if id in self.model.jobs]
        assert self.run(_there(self.inspector).delete(Filter(ids=ids))) in (len(found), len(living))
        for id in found:
            self.model.delete(self.model.jobs[id])
        self.gone += found
        if living and self.store:
            told = self.run(self.store.get([f"result/{id}" for id in living]))
            assert None not in told, f"of {living} not each one's end is told to who waits for it"

    @precondition(lambda self: self.inspector)
    @rule(queue=queues, paused=st.booleans())
    def pause(self, queue: str, paused: bool) -> None:
        inspector = _there(self.inspector)
        self.run(inspector.pause(queue) if paused else inspector.resume(queue))
        (self.model.paused.add if paused else self.model.paused.discard)(queue)

    @invariant()
    def what_is_shown_is_what_is(self) -> None:
        if not self.inspector:
            return
        rows = self.run(self.inspector.list(Filter(), ALL))
        ids = [row.job.id for row in rows]
        assert ids == sorted(ids), f"expected the order of ids, got {ids}"
        for row in rows:
            self._shown(row)
        lost = [life.job.id for id, life in self.model.jobs.items() if id not in ids and not life.may_be_forgotten]
        assert not lost, f"not shown: {lost}"
        self._counted(self.inspector, rows)

    def _shown(self, row: Row) -> None:
        id = row.job.id
        assert id in self.model.jobs, f"{id} is shown, and there is no such job"
        life, allowed = self.model.jobs[id], self.model.statuses(id)
        assert row.status in allowed, f"{id}: expected it to be {' or '.join(sorted(allowed))}, got {row.status}"
        assert carried(row.job) == carried(life.job)
        if life.status == "dead":
            assert row.reason == life.reason, f"{id} is dead: expected {life.reason!r}, got {row.reason!r}"
        if life.status not in ENDED:
            assert row.cancel == life.cancel, f"{id}: expected cancel {life.cancel}, got {row.cancel}"
            counted = self.features.counts_crashes
            assert row.crashes == life.crashes or not counted, f"{id}: {row.crashes} crashes, expected {life.crashes}"

    def _counted(self, inspector: Inspector, rows: Sequence[Row]) -> None:
        """By queue, by task and by status, in turn."""
        self.looks += 1
        by = GROUPS[self.looks % 3]
        counts = self.run(inspector.count(by))
        found: Counter[Any] = Counter()
        for name, inner in counts.items():
            for status, number in inner.items():
                found[name if by == "status" else (name, status)] += number
        listed = Counter[Any](row.status if by == "status" else (getattr(row.job, by), row.status) for row in rows)
        assert +found == listed, f"counted by {by}: {+found}, listed: {listed}"


def _there(inspector: Inspector | None) -> Inspector:
    assert inspector is not None
    return inspector
