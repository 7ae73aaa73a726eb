"""Engines that are wrong on purpose, one promise each, around the one in memory; the suite must catch every one of them.

Not collected by itself: `test_conformance_catches.py` runs it and expects the failures.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, ClassVar, cast

import msgspec

from conformance_memory import InMemory
from workhorse.engine import (
    ABSENT,
    Answer,
    Broker,
    Claim,
    Engine,
    Envelope,
    Features,
    Filter,
    Inspector,
    Lane,
    Outcome,
    Put,
    Released,
    Retried,
    Store,
)
from workhorse.testing.conformance import Conformance
from workhorse.testing.conformance.claim import Claiming
from workhorse.testing.conformance.crash import Vanished
from workhorse.testing.conformance.given_up import GivenUp
from workhorse.testing.conformance.lanes_histories import LaneHistories
from workhorse.testing.conformance.lease import Crashes, Zombies
from workhorse.testing.conformance.orders import Orders
from workhorse.testing.conformance.publish import Publish
from workhorse.testing.conformance.rough import Resent
from workhorse.testing.conformance.settle import Settle
from workhorse.testing.conformance.settle_together import SettleTogether
from workhorse.testing.conformance.skew import Skew, SkewedFacts
from workhorse.testing.conformance.store import StoreLives, StoreTime, StoreVersions
from workhorse.testing.conformance.unanswered import UnansweredFacts, UnansweredPublish, UnansweredSettle
from workhorse.testing.faults import FaultyEngine, Seeded

replace = msgspec.structs.replace


class Around:
    """Everything of the inner one, but for what a subclass says."""

    def __init__(self, inner: Any, shared: dict[str, Any]) -> None:
        self.inner = inner
        self.shared = shared
        """What all engines of one name know together."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


class Nothing(Around):
    """A part that the engine does not have."""


class Wrapped(Around):
    """An engine whose parts are wrapped."""

    parts: ClassVar[Mapping[str, type[Around]]] = {}

    def __getattr__(self, name: str) -> Any:
        part = getattr(self.inner, name)
        wrapper = self.parts.get(name)
        if wrapper is Nothing:
            return None
        return wrapper(part, self.shared) if wrapper else part


class CountedTokens(Around):
    """A token is the number of the claim of this id: a job that is made anew begins with 1 again."""

    inner: Broker

    async def publish(self, jobs: Sequence[Envelope], /) -> list[Answer]:
        for each in jobs:
            self.shared.get("numbers", {}).pop(each.id, None)
        return await self.inner.publish(jobs)

    async def claim(self, queues: Sequence[str], limit: int, lease: float, /) -> list[Claim]:
        numbers = self.shared.setdefault("numbers", defaultdict[str, int](int))
        tokens = self.shared.setdefault("tokens", {})
        found: list[Claim] = []
        for each in await self.inner.claim(queues, limit, lease):
            numbers[each.job.id] += 1
            tokens[each.job.id, str(numbers[each.job.id])] = each.token
            found.append(replace(each, token=str(numbers[each.job.id])))
        return found

    async def settle(self, outcomes: Sequence[Outcome], /) -> list[tuple[Outcome, str]]:
        real = [replace(each, claim=self._real(each.claim)) for each in outcomes]
        undone = await self.inner.settle(real)
        return [(outcomes[real.index(each)], why) for each, why in undone]

    async def extend(self, claims: Sequence[Claim], lease: float, /) -> list[Any]:
        return await self.inner.extend([self._real(each) for each in claims], lease)

    def _real(self, claim: Claim) -> Claim:
        return replace(claim, token=self.shared.get("tokens", {}).get((claim.job.id, claim.token), claim.token))


class BlindSettle(Around):
    """Settles by the id alone: whoever held the job once may end it."""

    inner: Broker

    async def claim(self, queues: Sequence[str], limit: int, lease: float, /) -> list[Claim]:
        claims = await self.inner.claim(queues, limit, lease)
        self.shared.update({each.job.id: each.token for each in claims})
        return claims

    async def settle(self, outcomes: Sequence[Outcome], /) -> list[tuple[Outcome, str]]:
        latest = [
            replace(each, claim=replace(each.claim, token=self.shared.get(each.claim.job.id, each.claim.token)))
            for each in outcomes
        ]
        undone = await self.inner.settle(latest)
        return [(outcomes[latest.index(each)], why) for each, why in undone]


class PublishesTwice(Around):
    """An id that is known is given a new name and inserted all the same."""

    inner: Broker

    async def publish(self, jobs: Sequence[Envelope], /) -> list[Answer]:
        seen = self.shared.setdefault("seen", set[str]())
        fresh: list[Envelope] = []
        for each in jobs:
            fresh.append(replace(each, id=f"{each.id}~again") if each.id in seen else each)
            seen.add(each.id)
        return await self.inner.publish(fresh)


class CountsNoCrash(Around):
    """A death is never charged: a poison job goes round for ever."""

    inner: Broker

    async def claim(self, queues: Sequence[str], limit: int, lease: float, /) -> list[Claim]:
        return [replace(each, crashes=0) for each in await self.inner.claim(queues, limit, lease)]


class CountsHandBacks(Around):
    """Crashes are the claims of an attempt, less one: a hand-back at a deploy looks like a death."""

    inner: Broker

    async def claim(self, queues: Sequence[str], limit: int, lease: float, /) -> list[Claim]:
        numbers = self.shared.setdefault("numbers", defaultdict[tuple[str, int], int](int))
        found: list[Claim] = []
        for each in await self.inner.claim(queues, limit, lease):
            found.append(replace(each, crashes=numbers[each.job.id, each.job.attempt]))
            numbers[each.job.id, each.job.attempt] += 1
        return found


class ForgetsPause(Around):
    """A pause is noted nowhere."""

    inner: Inspector

    async def pause(self, queue: str, /) -> None:
        pass


class ReleasesAsRetry(Around):
    """A hand-back counts as an attempt."""

    inner: Broker

    async def settle(self, outcomes: Sequence[Outcome], /) -> list[tuple[Outcome, str]]:
        return await self.inner.settle([self._counted(each) for each in outcomes])

    def _counted(self, outcome: Outcome) -> Outcome:
        if not isinstance(outcome, Released):
            return outcome
        return Retried(outcome.claim, outcome.writes, outcome.publish, outcome.trail, outcome.after)


class SettlesThenWrites(Around):
    """An outcome first, its facts afterwards and whatever became of it: two commits instead of one."""

    async def settle(self, outcomes: Sequence[Outcome], /) -> list[tuple[Outcome, str]]:
        undone = await self.inner.settle([replace(each, writes=()) for each in outcomes])
        store: Store = self.shared["engine"].store
        await store.put([put for each in outcomes for put in each.writes])
        return list(undone)


class WidensLanes(Around):
    """One more of each key than was asked for."""

    inner: Broker

    async def publish(self, jobs: Sequence[Envelope], /) -> list[Answer]:
        return await self.inner.publish([replace(each, lane=self._wider(each.lane)) for each in jobs])

    def _wider(self, lane: Lane | None) -> Lane | None:
        return lane and replace(lane, width=lane.width and lane.width + 1)


class VersionsByKey(Around):
    """Versions count from 1 for each key, and begin anew with it."""

    inner: Store

    async def get(self, keys: Sequence[str], /) -> list[tuple[bytes, int] | None]:
        return [
            each and (each[0], self._own(key, each[1]))
            for key, each in zip(keys, await self.inner.get(keys), strict=True)
        ]

    async def put(self, puts: Sequence[Put], /) -> list[int | None]:
        answers: list[int | None] = []
        for each in puts:
            expect = each.expect and self._real(each.key, each.expect)
            (version,) = await self.inner.put([replace(each, expect=expect)])
            answers.append(version and self._own(each.key, version))
        return answers

    async def delete(self, keys: Mapping[str, int | None], /) -> list[bool]:
        done = await self.inner.delete({key: expect and self._real(key, expect) for key, expect in keys.items()})
        for key in keys:
            self.shared.pop(key, None)
        return done

    async def wait(self, known: Mapping[str, int], timeout: float, /) -> None:
        await self.inner.wait({key: self._real(key, version) for key, version in known.items()}, timeout)

    def _own(self, key: str, version: int) -> int:
        numbers: list[int] = self.shared.setdefault(key, [])
        if version not in numbers:
            numbers.append(version)
        return numbers.index(version) + 1

    def _real(self, key: str, version: int) -> int:
        numbers: list[int] = self.shared.get(key, [])
        return numbers[version - 1] if 0 < version <= len(numbers) else -version if version else ABSENT


class WritesThenSettles(Around):
    """Facts first, the outcome some time after: whoever gives up in between has done half of it."""

    async def settle(self, outcomes: Sequence[Outcome], /) -> list[tuple[Outcome, str]]:
        store: Store = self.shared["engine"].store
        await asyncio.shield(store.put([put for each in outcomes for put in each.writes]))
        await _turns()
        return list(await self.inner.settle([replace(each, writes=()) for each in outcomes]))


class HoldsThenLeases(Around):
    """A claim holds for good, and is given its lease when it is answered: who gives up before that keeps it for ever."""

    inner: Broker

    async def claim(self, queues: Sequence[str], limit: int, lease: float, /) -> list[Claim]:
        claims = await asyncio.shield(self.inner.claim(queues, limit, 1e9))
        await _turns()
        await self.inner.extend(claims, lease)
        return claims


class NeverLetsGo(Around):
    """A lease has no end: whoever claimed will settle some day."""

    inner: Broker

    async def claim(self, queues: Sequence[str], limit: int, lease: float, /) -> list[Claim]:
        return await self.inner.claim(queues, limit, 1e9)


class ForgivesLostClaims(Around):
    """Who claims again and has settled nothing must have lost the answer: what it held is handed back at once."""

    inner: Broker

    async def claim(self, queues: Sequence[str], limit: int, lease: float, /) -> list[Claim]:
        await self.inner.settle([Released(each) for each in self.shared.get("held", [])])
        self.shared["held"] = await self.inner.claim(queues, limit, lease)
        return self.shared["held"]


class BeginsAnew(Around):
    """The same id again is a new job: what was there is deleted first."""

    inner: Broker

    async def publish(self, jobs: Sequence[Envelope], /) -> list[Answer]:
        await self.shared["engine"].inspector.delete(Filter(ids=[each.id for each in jobs]))
        return await self.inner.publish(jobs)


class ConflictsWithItself(Around):
    """A stale outcome with expectations finds its own facts, and calls them somebody else's."""

    inner: Broker

    async def settle(self, outcomes: Sequence[Outcome], /) -> list[tuple[Outcome, str]]:
        undone = await self.inner.settle(outcomes)
        expects = [any(put.expect is not None for put in each.writes) for each, _ in undone]
        return [(each, "conflict" if mine else why) for (each, why), mine in zip(undone, expects, strict=True)]


class CallersDelay(Around):
    """A delay ends by the wall clock of whoever published."""

    inner: Broker

    async def publish(self, jobs: Sequence[Envelope], /) -> list[Answer]:
        off = _wall_clock_off()
        late = [replace(each, delay=max(0, each.delay + off)) if each.delay else each for each in jobs]
        return await self.inner.publish(late)


class CallersLease(Around):
    """A lease ends by the wall clock of whoever claimed."""

    inner: Broker

    async def claim(self, queues: Sequence[str], limit: int, lease: float, /) -> list[Claim]:
        return await self.inner.claim(queues, limit, max(0, lease + _wall_clock_off()))


class CallersTime(Around):
    """Tells whoever asks what he could have known by himself."""

    async def now(self) -> float:
        return time.time()


class CallersLife(Around):
    """A fact lives by the wall clock of whoever wrote it."""

    inner: Store

    async def put(self, puts: Sequence[Put], /) -> list[int | None]:
        return await self.inner.put(
            [replace(each, ttl=max(0, each.ttl + _wall_clock_off())) if each.ttl else each for each in puts]
        )


class BelievesItsOwn(Around):
    """A put that expects what is gone is taken for its own repetition where the value is the same."""

    inner: Store

    async def put(self, puts: Sequence[Put], /) -> list[int | None]:
        found = await self.inner.get([each.key for each in puts])
        own = [
            there and there[1] if there and there[0] == each.value else None
            for each, there in zip(puts, found, strict=True)
        ]
        return [mine or answer for mine, answer in zip(own, await self.inner.put(puts), strict=True)]


async def _turns() -> None:
    """Longer than any caller of the suite has patience."""
    for _ in range(1000):
        await asyncio.sleep(0)


_REAL = time.time() - time.monotonic()


def _wall_clock_off() -> float:
    return round(time.time() - time.monotonic() - _REAL, -2)


class Mutant(InMemory):
    """The engine in memory, wrapped; each mutant runs the chapters that speak of what it breaks."""

    parts: ClassVar[Mapping[str, type[Around]]] = {}

    def engine(self, name: str) -> Engine:
        wrapped = type("Wrapped", (Wrapped,), {"parts": self.parts})
        return cast(Engine, wrapped(super().engine(name), self.shared[name]))


class Modest(Around):
    """A broker that promises little, and says so."""

    features = Features(False, 0, False, False, 1, 0, 1 << 40, False, False, False, False)


class TestHonest(Mutant, Conformance):
    parts: ClassVar = {"broker": Around, "store": Around, "inspector": Around, "statements": Around}


class TestModest(Mutant, Conformance):
    parts: ClassVar = {"broker": Modest, "store": Nothing, "inspector": Nothing, "statements": Nothing}


class TestCountedTokens(Mutant, Claiming, Zombies):
    parts: ClassVar = {"broker": CountedTokens}


class TestBlindSettle(Mutant, Zombies):
    parts: ClassVar = {"broker": BlindSettle}


class TestPublishesTwice(Mutant, Publish):
    parts: ClassVar = {"broker": PublishesTwice}


class TestCountsNoCrash(Mutant, Crashes):
    parts: ClassVar = {"broker": CountsNoCrash}


class TestCountsHandBacks(Mutant, Crashes):
    parts: ClassVar = {"broker": CountsHandBacks}


class TestForgetsPause(Mutant, Orders):
    parts: ClassVar = {"inspector": ForgetsPause}


class TestReleasesAsRetry(Mutant, Settle):
    parts: ClassVar = {"broker": ReleasesAsRetry}


class TestSettlesThenWrites(Mutant, SettleTogether):
    parts: ClassVar = {"broker": SettlesThenWrites}


class TestWidensLanes(Mutant, LaneHistories):
    parts: ClassVar = {"broker": WidensLanes}


class TestVersionsByKey(Mutant, StoreVersions):
    parts: ClassVar = {"store": VersionsByKey}


class TestWritesThenSettles(Mutant, GivenUp):
    parts: ClassVar = {"broker": WritesThenSettles}


class TestHoldsThenLeases(Mutant, GivenUp, Vanished):
    parts: ClassVar = {"broker": HoldsThenLeases}


class TestNeverLetsGo(Mutant, Vanished):
    parts: ClassVar = {"broker": NeverLetsGo}


class TestForgivesLostClaims(Mutant, Vanished):
    parts: ClassVar = {"broker": ForgivesLostClaims}


class TestBeginsAnew(Mutant, UnansweredPublish):
    parts: ClassVar = {"broker": BeginsAnew}


class TestConflictsWithItself(Mutant, UnansweredSettle, SettleTogether):
    parts: ClassVar = {"broker": ConflictsWithItself}


class TestConflictsRoughly(Mutant, SettleTogether):
    """The same behind faults: each settle is sent again."""

    parts: ClassVar = {"broker": ConflictsWithItself}

    def engine(self, name: str) -> Engine:
        return FaultyEngine(super().engine(name), Seeded(Random(0), {"settle": {Resent(): 1}}))


class TestCallersDelay(Mutant, Publish, Skew):
    parts: ClassVar = {"broker": CallersDelay}


class TestCallersLease(Mutant, Claiming, Crashes, Skew):
    parts: ClassVar = {"broker": CallersLease}


class TestCallersLife(Mutant, StoreLives, SkewedFacts):
    parts: ClassVar = {"store": CallersLife}


class TestCallersTime(Mutant, StoreTime, SkewedFacts):
    parts: ClassVar = {"store": CallersTime}


class TestBelievesItsOwn(Mutant, UnansweredFacts):
    parts: ClassVar = {"store": BelievesItsOwn}
