"""The broker: as the engine's own, but what a settle writes is put into the other store first, and then settled without it.

Put before the settle, so that nothing is lost: whoever dies between the two leaves a result of a job that runs again, and
the later result replaces it. The other way round an ended job would be without its result for ever.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Literal

import msgspec

from workhorse.core import contract, ids
from workhorse.core.contract import ABSENT, Answer, Claim, Envelope, Features, Inspector, Outcome, Put, Store
from workhorse.durable.beside import lives

Undone = tuple[Outcome, str]

LEASE: Final = 30.0
"""Seconds, for who settles what was claimed through another link."""


class Broker:
    """As the contract says."""

    def __init__(self, broker: contract.Broker, inspector: Inspector | None, store: Store | None) -> None:
        self._broker, self._inspector, self._store = broker, inspector, store
        self._lease = LEASE

    @property
    def features(self) -> Features:
        return msgspec.structs.replace(self._broker.features, transactions=False, statements=False)

    async def publish(self, jobs: Sequence[Envelope], /) -> list[Answer]:
        given = [env.id for env in jobs if ids.is_given(env.id)]
        if given and self._store is not None and self._inspector is not None:
            await lives.forget_earlier(self._store, self._inspector, given)
        return await self._broker.publish(jobs)

    async def bind(
        self,
        topic: str,
        queue: str,
        bound: bool = True,
        /,
        *,
        priority: int | None = None,
        expires: float | None = None,
    ) -> None:
        await self._broker.bind(topic, queue, bound, priority=priority, expires=expires)

    async def claim(self, queues: Sequence[str], limit: int, lease: float, /) -> list[Claim]:
        self._lease = lease
        return await self._broker.claim(queues, limit, lease)

    async def settle(self, outcomes: Sequence[Outcome], /) -> list[Undone]:
        undone = await self._write([outcome for outcome in outcomes if outcome.writes])
        not_done = {id(outcome) for outcome, _ in undone}
        bare = [(outcome, _without_writes(outcome)) for outcome in outcomes if id(outcome) not in not_done]
        whole = {id(without): outcome for outcome, without in bare}
        answers = await self._broker.settle([without for _, without in bare])
        return [*undone, *((whole[id(without)], why) for without, why in answers)]

    async def extend(self, claims: Sequence[Claim], lease: float, /) -> list[Literal["kept", "lost", "cancel"]]:
        return await self._broker.extend(claims, lease)

    async def wait(self, queues: Sequence[str], limit: int, timeout: float, /) -> None:
        await self._broker.wait(queues, limit, timeout)

    async def _write(self, outcomes: Sequence[Outcome]) -> list[Undone]:
        """Put what these carry; returned is what must not be settled, and why."""
        if self._store is None:
            return [
                (it, "it writes a fact under a condition, and store='none' keeps none")
                for it in outcomes
                if _depends(it)
            ]
        undone: list[Undone] = []
        while outcomes:
            # The versions are read before the claims are looked at: whoever takes a job from us after that changes them with
            # its own result, and ours is not put over it.
            known = await lives.versions(self._store, (put.key for it in outcomes for put in it.writes))
            held, lost = await self._held(outcomes)
            undone += lost
            outcomes, conflicts = await self._put(self._store, held, known)
            undone += conflicts
        return undone

    async def _held(self, outcomes: Sequence[Outcome]) -> tuple[list[Outcome], list[Undone]]:
        answers = await self._broker.extend([outcome.claim for outcome in outcomes], self._lease)
        told = list(zip(outcomes, answers, strict=True))
        return [it for it, word in told if word != "lost"], [(it, "stale") for it, word in told if word == "lost"]

    async def _put(
        self, store: Store, outcomes: Sequence[Outcome], known: Mapping[str, int]
    ) -> tuple[list[Outcome], list[Undone]]:
        """Those to be tried again, as another wrote meanwhile; and those whose own condition does not hold."""
        puts = [(outcome, put) for outcome in outcomes for put in outcome.writes]
        answers = await store.put([put for it in outcomes for put in _guarded(it.writes, known)]) if puts else []
        refused = [pair for pair, version in zip(puts, answers, strict=True) if version is None]
        conflicts = {id(it) for it, put in refused if put.expect is not None and not await _is_there(store, put)}
        again = {id(it) for it, put in refused if put.expect is None} - conflicts
        return [it for it in outcomes if id(it) in again], [(it, "conflict") for it in outcomes if id(it) in conflicts]


def _guarded(writes: Sequence[Put], known: Mapping[str, int]) -> Iterator[Put]:
    """Those without a condition get one: that nobody wrote meanwhile, but for an earlier put of the same outcome."""
    ours: set[str] = set()
    for put in writes:
        free = put.expect is None and put.key not in ours
        yield msgspec.structs.replace(put, expect=known.get(put.key, ABSENT)) if free else put
        ours.add(put.key)


async def _is_there(store: Store, put: Put) -> bool:
    """Whether an earlier try of the same settle wrote it."""
    found = (await store.get([put.key]))[0]
    return found is not None and found[0] == put.value


def _without_writes(outcome: Outcome) -> Outcome:
    return msgspec.structs.replace(outcome, writes=()) if outcome.writes else outcome


def _depends(outcome: Outcome) -> bool:
    return any(put.expect is not None for put in outcome.writes)
