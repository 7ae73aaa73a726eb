"""What a worker holds: jobs that wait for a slot, that run, that wait for their settle; and everyone who sees to them."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial

import msgspec

from workhorse.core.clock import Clock
from workhorse.core.contract import Broker, Claim, Engine, Outcome, Released, Succeeded
from workhorse.core.happenings import JobEnded, JobLost
from workhorse.core.instrument import Bus, log
from workhorse.core.registry import Declared, Registry
from workhorse.durable.follow_ups import FollowUps
from workhorse.durable.sagas.puts import Puts
from workhorse.worker.backoff import Backoff
from workhorse.worker.batches import Batches
from workhorse.worker.call import Plan
from workhorse.worker.counts import Tally
from workhorse.worker.deadlines import Deadlines
from workhorse.worker.leases import Leases
from workhorse.worker.pool import Pool
from workhorse.worker.presence import RunningJob, State
from workhorse.worker.quarantine import Quarantine
from workhorse.worker.runner import Runner
from workhorse.worker.running import Report, Running, Why
from workhorse.worker.sagas.scene import Scene
from workhorse.worker.settler import UNKNOWN, Settler
from workhorse.worker.slots import STALE, Slots
from workhorse.worker.watch import Watch


class Parts(msgspec.Struct, frozen=True):
    """What an app gives its workers. `connect` is the engine of the running loop, `apart` one that is not yet opened;
    `scheduled` are the tasks that tick, by the names of their schedules."""

    registry: Registry
    bus: Bus
    clock: Clock
    connect: Callable[[], Awaitable[Engine]]
    apart: Callable[[], Engine]
    report: Report
    unknown_for: float
    scheduled: Callable[[], Mapping[str, Declared]]
    follow_ups: FollowUps
    retain: float = 3600.0  # of sagas that have ended
    replays: bool = False  # each turn of a saga ends after one step


async def _scene(parts: Parts, pool: Pool) -> Scene:
    engine = await parts.connect()
    assert engine.store is not None  # an app with sagas and without a store does not open
    assert engine.broker is not None
    whole = engine.broker.features.transactions
    store, puts = engine.store, Puts(engine.store)
    return Scene(parts.registry, parts.clock, pool, store, puts, engine.inspector, whole, parts.retain, parts.replays)


class Crew:
    """Takes claims; each ends as a settled outcome, or is dropped when it is not ours any more."""

    def __init__(
        self,
        parts: Parts,
        broker: Broker,
        backoff: Backoff,
        *,
        concurrency: int,
        lease: float,
        ended: Callable[[Sequence[Outcome | None]], None],
        free: Callable[[], None],
    ) -> None:
        self._bus, self._lease, self._ended = parts.bus, lease, ended
        self._leases = Leases(lease, parts.apart, self._told)
        self._held = self._leases.held
        self.tally = Tally()
        self.pool = Pool(parts.bus, Deadlines(self._held), self._torn_down)
        self.slots = Slots(concurrency, self._work, free)
        self._runner = Runner(
            parts.registry, parts.bus, parts.clock, self.pool, parts.report, parts.unknown_for, parts.follow_ups, backoff,
            partial(_scene, parts, self.pool),
        )  # fmt: skip
        self._batches = Batches(parts.registry, parts.clock, lambda batch: self.slots.add([batch]))
        self._settler = Settler(broker, parts.bus, backoff, lambda: not self.slots.waiting, self._settled)
        self.quarantine = Quarantine(lease, lambda: self.hand_back_waiting(older=0), self._unsettled, free)
        self._groups = parts.follow_ups.groups
        self._sweeping: set[asyncio.Task[None]] = set()
        self._settling = asyncio.create_task(self._settler.run())
        self._leases.on_look(Watch(parts.bus, self._held).look)
        self._leases.start()

    @property
    def held(self) -> int:
        """Jobs that are not settled yet."""
        return len(self._held)

    @property
    def still_for(self) -> float:
        """Seconds since the loop last turned, as another thread sees it."""
        return self._leases.still_for

    def accept(self, claims: list[Claim]) -> None:
        """Run these."""
        jobs = [Running(claim) for claim in claims]
        for running in jobs:
            self._leases.hold(running)
        self.slots.add(self._batches.sift(jobs))

    def hand_back_waiting(self, older: float = STALE) -> None:
        """Release what waits for a slot for longer than this: another worker may have one."""
        taken = self.slots.take_back(older)
        if not older:  # what waits for a batch waits for its own time
            taken += self._batches.take_back()
        for running in (it for each in taken for it in each.mates or (each,)):
            if not running.ended:
                self._end(running, Released(running.claim))

    def interrupt(self, why: Why) -> None:
        """End every call that can be ended."""
        for running in tuple(self._held):
            running.interrupt(why)

    def hand_back_all(self) -> None:
        """Release also what runs and cannot be ended; its outcome will not count."""
        for running in tuple(self._held):
            if running.began and not running.ended:
                self._end(running, Released(running.claim))

    async def close(self, patience: float) -> None:
        """Settle what has ended, at most for so many seconds."""
        self.slots.close()
        self._settler.close()
        try:
            await asyncio.wait_for(asyncio.shield(self._settling), patience)
        except TimeoutError:
            self._settler.close(hurry=True)
            log.warning("%d outcomes could not be settled; their jobs run again when their leases end", self.held)
        if self._sweeping:
            await asyncio.wait(self._sweeping, timeout=patience)

    def dismiss(self) -> None:
        """Let everyone go, now: nobody extends a lease any more."""
        self._leases.stop()
        self._batches.take_back()
        self.slots.close()
        self.slots.cancel()
        self.pool.close()
        self._settler.close(hurry=True)

    def state(self) -> State:
        """For people."""
        since = time.time() - time.monotonic()
        running = [
            RunningJob(it.claim.job.id, it.claim.job.task, since + it.began)
            for it in self._held
            if it.began and not it.ended
        ]
        by_queue = dict(self.tally.by_queue)
        return State(self.slots.busy, self.tally.total, self.pool.abandoned, running, by_queue)

    async def _work(self, running: Running, slot: "asyncio.Task[None]") -> None:
        try:
            if running.mates:
                await self._run_together(running, slot)
            elif (its := await self._prepared(running, slot)) is None:
                return
            elif running.claim.crashes >= its.terms.max_crashes - 1:
                await self._run_suspect(its, running)
            else:
                await self._run(its, running)
        except Exception:  # nothing may end a slot: it would be missed, and its job held for ever
            claim = running.claim
            log.exception("the worker itself failed on %s %s; the job is handed back", claim.job.task, claim.job.id)
            for it in running.mates or (running,):
                if not it.ended:
                    self._end(it, Released(it.claim, after=self._lease / 10))
        if running.thread is not None:
            await asyncio.wait([running.thread])

    async def _prepared(self, running: Running, slot: "asyncio.Task[None]") -> Plan | None:
        """How it is to be run; None when it is not, and has ended."""
        running.began, running.slot = time.monotonic(), slot
        if running.why == "lost":
            self._end(running, None)
            return None
        if running.why == "cancelled":
            running.claim = msgspec.structs.replace(running.claim, cancel=True)
        its = self._runner.prepare(running.claim)
        if isinstance(its, Outcome):
            its = await self._runner.not_run(its)
            self._bus.say(JobEnded(its, 0))
            self._end(running, its)
            return None
        return its

    async def _run_together(self, batch: Running, slot: "asyncio.Task[None]") -> None:
        batch.slot, jobs = slot, [it for it in batch.mates if not it.ended]
        prepared = [(await self._prepared(running, slot), running) for running in jobs]
        plans = [(its, running) for its, running in prepared if its is not None and running.why is None]
        outcomes = await self._runner.run_together(plans, batch) if plans else []
        became = dict(zip((running for _, running in plans), outcomes, strict=True))
        for running in jobs:
            if not running.ended:
                self._end(running, became.get(running, Released(running.claim)))

    async def _run(self, its: Plan, running: Running) -> None:
        outcome = await self._runner.run(its, running) if running.why is None else Released(running.claim)
        if not running.ended:
            self._end(running, outcome)

    async def _run_suspect(self, its: Plan, running: Running) -> None:
        if self.quarantine.occupied:
            self._end(running, Released(running.claim, after=self._lease / 10))
            return
        await self.quarantine.enter()
        try:
            await self._run(its, running)
        finally:
            self.quarantine.leave()

    def _torn_down(self) -> bool:
        """Whether the loop is being closed under us: then all tasks are cancelled at once."""
        return self._settling.cancelling() > 0

    def _unsettled(self) -> bool:
        return any(running.ended for running in self._held)

    def _end(self, running: Running, outcome: Outcome | None) -> None:
        running.ended, running.outcome = True, outcome
        if outcome is not None:
            self._settler.add(running)
            return
        self._bus.say(JobLost(running.claim, "its lease is lost"))
        self._forget((running,))

    def _settled(self, these: Sequence[Running], why: str) -> None:
        if not why:
            self.tally.add(these)
            self._sweep(these)
        elif why != UNKNOWN:
            for running in these:
                running.outcome = None
        self._forget(these)

    def _sweep(self, these: Sequence[Running]) -> None:
        """Nobody reads the facts of a group any more whose collector has succeeded; should we die now, they go in time."""
        for running in these:
            gathers = None if running.plan is None else running.plan.document.overrides.gathers
            if gathers is not None and isinstance(running.outcome, Succeeded):
                task = asyncio.create_task(self._groups.forget(running.claim.job.id, gathers.of))
                self._sweeping.add(task)
                task.add_done_callback(self._swept)

    def _swept(self, task: "asyncio.Task[None]") -> None:
        self._sweeping.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.debug("the facts of a group are left to their time: %s", error)

    def _forget(self, these: Sequence[Running]) -> None:
        for running in these:
            self._leases.let_go(running)
        self.quarantine.changed()
        self._ended([running.outcome for running in these])

    def _told(self, running: Running, why: Why) -> None:
        if not running.ended:
            running.interrupt(why)
