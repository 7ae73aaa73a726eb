"""A worker: claims what it has room for, runs it, settles it, until told to stop."""

import asyncio
import os
import platform
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack

from workhorse.core.contract import Broker, Claim, Outcome, Released, Retried, Store
from workhorse.core.happenings import WorkerStarted, WorkerStopped, WorkerStopping
from workhorse.core.ids import new_id
from workhorse.worker.backoff import Backoff
from workhorse.worker.budget import Budget
from workhorse.worker.counts import Counts
from workhorse.worker.crew import Crew, Parts
from workhorse.worker.presence import Presence
from workhorse.worker.scheduler import Scheduler
from workhorse.worker.signals import Signals
from workhorse.worker.slots import STALE

IDLE = 30.0
"""Seconds that one wait for work lasts at most."""

SIGN = 5.0
"""Seconds between signs of life, or a third of the lease if that is shorter."""

HUNG = 60.0
"""Seconds, or the lease if that is longer, after which a verb that has not ended never will: an engine gives up long before."""

TICK = 0.001
"""Seconds by which an engine may take a retry for due later than we do: it rounds, and asked its clock after us."""

LAST = 5.0
"""Seconds at the end for hand-backs and settles, when the engine answers slowly or not at all."""


class Worker:
    """Runs jobs until told to stop."""

    def __init__(
        self,
        parts: Parts,
        budget: Budget,
        *,
        concurrency: int,
        queues: Sequence[str],
        burst: bool,
        lease: float,
        grace: float,
        signals: Sequence[int] | None,
    ) -> None:
        self._parts, self._budget, self._concurrency, self._queues = parts, budget, concurrency, queues
        self._burst, self._lease, self._grace, self._signals = burst, lease, grace, signals
        self.name = f"{platform.node()}:{os.getpid()}:{new_id()[-6:]}"
        self._stops = 0
        self._backoff = Backoff(parts.bus)
        self._retrying: dict[str, float] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._crew: Crew | None = None

    async def run(self) -> Counts:
        """Work until stopped, or until nothing runs here and nothing is due with `burst`; what was done, counted."""
        began = time.monotonic()
        if not self._queues:
            return Counts()
        self._loop = asyncio.get_running_loop()
        self._stopped, self._now, self._nudge = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._heed()
        async with AsyncExitStack() as stack:
            stack.enter_context(Signals(self._signals, self.stop))
            engine = await self._backoff.keep_trying("open", self._parts.connect, self._stopped.is_set)
            if engine is None:
                return Counts()  # told to stop before there was anything to work on
            assert engine.broker is not None
            self._crew = crew = self._hired(engine.broker)
            stack.callback(self._dismiss, crew)
            self._parts.bus.say(WorkerStarted(self.name, self._queues, self._concurrency, self._serves()))
            if engine.store is not None:
                every = min(SIGN, self._lease / 3)
                presence = Presence(engine.store, self.name, self._queues, self._concurrency, every, crew.state)
                await stack.enter_async_context(presence)
                await self._schedule(stack, engine.broker, engine.store)
            try:
                await self._claiming(engine.broker, crew)
            except asyncio.CancelledError:
                self._now.set()
                raise
            finally:
                await self._finish(crew)
        self._parts.bus.say(WorkerStopped(self.name, time.monotonic() - began))
        return crew.tally.counts()

    async def _schedule(self, stack: AsyncExitStack, broker: Broker, store: Store) -> None:
        if not (tasks := self._parts.scheduled()):
            return
        scheduler = Scheduler(broker, store, tasks, self._parts.bus, self._backoff)
        await stack.enter_async_context(scheduler)
        if self._burst:  # what is due now is part of it
            await self._first(scheduler.looked.wait(), self._stopped.wait())

    def _serves(self) -> list[tuple[str, str, str]]:
        subscriptions = self._parts.registry.subscribers
        return [(it.wanted, it.task.name, it.queue) for it in subscriptions if it.queue in self._queues]

    def _hired(self, broker: Broker) -> Crew:
        return Crew(
            self._parts,
            broker,
            self._backoff,
            concurrency=self._concurrency,
            lease=self._lease,
            ended=self._ended,
            free=self._nudge.set,
        )

    def _dismiss(self, crew: Crew) -> None:
        """However it ended, also when its end was cancelled: nobody may go on extending leases."""
        crew.dismiss()
        self._crew = None

    def stop(self) -> None:
        """Claim no more, finish what runs, hand the rest back; a second call stops at once. From any thread."""
        self._stops += 1
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._heed)

    @property
    def healthy(self) -> bool:
        """Whether work can go on: the loop has turned within the last lease, no claim and no settle hangs in the engine, and not
        every slot is lost to a thread that hangs."""
        crew = self._crew
        if self._backoff.unanswered_for > max(HUNG, self._lease):
            return False
        return crew is None or (crew.still_for < self._lease and crew.pool.abandoned < self._concurrency)

    @property
    def ready(self) -> bool:
        """Whether it claims: started, not stopping, and the engine answers."""
        return self._crew is not None and not self._stops and self._backoff.lost_since is None

    def _heed(self) -> None:
        if self._stops:
            self._stopped.set()
            self._nudge.set()
        if self._stops > 1:
            self._now.set()

    async def _claiming(self, broker: Broker, crew: Crew) -> None:
        while not self._stopped.is_set():
            crew.hand_back_waiting()
            hungry = crew.slots.hungry and not crew.quarantine.closed
            wanted = self._budget.take(crew.slots.room()) if hungry else 0
            if not wanted:
                if not crew.held and (hungry or self._spent()):
                    return  # the budget is used up; a thread that hangs in the last slot changes nothing
                await self._change()
                continue
            idle = not crew.held
            claiming = asyncio.create_task(self._claim(broker, crew, wanted))
            # never cancelled in flight: what it brings would be known to nobody until its lease ends
            if await self._shielded(claiming):
                continue
            if self._burst and not crew.held:
                if not idle:
                    continue  # what was settled meanwhile may have admitted the next of its lane
                if not self._retrying:
                    return
                await self._first(self._stopped.wait(), self._until_retry(), self._wait(broker, wanted))
            else:
                nudge = self._nudge if self._burst else self._stopped
                # what was claimed ahead of a slot goes back when none comes free
                patience = STALE if crew.slots.waiting else IDLE
                await self._first(nudge.wait(), self._wait(broker, wanted), asyncio.sleep(patience))

    async def _claim(self, broker: Broker, crew: Crew, wanted: int) -> int:
        self._nudge.clear()
        crew.quarantine.claiming(True)
        claims: list[Claim] | None = None
        try:
            claims = await self._backoff.keep_trying(
                "claim", lambda: broker.claim(self._queues, wanted, self._lease), self._stopped.is_set
            )
            crew.accept(claims or [])
            if self._stopped.is_set():
                crew.hand_back_waiting(older=0)  # before any slot has begun with what came late
        finally:
            self._budget.give_back(wanted - len(claims or []))
            crew.quarantine.claiming(False)
        for claim in claims or []:
            self._retrying.pop(claim.job.id, None)
        if not claims:
            now = self._parts.clock.time()
            self._retrying = {id: due for id, due in self._retrying.items() if due > now - TICK}
        return len(claims or [])

    def _spent(self) -> bool:
        left = self._budget.take(1)
        self._budget.give_back(left)
        return not left

    async def _wait(self, broker: Broker, wanted: int) -> None:
        """Once: on a connection that is new a claim says sooner than a wait whether there is work, and an engine."""
        await self._backoff.once("wait", lambda: broker.wait(self._queues, wanted, IDLE))

    async def _until_retry(self) -> None:
        left = min(self._retrying.values()) - self._parts.clock.time()
        await self._parts.clock.sleep(left if left > 0 else TICK)

    async def _change(self) -> None:
        """Until something ends; not for long, as other processes may give back tickets of a shared budget."""
        await self._first(self._nudge.wait(), asyncio.sleep(0.25))
        self._nudge.clear()

    def _ended(self, outcomes: Sequence[Outcome | None]) -> None:
        self._nudge.set()
        if unspent := sum(outcome is None or type(outcome) is Released for outcome in outcomes):
            self._budget.give_back(unspent)
        if self._burst:
            now = self._parts.clock.time()
            self._retrying.update({it.claim.job.id: now + it.after for it in outcomes if isinstance(it, Retried)})

    async def _finish(self, crew: Crew) -> None:
        crew.hand_back_waiting(older=0)
        if crew.held:
            self._parts.bus.say(WorkerStopping(self.name, crew.held, self._grace))
        await self._until(lambda: not crew.held, self._grace)
        if crew.held:
            crew.interrupt("stopped")
            await self._until(lambda: not crew.held, 1.0, at_once=False)
            crew.hand_back_all()
        await crew.close(LAST)

    async def _until(self, so: Callable[[], bool], patience: float, at_once: bool = True) -> None:
        end = time.monotonic() + patience
        while not so() and (left := end - time.monotonic()) > 0 and not (at_once and self._now.is_set()):
            self._nudge.clear()
            await self._first(
                self._nudge.wait(), self._now.wait() if at_once else asyncio.sleep(left), asyncio.sleep(left)
            )

    async def _shielded(self, claiming: "asyncio.Task[int]") -> int:
        cancelled: asyncio.CancelledError | None = None
        while not claiming.done():  # whoever is impatient cancels twice
            try:
                await asyncio.shield(claiming)
            except asyncio.CancelledError as error:
                cancelled = error
                self._stopped.set()  # an engine that is away is not waited for, and what comes late is handed back
        if cancelled is not None:
            raise cancelled
        return claiming.result()

    @staticmethod
    async def _first(*awaitables: Awaitable[object]) -> None:
        """Until the first of them is done; the others are cancelled; an error of the first is raised."""
        tasks = [asyncio.ensure_future(it) for it in awaitables]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
        for task in done:
            task.result()
