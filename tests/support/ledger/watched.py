"""An engine that is watched: its worker's verbs are written down, and a fuse may kill the process at any of them."""

import itertools
import os
import signal
from collections.abc import Awaitable, Sequence
from typing import Any, Literal, TypeVar

from account import Claimed, Claiming, ClaimOver, Extended, Fault, Record, Settled, Settling
from ledger.journal import Journal, now
from workhorse.core.contract import Answer, Broker, Claim, Engine, Envelope, Features, Outcome

T = TypeVar("T")

SLOW = 1 / 3
"""Of a lease: an engine that is held up for longer, by a stopped process that has its lock, may cost a lease."""


class Fuse:
    """Kills its process at the n-th verb, before or after it took effect: `17:after`. An empty one never does."""

    def __init__(self, journal: Journal, setting: str) -> None:
        number, _, self._side = setting.partition(":")
        self._left, self._journal = int(number or -1), journal
        self._count = itertools.count(1)

    async def over(self, verb: Awaitable[T]) -> T:
        """Let it through, or not."""
        burns = next(self._count) == self._left
        if burns and self._side == "before":
            self._blow()
        answer = await verb
        if burns:
            self._blow()
        return answer

    def _blow(self) -> None:
        die(self._journal, "kill")


def die(journal: Journal, kind: str) -> None:
    """By SIGKILL, and on record."""
    at = now()
    journal.note(Fault(at=at, who=journal.who, kind=kind, victim=journal.who, begins=at, ends=at + 1))
    os.kill(os.getpid(), signal.SIGKILL)


class WatchedBroker:
    """The broker behind it, with every claim, extension and settle in the journal; the fuse burns before the answer is noted."""

    def __init__(self, broker: Broker, journal: Journal, fuse: Fuse) -> None:
        self._broker, self._journal, self._fuse = broker, journal, fuse

    @property
    def features(self) -> Features:
        return self._broker.features

    async def publish(self, jobs: Sequence[Envelope], /) -> list[Answer]:
        return await self._fuse.over(self._broker.publish(jobs))

    async def bind(self, *args: Any, **kwargs: Any) -> None:
        await self._broker.bind(*args, **kwargs)

    async def wait(self, queues: Sequence[str], limit: int, timeout: float, /) -> None:
        await self._broker.wait(queues, limit, timeout)

    async def claim(self, queues: Sequence[str], limit: int, lease: float, /) -> list[Claim]:
        since, who = now(), self._journal.who
        self._journal.note(Claiming(at=since, who=who))
        try:
            claims = await self._timed(self._broker.claim(queues, limit, lease), since, lease)
        except Exception:
            self._journal.note(ClaimOver(at=now(), who=who, since=since, failed=True))
            raise
        at = now()
        self._journal.note(
            *(_claimed(claim, since, at, who, lease) for claim in claims), ClaimOver(at=at, who=who, since=since)
        )
        return claims

    async def settle(self, outcomes: Sequence[Outcome], /) -> list[tuple[Outcome, str]]:
        since, who = now(), self._journal.who
        said = [_said(it) for it in outcomes]
        self._journal.note(*(Settling(at=since, who=who, **facts) for facts in said))
        undone = await self._fuse.over(self._broker.settle(outcomes))
        at, why = now(), {id(outcome): reason for outcome, reason in undone}
        self._journal.note(
            *(
                Settled(at=at, who=who, since=since, answer=why.get(id(it), ""), **facts)
                for it, facts in zip(outcomes, said, strict=True)
            )
        )
        return undone

    async def extend(self, claims: Sequence[Claim], lease: float, /) -> list[Literal["kept", "lost", "cancel"]]:
        since, who = now(), self._journal.who
        answers = await self._timed(self._broker.extend(claims, lease), since, lease)
        at = now()
        self._journal.note(
            *(
                Extended(at=at, who=who, job=it.job.id, since=since, token=it.token, lease=lease, answer=answer)
                for it, answer in zip(claims, answers, strict=True)
            )
        )
        return answers

    async def _timed(self, verb: Awaitable[T], since: float, lease: float) -> T:
        try:
            return await self._fuse.over(verb)
        finally:
            if now() - since > lease * SLOW:
                self._journal.note(fault_of_mine(self._journal, "engine held up", since))


def fault_of_mine(journal: Journal, kind: str, begins: float) -> Record:
    """Something that befell this process until now."""
    return Fault(at=begins, who=journal.who, kind=kind, victim=journal.who, begins=begins, ends=now())


class Watched:
    """An engine with a watched broker."""

    def __init__(self, engine: Engine, journal: Journal, fuse: Fuse) -> None:
        assert engine.broker is not None
        self._engine = engine
        self.broker = WatchedBroker(engine.broker, journal, fuse)
        self.store, self.inspector, self.statements = engine.store, engine.inspector, engine.statements

    async def open(self) -> None:
        await self._engine.open()

    async def close(self) -> None:
        await self._engine.close()


def _said(outcome: Outcome) -> dict[str, Any]:
    claim, follows = outcome.claim, tuple(job.id for job in outcome.publish)
    return {"job": claim.job.id, "token": claim.token, "kind": type(outcome).__name__, "follows": follows}


def _claimed(claim: Claim, since: float, at: float, who: str, lease: float) -> Claimed:
    job = claim.job
    return Claimed(
        at=at,
        who=who,
        job=job.id,
        since=since,
        token=claim.token,
        lease=lease,
        attempt=job.attempt,
        crashes=claim.crashes,
    )
