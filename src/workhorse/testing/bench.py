"""An app in memory, for tests: the real engine, the real worker, a clock that moves when told."""

import dataclasses
import uuid
from collections.abc import AsyncGenerator, Callable, Generator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from workhorse.app import Workhorse
from workhorse.core.context import Context
from workhorse.core.contract import Dead
from workhorse.core.errors import WorkhorseError
from workhorse.core.happenings import Enqueued, JobEnded, JobSucceeded
from workhorse.core.job import Job, job_of
from workhorse.core.task import Task
from workhorse.durable.history import failures
from workhorse.durable.results import read
from workhorse.engines.sqlite import memory
from workhorse.testing.clock import ManualClock
from workhorse.testing.recorder import Recorder
from workhorse.worker.call import Planner
from workhorse.worker.counts import Counts


class Bench:
    """An app in memory: run what is due, look at what came of it."""

    def __init__(self, app: Workhorse, clock: ManualClock) -> None:
        self._app, self._clock = app, clock
        self._enqueued = Recorder()
        self._results: list[Any] = []
        self._dead: list[Job[Any]] = []

    @property
    def clock(self) -> ManualClock:
        """Moves when told: `bench.clock.advance(3600)`."""
        return self._clock

    @property
    def results(self) -> list[Any]:
        """What jobs returned, in the order of their ends; those that keep no result, or skipped, are left out."""
        return list(self._results)

    @property
    def jobs(self) -> list[Job[Any]]:
        """What was enqueued, in order."""
        return list(self._enqueued.jobs)

    @property
    def enqueued(self) -> Recorder:
        """The same, with assertions: `bench.enqueued.in_order("resize", "note")`."""
        return self._enqueued

    @property
    def dead(self) -> list[Job[Any]]:
        """The dead letters, in the order of their ends, with their attempts."""
        return list(self._dead)

    async def drain(self) -> Counts:
        """Run what is due, in this process; the clock moves on to the retries of what failed."""
        return await drain(self._app)

    def context(self, *, state: Mapping[str, Any] | None = None) -> Context:
        """A Context, to call a task's function by hand."""
        return Context(state=state)

    def listeners(self) -> Sequence[Callable[[], None]]:
        """Begin to look; each that is returned ends a look."""
        bus = self._app.bus
        return (
            bus.listen(Enqueued, lambda it: self._enqueued.jobs.extend(it.jobs)),
            bus.listen(JobEnded, self._saw_end),
            bus.listen(JobSucceeded, self._saw_success),
        )

    def _saw_end(self, it: JobEnded) -> None:
        outcome, task = it.outcome, self._app.registry.serving(it.outcome.claim.job)
        if isinstance(outcome, Dead):
            job = job_of(outcome.claim.job, _arguments(task, outcome.claim.job.payload))
            self._dead.append(dataclasses.replace(job, attempts=tuple(failures(outcome.trail or b""))))

    def _saw_success(self, it: JobSucceeded) -> None:
        outcome, task = it.outcome, self._app.registry.serving(it.outcome.claim.job)
        if outcome.writes and outcome.trail is None and task is not None:
            try:
                self._results.append(read(outcome.claim.job.id, outcome.writes[0].value, task.schema.decode_result))
            except WorkhorseError:
                pass  # a result that could not be kept: the handle tells why


def _arguments(task: Task[..., Any] | None, payload: bytes) -> tuple[Sequence[Any], Mapping[str, Any]]:
    if task is not None:
        try:
            return Planner().plan(task, payload).arguments()
        except WorkhorseError:
            pass  # it may be dead for just that
    return (), {}


@asynccontextmanager
async def in_memory(app: Workhorse) -> AsyncGenerator[Bench]:
    """The app in memory, with the real semantics and a manual clock; afterwards it is where it was."""
    with benched(app) as bench:
        try:
            yield bench
        finally:
            await app.close()


@contextmanager
def benched(app: Workhorse) -> Generator[Bench]:
    """The same for who closes the app, or drops its loop, by himself: a fixture without a loop of its own."""
    clock = ManualClock()
    name = f"bench-{uuid.uuid4().hex}"
    memory.home(name, clock=clock)
    bench = Bench(app, clock)
    ends = bench.listeners()
    try:
        with app.relocated(f"memory://{name}", clock):
            yield bench
    finally:
        for end in ends:
            end()
        memory.forget(name)


async def drain(app: Workhorse) -> Counts:
    """Run what is due, in this process, on any engine; wait for the retries of what failed meanwhile."""
    return await app.worker(burst=True, signals=()).run()
