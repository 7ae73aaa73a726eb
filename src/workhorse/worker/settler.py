"""Gathers outcomes and settles them in batches; keeps them while the engine is away."""

import asyncio
from collections.abc import Callable, Sequence

from workhorse.core.contract import Broker, Dead, Outcome
from workhorse.core.errors import BrokerUnavailable, EngineRefused
from workhorse.core.happenings import JobLost
from workhorse.core.instrument import Bus, log
from workhorse.worker.backoff import Backoff
from workhorse.worker.running import Running
from workhorse.worker.verdict import text_of

BATCH = 100
"""So many outcomes are settled at once without waiting for more."""

LARGEST = 1000
"""The most that one settle carries: what piled up while the one before was under way."""

PATIENCE = 0.003
"""Seconds that fewer outcomes wait for company while jobs go on ending."""


UNKNOWN = "unknown"
"""Whether an outcome was settled: the engine took it, or never saw it."""


class Settler:
    """One settle at a time; what ends meanwhile goes with the next. `settled` is told of each batch, and why it was not done."""

    def __init__(
        self,
        broker: Broker,
        bus: Bus,
        backoff: Backoff,
        idle: Callable[[], bool],
        settled: Callable[[Sequence[Running], str], None],
    ) -> None:
        self._broker, self._bus, self._backoff, self._idle, self._settled = broker, bus, backoff, idle, settled
        self._ended: list[Running] = []
        self._more = asyncio.Event()
        self._closing = False
        self._hurry = False
        self._unanswered = False

    def add(self, running: Running) -> None:
        """Settle its outcome soon: at once when nothing else is about to end."""
        self._ended.append(running)
        if len(self._ended) == 1:
            self._more.set()

    def close(self, hurry: bool = False) -> None:
        """Settle what is there and end; in a hurry, not once more to an engine that does not answer."""
        self._closing, self._hurry = True, self._hurry or hurry
        self._more.set()

    async def run(self) -> None:
        """Until closed, and all is settled; a loop that is torn down meanwhile cancels everybody, and this goes on."""
        while True:
            try:
                return await self._run()
            except asyncio.CancelledError:
                if self._hurry:
                    raise

    async def _run(self) -> None:
        while self._ended or not self._closing:
            if not self._ended:
                self._more.clear()
                await self._more.wait()
                continue
            if len(self._ended) < BATCH and not self._closing and not self._idle():
                await asyncio.sleep(PATIENCE)
            batch = self._ended[:LARGEST]
            if not await self._settle(batch):
                return
            del self._ended[: len(batch)]

    async def _settle(self, batch: list[Running]) -> bool:
        outcomes = [it.outcome for it in batch if it.outcome is not None]
        try:
            answers = await self._backoff.keep_trying("settle", lambda: self._sent(outcomes), lambda: self._hurry)
        except Exception as error:
            return await self._settle_apart(batch, error)
        if answers is None:
            return False
        if answers:
            reasons = {id(outcome): why for outcome, why in answers}
            for running in batch:
                self._reported(running, reasons.get(id(running.outcome), ""))
        else:
            self._settled(batch, "")
        self._unanswered = False
        return True

    async def _sent(self, outcomes: list[Outcome]) -> list[tuple[Outcome, str]]:
        try:
            return await self._broker.settle(outcomes)
        except BrokerUnavailable:
            self._unanswered = True
            raise
        except EngineRefused as error:  # it refuses all of us, for now: a read-only disk says nothing of these outcomes
            raise BrokerUnavailable(str(error)) from error

    async def _settle_apart(self, batch: list[Running], error: Exception) -> bool:
        """The engine chokes on something in the batch, which must not keep the others from their settle."""
        if len(batch) > 1:
            return all([await self._settle([running]) for running in batch])
        log.error("%s could not be settled", batch[0].claim.job.id, exc_info=error)
        self._reported(batch[0], f"{type(error).__name__}: {text_of(error)}")
        return True

    def _reported(self, running: Running, why: str) -> None:
        outcome = running.outcome
        if why and why not in ("stale", "conflict") and not (isinstance(outcome, Dead) and not outcome.writes):
            # the engine refuses what goes with it: the job itself must not be run again for that
            trail = None if outcome is None else outcome.trail
            running.outcome = Dead(running.claim, trail=trail, reason=f"its outcome was refused: {why}")
            self._ended.append(running)
            return
        if why:
            self._bus.say(JobLost(running.claim, why))
        # stale after an answer that was lost: it may well have been done then, so it is counted against a budget
        self._settled((running,), UNKNOWN if why and self._unanswered else why)
