"""What one consumer holds, and who sees to it: leases that are extended, verdicts that become settles."""

import asyncio
import time
from collections import deque
from collections.abc import Sequence

from workhorse.core.contract import Broker, Claim, Outcome, Released
from workhorse.core.errors import BrokerUnavailable, LeaseLost, WorkhorseError
from workhorse.core.happenings import JobEnded, JobLost
from workhorse.core.instrument import log
from workhorse.core.registry import Registry
from workhorse.core.sagas.task import SagaTask
from workhorse.worker.backoff import Backoff
from workhorse.worker.call import Plan
from workhorse.worker.consuming.reading import Content, Read
from workhorse.worker.consuming.unbroken import unbroken
from workhorse.worker.crew import Parts
from workhorse.worker.deadlines import Deadlines
from workhorse.worker.leases import Leases
from workhorse.worker.pool import Pool
from workhorse.worker.runner import Runner
from workhorse.worker.running import Running, Why
from workhorse.worker.sagas.scene import Scene
from workhorse.worker.settler import UNKNOWN, Settler
from workhorse.worker.verdict import Interrupted, Unfitting, Verdict, text_of


class Hold:
    """From claim to settle, in one event loop; `patience`: seconds that an engine may take to answer a settle."""

    def __init__(
        self, parts: Parts, broker: Broker, tasks: Registry, read: Read, lease: float, patience: float
    ) -> None:
        self._parts, self._broker, self._read, self._lease, self._patience = parts, broker, read, lease, patience
        self.backoff = Backoff(parts.bus)
        self._leases = Leases(lease, parts.apart, self._told)
        self._pool = Pool(parts.bus, Deadlines(()), lambda: False)
        self._runner = Runner(
            tasks, parts.bus, parts.clock, self._pool, parts.report, parts.unknown_for, parts.follow_ups, self.backoff,
            _no_scene,
        )  # fmt: skip
        self._out: dict[Running, float] = {}  # who was given out, and when by the app's clock
        self._marked: deque[tuple[Running, Verdict]] = deque()  # from any thread
        self._ended: list[Running] = []  # which wait for their settle
        self._late: list[str] = []  # settled when they were not ours any more
        self._settling = asyncio.Lock()
        self._closed = False
        self._leases.start()

    @property
    def closed_for(self) -> float:
        """Seconds for which nothing may be claimed: a suspect is out, and its holder's death must not be charged to others."""
        now = time.monotonic()
        return max((it.began + self._lease - now for it in tuple(self._out) if _is_suspect(it)), default=0.0)

    async def take(self, claims: Sequence[Claim]) -> list[tuple[Running, Content]]:
        """Hold these, and what those say that are given out. The others end: dead, cancelled, or handed back."""
        held = [self._held(claim) for claim in claims]
        wanted = self._apart([running for running in held if await self._is_prepared(running)])
        return [(running, said) for running in wanted if (said := await self._said(running)) is not None]

    def mark(self, running: Running, verdict: Verdict) -> None:
        """Settle it so, with the next settle. WorkhorseError after the end."""
        if self._closed:
            raise WorkhorseError(
                f"message {running.claim.job.id}: expected a word while its consumer is open, got one after its end; it was "
                f"handed back, and comes again"
            )
        self._marked.append((running, verdict))

    async def settle(self) -> None:
        """Settle all that is marked. LeaseLost names those that were not ours any more: the others are settled.
        BrokerUnavailable when the engine does not answer in time: they are held, and settled with the next."""
        async with self._settling:
            while self._marked:
                await self._conclude(*self._marked.popleft())
            if self._ended:
                await self._send()
            if self._late:
                late, self._late = self._late, []
                raise LeaseLost(late)

    async def hand_back(self, claims: Sequence[Claim]) -> None:
        """What came too late for anybody to take."""
        for claim in claims:
            self._end(self._held(claim), Released(claim))
        await self.settle()

    async def close(self) -> None:
        """Hand back what is out and not marked, settle, and let go."""
        self._closed = True
        marked = {running for running, _ in self._marked}
        self._marked += [(running, Interrupted("stopped")) for running in self._out if running not in marked]
        try:
            await self.settle()
        finally:
            self._leases.stop()
            self._pool.close()

    def _held(self, claim: Claim) -> Running:
        running = Running(claim, began=time.monotonic())
        self._leases.hold(running)
        return running

    async def _is_prepared(self, running: Running) -> bool:
        try:
            its = self._runner.prepare(running.claim)
        except Exception:  # it must not cost its neighbours their delivery
            log.exception("message %s could not be looked into; it is handed back", running.claim.job.id)
            its = Released(running.claim, after=self._lease / 10)
        if isinstance(its, Plan) and _needs_a_worker(its):
            its = self._runner.hand_back(running.claim, "only a worker can run it: it belongs to a saga or a group")
        if isinstance(its, Outcome):
            its = await self._runner.not_run(its)
            self._parts.bus.say(JobEnded(its, 0))
            self._end(running, its)
            return False
        running.plan = its
        return True

    def _apart(self, prepared: list[Running]) -> list[Running]:
        """A suspect is given out alone, as a worker runs it alone; what came with it goes back."""
        suspects = [running for running in prepared if _is_suspect(running)]
        if not suspects:
            return prepared
        given = [it for it in prepared if it not in suspects] if self._out else suspects[:1]
        for running in prepared:
            if running not in given:
                self._end(running, Released(running.claim, after=self._lease / 10 if running in suspects else 0.0))
        return given

    async def _said(self, running: Running) -> Content | None:
        """None when it cannot be read: then it is dead."""
        assert running.plan is not None
        self._out[running] = self._parts.clock.time()
        self._runner.begin(running.plan, running)
        try:
            return self._read(running.claim.job, running.plan)
        except Exception as error:  # also of a class' own code: no neighbour may suffer for it
            await self._conclude(running, Unfitting(text_of(error) or type(error).__name__))
            return None

    async def _conclude(self, running: Running, verdict: Verdict) -> None:
        started = self._out.pop(running, 0.0)
        if running.why == "lost":
            if not isinstance(verdict, Interrupted):
                self._late.append(running.claim.job.id)
            return
        assert running.plan is not None
        outcome = await self._runner.conclude(verdict, running.plan, running, started)
        assert outcome is not None, "only what is lost has none"
        self._end(running, outcome)

    def _end(self, running: Running, outcome: Outcome) -> None:
        running.ended, running.outcome = True, outcome
        self._ended.append(running)

    async def _send(self) -> None:
        settler = Settler(self._broker, self._parts.bus, self.backoff, lambda: True, self._settled)
        for running in self._ended:
            settler.add(running)
        settler.close()
        timer = asyncio.get_running_loop().call_later(self._patience, settler.close, True)
        try:
            _, cancelled = await unbroken(settler.run(), lambda: settler.close(hurry=True))
        finally:
            timer.cancel()
        if cancelled is not None:
            raise cancelled
        if self._ended:
            count = f"{len(self._ended):,} message{'' if len(self._ended) == 1 else 's'}"
            raise BrokerUnavailable(
                f"consumer: {count} could not be settled within {self._patience:g} s; they are held, and "
                f"settled with the next consume"
            )

    def _settled(self, these: Sequence[Running], why: str) -> None:
        if why and why != UNKNOWN:
            self._late += [running.claim.job.id for running in these if not isinstance(running.outcome, Released)]
        for running in these:
            self._leases.let_go(running)
            self._ended.remove(running)

    def _told(self, running: Running, why: Why) -> None:
        if running.ended:
            return
        running.interrupt(why)
        if why == "lost":
            self._leases.let_go(running)
            self._parts.bus.say(JobLost(running.claim, "its lease is lost"))


def _is_suspect(running: Running) -> bool:
    return running.plan is not None and running.claim.crashes >= running.plan.terms.max_crashes - 1


def _needs_a_worker(its: Plan) -> bool:
    own = its.document.overrides
    return isinstance(its.terms.task, SagaTask) or own.errand is not None or own.gathers is not None


async def _no_scene() -> Scene:
    raise WorkhorseError("a consumer runs no sagas: it hands them back")
