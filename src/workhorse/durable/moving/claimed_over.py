"""A move from an engine that cannot be listed: what is due is claimed there, published at the target, and then settled.

Nothing can be paused there, so its workers must be stopped: a job claimed over by a move that is killed before it settles
comes back when its lease ends, for the move that goes on, or for a worker that is still there.
"""

import time
from collections.abc import Sequence
from typing import Final

from workhorse.core.contract import Cancelled, Claim, Engine, Outcome, Released, Succeeded
from workhorse.core.errors import WorkhorseError
from workhorse.durable import paging, results
from workhorse.durable.moving import packing
from workhorse.durable.moving.account import Account
from workhorse.durable.moving.delivery import MOVED_TTL, broker_of, forget_absence, found
from workhorse.durable.moving.move import Step

LEASE: Final = 60.0
"""Seconds that a page may take to arrive at the target."""

REST: Final = 5.0
"""Seconds between two rounds at most."""

LATER: Final = 600.0
"""Seconds for which a job that the target refuses is out of the way."""


class ClaimedOver:
    """All jobs of these queues that are due; the others when they are, in a later round."""

    def __init__(self, source: Engine, target: Engine, queues: Sequence[str], *, dry: bool = False) -> None:
        if not queues:
            raise WorkhorseError("the source cannot be listed: say which queues are to move, with --queues")
        self._from, self._to, self._queues, self._dry = broker_of(source), broker_of(target), queues, dry
        self._counting, self._there, self._store = source.inspector, target.inspector, target.store
        self.account = Account()

    async def total(self) -> int | None:
        """How many there are, where the engine can at least count."""
        counts = await self._counts()
        return None if counts is None else sum(map(_unended, counts.values()))

    async def round(self, step: Step) -> bool:
        """Move what is due. Whether more may become due."""
        while not self._dry and (claims := await self._from.claim(self._queues, paging.PAGE, LEASE)):
            await self._settle(await self._carry(claims))
            step(len(claims))
        self.account.remains = await self._counts()
        return self.account.remains is None or any(map(_unended, self.account.remains.values()))

    async def rest(self) -> None:
        """Until there may be more to move."""
        await self._from.wait(self._queues, paging.PAGE, REST)

    async def _carry(self, claims: Sequence[Claim]) -> list[Outcome]:
        now, features = time.time(), self._to.features
        outcomes: list[Outcome] = [
            Cancelled(claim, [results.of_cancel(claim.job.id, MOVED_TTL)]) for claim in claims if claim.cancel
        ]
        sent = [(claim, packing.packed_claim(claim, features, now)) for claim in claims if not claim.cancel]
        fit = [(claim, env) for claim, env in sent if not packing.unfit(env, features, now)]
        outcomes += [self._kept(claim, why) for claim, env in sent if (why := packing.unfit(env, features, now))]
        await forget_absence(self._store, [env.id for _, env in fit])
        answers = await self._to.publish([env for _, env in fit]) if fit else []
        there = await found(self._there, [env.id for _, env in fit])
        for (claim, env), answer in zip(fit, answers, strict=True):
            why = answer.reason or f"its unique key is taken at the target, by {answer.of}"
            if answer.kind == "accepted":
                why = packing.differs(env, there[env.id]) if env.id in there else ""
            outcomes.append(self._kept(claim, why) if why else self._gone(claim, env.id in there))
        return outcomes

    def _kept(self, claim: Claim, why: str) -> Outcome:
        self.account.keep(why, [claim.job.id])
        return Released(claim, after=LATER)

    def _gone(self, claim: Claim, seen: bool) -> Outcome:
        self.account.went("ready")
        self.account.verified += seen
        self.account.unseen += not seen
        return Succeeded(claim)

    async def _settle(self, outcomes: Sequence[Outcome]) -> None:
        """What another has claimed meanwhile is at both places: its lease ran out under us."""
        undone = await self._from.settle(outcomes)
        self.account.doubled += [outcome.claim.job.id for outcome, _ in undone if isinstance(outcome, Succeeded)]

    async def _counts(self) -> dict[str, dict[str, int]] | None:
        if self._counting is None:
            return None
        counts = await self._counting.count("queue")
        return {queue: held for queue, held in counts.items() if queue in self._queues}


def _unended(held: dict[str, int]) -> int:
    return sum(count for state, count in held.items() if state not in ("succeeded", "cancelled", "dead"))
