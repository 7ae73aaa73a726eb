"""Groups as facts: who of the members is about to end, how each did end, and the job that gets all of it.

A member marks that it ends, then looks, then settles: with the collector, if it saw the marks of all. Of any number of
members that end at once the last one to mark sees the others, so that somebody publishes it; and how each ended is written by
its settle, which a stale claim cannot do, so that what the collector reads is what became of the job. (Looking first and
then settling loses the collector without any fault; a value put before the settle may be that of a run that did not count.)
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Final

import msgspec

from workhorse.core.contract import ABSENT, Engine, Put, Store
from workhorse.core.document import FollowUpDoc, Member
from workhorse.durable import results
from workhorse.durable.results import ErrorDocument

LIFE: Final = 30 * 86_400.0
"""Seconds that the facts of a group live, unless its collector succeeds before. A group whose members are deleted never ends."""

FAN: Final = 10
"""Marks that one look takes in: of so many a mark of its own is made, one level up. A look at all would be quadratic."""

PAGE: Final = 500
"""Facts that are read or deleted at once."""


class Head(msgspec.Struct, frozen=True):
    """A group while it is open."""

    of: int
    collector: FollowUpDoc


class End(msgspec.Struct, frozen=True, omit_defaults=True):
    """How one member ended; its value as the codec's document has it. None of them: it was skipped."""

    task: str
    started: float
    ended: float
    value: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    tagged: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    error: ErrorDocument | None = None
    cancelled: bool = False


class Groups:
    """What the members of one engine's groups write and read."""

    def __init__(self, engine: Callable[[], Awaitable[Engine]]) -> None:
        self._engine = engine

    async def open(self, id: str, head: Head) -> None:
        """Before any member is enqueued. The same again changes nothing."""
        await (await self._store()).put([Put(results.head_key(id), _encode(head), ABSENT, LIFE)])

    async def completed(self, member: Member) -> FollowUpDoc | None:
        """Mark that this one is about to end; the collector, if all others have done so."""
        store = await self._store()
        if not await _marked(store, member):
            return None
        found = (await store.get([results.head_key(member.id)]))[0]
        return None if found is None else _heads.decode(found[0]).collector

    async def ends(self, id: str, of: int) -> list[End | None]:
        """How each member ended, in their order; None for one that has not yet."""
        store = await self._store()
        found: list[End | None] = []
        for keys in _pages([_end_key(id, number) for number in range(of)]):
            found += [None if fact is None else _ends.decode(fact[0]) for fact in await store.get(keys)]
        return found

    async def is_open(self, id: str) -> bool:
        """Whether its facts are still there."""
        return (await (await self._store()).get([results.head_key(id)]))[0] is not None

    async def forget(self, id: str, of: int) -> None:
        """Its collector has succeeded: nobody reads its facts any more."""
        store = await self._store()
        for keys in _pages([results.head_key(id), *_marks(id, of), *(_end_key(id, number) for number in range(of))]):
            await store.delete(dict.fromkeys(keys))

    async def _store(self) -> Store:
        store = (await self._engine()).store
        assert store is not None, "an app without a store refuses groups"
        return store


def of_end(member: Member, end: End) -> Put:
    """What a member's settle writes."""
    return Put(_end_key(member.id, member.number), _encode(end), None, LIFE)


async def _marked(store: Store, member: Member) -> bool:
    node, width, level = member.number, member.of, 0
    while True:
        await store.put([Put(_mark_key(member.id, level, node), b"1", ABSENT, LIFE)])
        first = node - node % FAN
        mates = [_mark_key(member.id, level, mate) for mate in range(first, min(first + FAN, width))]
        if None in await store.get(mates):
            return False
        if width <= FAN:
            return True
        node, width, level = node // FAN, -(-width // FAN), level + 1


def _marks(id: str, of: int) -> Iterator[str]:
    width, level = of, 0
    while True:
        yield from (_mark_key(id, level, node) for node in range(width))
        if width <= FAN:
            return
        width, level = -(-width // FAN), level + 1


def _mark_key(id: str, level: int, node: int) -> str:
    return f"group/{id}/mark/{level}/{node:06}"


def _end_key(id: str, number: int) -> str:
    return f"group/{id}/end/{number:06}"


def _pages(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    return (keys[start : start + PAGE] for start in range(0, len(keys), PAGE))


_encode: Final = msgspec.json.Encoder().encode
_heads: Final = msgspec.json.Decoder(Head)
_ends: Final = msgspec.json.Decoder(End)
