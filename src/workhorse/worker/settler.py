"""Gathers outcomes and settles them in batches; keeps them while the engine is away."""

import asyncio
from collections.abc import Callable

from workhorse.core.contract import Broker, Dead, Outcome
from workhorse.core.happenings import JobLost
from workhorse.core.instrument import Bus
from workhorse.worker.backoff import Backoff

BATCH = 100
"""So many outcomes are settled at once without waiting for more."""

LARGEST = 500
"""The most that one settle carries: what piled up while the one before was under way."""

PATIENCE = 0.003
"""Seconds that fewer outcomes wait for company while jobs go on ending."""


class Settler:
    """One settle at a time; what ends meanwhile goes with the next."""

    def __init__(
        self,
        broker: Broker,
        bus: Bus,
        backoff: Backoff,
        idle: Callable[[], bool],
        settled: Callable[[Outcome, str], None],
    ) -> None:
        self._broker, self._bus, self._backoff, self._idle, self._settled = broker, bus, backoff, idle, settled
        self._outcomes: list[Outcome] = []
        self._more = asyncio.Event()
        self._closing = False
        self._hurry = False

    @property
    def waiting(self) -> int:
        """Outcomes that are not settled yet."""
        return len(self._outcomes)

    def add(self, outcome: Outcome) -> None:
        """Settle it soon: at once when nothing else is about to end."""
        self._outcomes.append(outcome)
        self._more.set()

    def close(self, hurry: bool = False) -> None:
        """Settle what is there and end; in a hurry, not once more to an engine that does not answer."""
        self._closing, self._hurry = True, self._hurry or hurry
        self._more.set()

    async def run(self) -> None:
        """Until closed, and all is settled."""
        while self._outcomes or not self._closing:
            if not self._outcomes:
                self._more.clear()
                await self._more.wait()
                continue
            if len(self._outcomes) < BATCH and not self._closing and not self._idle():
                await asyncio.sleep(PATIENCE)
            batch = self._outcomes[:LARGEST]
            if not await self._settle(batch):
                return
            del self._outcomes[: len(batch)]

    async def _settle(self, batch: list[Outcome]) -> bool:
        answers = await self._backoff.keep_trying("settle", lambda: self._broker.settle(batch), lambda: self._hurry)
        if answers is None:
            return False
        failed = {id(outcome): why for outcome, why in answers}
        for outcome in batch:
            self._reported(outcome, failed.get(id(outcome), "") if failed else "")
        return True

    def _reported(self, outcome: Outcome, why: str) -> None:
        if why and why not in ("stale", "conflict") and not (isinstance(outcome, Dead) and not outcome.writes):
            # the engine refuses what goes with it: the job itself must not be run again for that
            self._outcomes.append(Dead(outcome.claim, trail=outcome.trail, reason=f"its outcome was refused: {why}"))
            return
        if why:
            self._bus.say(JobLost(outcome.claim, why))
        self._settled(outcome, why)
