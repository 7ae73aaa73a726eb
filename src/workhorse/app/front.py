"""The app: a URL, its tasks, and everything one does with them."""

import os
from collections.abc import Awaitable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack, cast

from workhorse.app import needs, urls
from workhorse.app.answers import Answers
from workhorse.app.bulk import Bulk
from workhorse.app.connections import Connection, Connections
from workhorse.app.consuming import Consuming
from workhorse.app.events import Events
from workhorse.app.groups import Grouping
from workhorse.app.importing import Progress
from workhorse.app.letters import Letters
from workhorse.app.outbox import Outbox
from workhorse.app.places import Places
from workhorse.app.portal import Portal
from workhorse.app.publishing import Publishing
from workhorse.app.sagas import Sagas, replays
from workhorse.app.spooling import Spool, Spooling, spool_of
from workhorse.core import log, names
from workhorse.core.checks import whole
from workhorse.core.clock import Clock, SystemClock
from workhorse.core.contract import Answer, Engine, Envelope, Row
from workhorse.core.durations import Duration, seconds
from workhorse.core.effort import Attempt
from workhorse.core.errors import BrokerUnavailable, EnqueueRefused, WorkhorseError
from workhorse.core.events.catalog import Catalog
from workhorse.core.events.described import Described
from workhorse.core.events.topics import Topics
from workhorse.core.handle import Decode, JobHandle, Status
from workhorse.core.happenings import Enqueued
from workhorse.core.instrument import Bus
from workhorse.core.job import Job
from workhorse.core.keyed import refusal
from workhorse.core.options import KEYED, settled
from workhorse.core.redaction import REDACTED, Redaction
from workhorse.core.registry import Declared, Registry
from workhorse.core.schema import Unfit, decode_any
from workhorse.core.task import Task, remote
from workhorse.core.typed import JobOptions, OnceOptions
from workhorse.durable import progress
from workhorse.durable.follow_ups import FollowUps
from workhorse.durable.groups import Groups
from workhorse.durable.results import Results
from workhorse.durable.spool.log import LIMIT
from workhorse.durable.ticks import name_of
from workhorse.worker.budget import Budget, LocalBudget
from workhorse.worker.call import keeps_result
from workhorse.worker.crew import Parts
from workhorse.worker.worker import Worker

R = TypeVar("R")
T = TypeVar("T")


class Workhorse(Consuming, Grouping, Publishing):
    """The front door: a URL, its tasks, and everything one does with them.

    `url`: where the work is kept; without one $WORKHORSE_URL, else sqlite:///workhorse.db. `name`: this service, and its
    default queue. `store`: another URL, for results and all other facts; "none": there are none. `spool`: a file on the local
    disk that takes what the engine does not answer for, and `spool_limit`: how many jobs may wait there. `max_size`: bytes of
    one job or event. `enqueue_timeout`: how long an enqueue waits for an engine that does not answer. `redact`: patterns of
    header names whose values are never shown. `unknown_for`: how long a job of a task that nobody knows is handed back.
    `max_hops`: how many jobs and events may follow one another. `topics`: media type to topic, nested keys joined by dots,
    and `default` for the rest; also $WORKHORSE_TOPICS__…; without any each media type is a topic. `retain`: how long
    succeeded and cancelled jobs are kept (0: not at all); `dead_retain`: the same of dead ones (None: until someone purges
    them). Other options are defaults for the app's tasks.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        name: str = "default",
        store: str | None = None,
        spool: str | None = None,
        spool_limit: int = LIMIT,
        max_size: int = 1_048_576,
        enqueue_timeout: Duration = 30,
        redact: Sequence[str] = REDACTED,
        unknown_for: Duration = 3600,
        max_hops: int = 32,
        topics: Mapping[str, Any] | None = None,
        retain: Duration = 3600,
        dead_retain: Duration | None = None,
        **defaults: Unpack[JobOptions],
    ) -> None:
        super().__init__(prefix="", **defaults)
        self._name = names.name(name, "name")
        self._unknown_for = seconds(unknown_for, "unknown_for")
        self._retain = seconds(retain, "retain")
        self._patience = seconds(enqueue_timeout, "enqueue_timeout", least=0.001)
        self._places = Places(urls.completed(url, retain, dead_retain), urls.store(store))
        self._said: dict[str, Mapping[str, Any]] = {}
        self.redaction = Redaction(redact)
        self.registry, self.catalog = Registry(), Catalog()
        self.bus = Bus()
        log.listen(self.bus)
        self._clock: Clock = SystemClock()
        size, hops = whole(max_size, "max_size", least=1), whole(max_hops, "max_hops", least=1)
        self._letters = Letters(self.registry, self._now, size, hops)
        self._portal = Portal()
        self.spool = spool_of(spool, self._places.url, name, whole(spool_limit, "spool_limit", least=1))
        self._connections = self._fresh(self.spool)
        self._results = Results(self.engine, self._keeps_result)
        self._groups = Groups(self.engine)
        self.sagas = Sagas(self.engine, self._send)
        self._answers = Answers(self.engine, self.sagas, self._groups)
        topics_of = Topics(topics, os.environ)
        self.events = Events(self._name, self.registry, self.catalog, topics_of, self._letters, self._soon, self._now)

    @property
    def name(self) -> str:
        """This service, and its default queue."""
        return self._name

    @property
    def url(self) -> str:
        """Where the work is kept, without a password."""
        return urls.shown(self._places.url)

    @property
    def store(self) -> str | None:
        """Where facts are kept, without a password: None means in the same place, "none" nowhere."""
        return None if self._places.store is None else urls.shown(self._places.store)

    @property
    def places(self) -> Places:
        """Both, for who opens engines of his own."""
        return self._places

    async def __aenter__(self) -> Self:
        await self._connections.opened()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def engine(self) -> Engine:
        """The open engine of this process and event loop; the first call opens it."""
        return (await self._connections.here()).engine

    async def close(self) -> None:
        """Close what the first call, `async with` or `run` opened; any later call opens it again."""
        await self._connections.close()
        if self._portal.open and not self._portal.inside:
            self._portal.run(self._connections.close())
            self._portal.close()

    def run(self, awaitable: Awaitable[T], /) -> T:
        """Any asynchronous call of this app from synchronous code: `app.run(job.result())`."""
        return self._portal.run(awaitable)

    # ---- enqueueing

    def job(self, task: str, /, *args: Any, **kwargs: Any) -> Job[Any]:
        """A job by name, on this app's own queue. What a task of this app says of keys holds for it, too."""
        known = self.registry.get(task)
        keyed = cast(OnceOptions, {} if known is None else known.settings.of(KEYED))
        return self.remote(task, **keyed).job(*args, **kwargs)

    def remote(self, task: str, /, **options: Unpack[OnceOptions]) -> Task[..., Any]:
        """The task of this name in another service, with its queue and other options."""
        defaults = {name: value for name, value in self._defaults.items() if name not in KEYED}
        return remote(task, settled(self._name, [defaults]), self, options)

    async def enqueue(self, job: Job[R]) -> JobHandle[R]:
        """Put one job on its queue; durable when this returns.

        EnqueueRefused when it does not fit, or when its unique key is taken and it says on_conflict="raise";
        BrokerUnavailable when there is no answer within `enqueue_timeout`.
        """
        try:
            if (box := Outbox.current(self.registry)) is not None:
                box.put(self._letters.of(job))
                return self.handle(job)
            connection = await self._connections.soon()
            answer = await connection.sender.send(self._letters.of(job, connection.sender.max_size))
        except Unfit as error:
            raise EnqueueRefused([(job.id, str(error))]) from None
        except BrokerUnavailable as error:
            raise BrokerUnavailable(f"{error}; job {job.id} may be enqueued again: same id", [job]) from error
        if why := refusal(job, answer):
            raise EnqueueRefused([(job.id, why)])
        self._tell([(job, answer)])
        return self._handle(job, answer)

    async def enqueue_many(self, jobs: Iterable[Job[R]]) -> list[JobHandle[R]]:
        """Put many jobs on their queues, in durable batches.

        Those that fit are enqueued; EnqueueRefused then names the others. BrokerUnavailable carries what is not known to
        be enqueued.
        """
        if Outbox.current(self.registry) is not None:
            return [await self.enqueue(job) for job in jobs]
        try:
            connection = await self._connections.soon()
        except BrokerUnavailable as error:
            raise BrokerUnavailable(str(error), list(jobs)) from error
        bulk = Bulk[R](connection.sender, lambda job: self._letters.of(job, connection.sender.max_size))
        handles: list[JobHandle[R]] = []
        async for accepted in bulk.send(jobs):
            handles += [self._handle(job, answer) for job, answer in accepted]
            self._tell(accepted)
        if bulk.refused:
            raise EnqueueRefused(bulk.refused)
        return handles

    def progress(self, name: str) -> Progress:
        """How far an import came, by a name of its own: `await app.progress("cities").enqueue_many(jobs)`."""
        return Progress(name, self.enqueue_many, lambda: self._connections.marks(), self._patience)

    def refusal(self, job: Job[Any]) -> str:
        """Why this job cannot be enqueued; empty: it can."""
        try:
            self._letters.of(job)
        except Unfit as error:
            return str(error)
        return ""

    def handle(self, job: Job[R]) -> JobHandle[R]:
        """The handle of a job that is enqueued, or will be."""
        return self._handle(job, Answer("accepted"))

    def _handle(self, job: Job[R], answer: Answer) -> JobHandle[R]:
        task = self.registry.get(job.task)
        id = answer.of or job.id
        return JobHandle(id, self, decode_any) if task is None else task.handle(id)

    async def _soon(self) -> Connection:
        return await self._connections.soon()

    async def _send(self, envelope: Envelope) -> Answer:
        return await (await self._soon()).sender.send(envelope)

    def _tell(self, answered: Sequence[tuple[Job[Any], Answer]]) -> None:
        if self.bus.wants(Enqueued):
            self.bus.say(Enqueued([job for job, answer in answered if answer.kind == "accepted"]))

    # ---- what a handle asks

    async def status(self, id: str) -> Status:
        """Where the job is now; JobNotFound when nothing is known of it."""
        return "spooled" if await self._connections.spooled(id) else await self._answers.status(id)

    async def result(self, id: str, timeout: float | None, decode: Decode) -> Any:
        """Wait for the job's end."""
        return await self._results.wait(id, await self._connections.arrived(id, timeout), decode)

    async def cancel(self, id: str) -> bool:
        """Ask the job to stop; False when it had ended. TimeoutError for one that does not leave the spool."""
        await self._connections.arrived(id, self._patience)
        return await self._answers.cancel(id)

    async def history(self, id: str, decode: Decode) -> Sequence[Attempt[Any]]:
        """The job's attempts so far, oldest first."""
        return () if await self._connections.spooled(id) else await self._answers.history(id, decode)

    # ---- working

    def worker(
        self,
        *,
        concurrency: int = 100,
        queues: Sequence[str] | None = None,
        max_jobs: int | None = None,
        burst: bool = False,
        lease: Duration = 30,
        grace: Duration = 25,
        signals: Sequence[int] | None = None,
    ) -> Worker:
        """A worker in this process: `await app.worker().run()`.

        `concurrency`: jobs at once; `queues`: whose, in order (None: those of the app's tasks); `max_jobs`: stop after
        exactly so many; `burst`: stop when nothing runs here and nothing is due; `lease`: for how many seconds a silent
        worker keeps its jobs; `grace`: how many seconds running jobs have at shutdown; `signals`: which stop it (None:
        SIGINT and SIGTERM; empty: none).
        """
        budget = LocalBudget(None if max_jobs is None else whole(max_jobs, "max_jobs", least=1))
        return self.worker_of(
            budget, concurrency=concurrency, queues=queues, burst=burst, lease=lease, grace=grace, signals=signals
        )

    def worker_of(
        self,
        budget: Budget,
        *,
        concurrency: int = 100,
        queues: Sequence[str] | None = None,
        burst: bool = False,
        lease: Duration = 30,
        grace: Duration = 25,
        signals: Sequence[int] | None = None,
    ) -> Worker:
        """The same with a budget of jobs that may be shared with other processes."""
        return Worker(
            self._parts(),
            budget,
            concurrency=whole(concurrency, "concurrency", least=1),
            queues=self.registry.queues() if queues is None else [names.name(queue, "queue") for queue in queues],
            burst=burst,
            lease=seconds(lease, "lease", least=0.1),
            grace=seconds(grace, "grace"),
            signals=signals,
        )

    def scheduled(self) -> dict[str, Declared]:
        """The tasks that have a schedule, by its name."""
        return {name_of(self._name, task.name): task for task in self.registry if task.definition.schedule}

    @contextmanager
    def relocated(self, url: str, clock: Clock) -> Generator[None]:
        """For as long as the block lasts, everything goes to another engine and by another clock: a test's. Close the app
        before the block ends, in each loop that used it."""
        before = self._places, self._clock, self._connections
        self._places = Places(url, urls.NONE if self._places.store == urls.NONE else None)
        self._clock = clock
        self._connections = self._fresh()
        try:
            yield
        finally:
            self._places, self._clock, self._connections = before

    # ---- inside

    def _fresh(self, spool: Spool | None = None) -> Connections:
        parts = self._places.engine, self._prepare, self._check, self._patience
        return Connections(*parts) if spool is None else Spooling(*parts, spool, self.bus)

    def _parts(self) -> Parts:
        follow_ups = FollowUps(self._groups, self._clock, self._letters.max_hops, self._letters.max_size)
        return Parts(
            self.registry, self.bus, self._clock, self._bound, self._places.work, self._progress, self._unknown_for,
            self.scheduled, follow_ups, self._retain, replays(),
        )  # fmt: skip

    def _prepare(self) -> None:
        self.registry.check_mourners()
        self.events.prepare()
        for task in self.registry:
            task.schema.prepare()

    async def _check(self, engine: Engine) -> None:
        if engine.broker is None:
            raise WorkhorseError("the URL names no broker: jobs have nowhere to go")
        needs.check_store(engine.store is not None, self._places.store)
        place = needs.Place(engine.broker.features, engine.store is not None)
        needs.check_tasks(self._said, place)
        needs.check_sagas((task.name for task in self.registry if task.definition.version), place)
        await self.events.bind(engine)

    async def _bound(self) -> Engine:
        """For a worker: what was subscribed since it opened is bound, too."""
        await self.events.bind(engine := await self.engine())
        return engine

    def _now(self) -> float:
        return self._clock.time()

    def _learnt(self, it: Described) -> None:
        self.catalog.add(it)

    def _arrived(self, task: Declared, name: str, defaults: Mapping[str, Any]) -> None:
        task.definition.bind(name, settled(self._name, [defaults]), self)
        self.registry.add(task)
        self._said[name] = defaults

    async def _progress(self, id: str, done: float, text: str) -> None:
        store = (await self.engine()).store
        if store is not None:
            try:
                await store.put([progress.of(id, done, text)])
            except BrokerUnavailable as error:
                log.log.debug("the progress of job %s is not shown: %s", id, error)  # no reason to fail its attempt

    def _keeps_result(self, row: Row) -> bool:
        return keeps_result(self.registry.serving(row.job), row.job.payload)
