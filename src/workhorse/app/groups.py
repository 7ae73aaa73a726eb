"""Groups: jobs whose results go together, in order, to one follow-up."""

import dataclasses
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Final, Generic, Literal, ParamSpec, Protocol, TypeVar, overload

import msgspec

from workhorse.core.contract import Engine
from workhorse.core.document import Gathering, Member
from workhorse.core.effort import Attempt
from workhorse.core.envelope import follow_up
from workhorse.core.errors import DeclarationError, EngineRefused, EnqueueRefused
from workhorse.core.follow_up import RESULT, FollowUp
from workhorse.core.handle import JobHandle
from workhorse.core.ids import is_ours
from workhorse.core.job import Job
from workhorse.core.registry import Registry
from workhorse.core.sagas.task import SagaTask
from workhorse.core.schema import Unfit
from workhorse.core.task import Task
from workhorse.durable.groups import Groups, Head

Q = ParamSpec("Q")
R = TypeVar("R")
S = TypeVar("S")
T = TypeVar("T")

MOST: Final = 100_000
"""Members of one group: beyond it the collector's argument alone would fill a worker."""


class Front(Protocol):
    """What a group asks of its app."""

    registry: Registry

    async def engine(self) -> Engine:
        """The open engine."""
        ...

    async def enqueue(self, job: Job[S]) -> JobHandle[S]:
        """Put one job on its queue."""
        ...

    async def enqueue_many(self, jobs: Iterable[Job[S]]) -> list[JobHandle[S]]:
        """Put many jobs on their queues."""
        ...

    def refusal(self, job: Job[Any]) -> str:
        """Why this job cannot be enqueued; empty: it can."""
        ...

    def handle(self, job: Job[S]) -> JobHandle[S]:
        """Of a job that is enqueued, or will be."""
        ...

    def run(self, awaitable: Awaitable[T], /) -> T:
        """Wait for it from synchronous code."""
        ...


class Grouping:
    """What makes an app able to."""

    @overload
    def group(self: Front, jobs: Iterable[Job[R]], *, failures: Literal["stop"] = "stop") -> "Group[R]": ...
    @overload
    def group(self: Front, jobs: Iterable[Job[R]], *, failures: Literal["collect"]) -> "Group[Attempt[R]]": ...
    def group(self: Front, jobs: Iterable[Job[Any]], *, failures: Literal["stop", "collect"] = "stop") -> "Group[Any]":
        """Jobs whose results go together to one follow-up: `await app.group(jobs).then(task).enqueue()`.

        `failures`: what a member that died or was cancelled does to it. stop: the follow-up dies, too, and says of whom;
        collect: it gets a Success or a Failure of each. DeclarationError for more than 100,000 jobs, one that is there twice
        or has a given id.
        """
        if failures not in ("stop", "collect"):
            raise DeclarationError(f"group: failures: expected 'stop' or 'collect', got {failures!r}")
        return Group(self, jobs, failures == "collect")


class Group(Generic[R]):
    """Jobs that belong together; nothing happens until `.then(task).enqueue()`."""

    def __init__(self, app: Front, jobs: Iterable[Job[Any]], collect: bool) -> None:
        self._app, self._jobs, self._collect = app, tuple(jobs), collect
        _check(self._jobs)

    def then(self, task: FollowUp[list[R], Q, S], *args: Q.args, **kwargs: Q.kwargs) -> "FanIn[S]":
        """When all have ended, enqueue `task` with the list of their results first, then these arguments."""
        made: FollowUp[Any, ..., S] = task
        if not isinstance(task, Task):
            raise DeclarationError(f"group: then: expected a task, got {task!r}")

        def collector(first: Any) -> Job[S]:
            return made.job(first, *args, **kwargs)

        _check_key(collector(RESULT))
        return FanIn(self._app, self._jobs, collector, self._collect)


class FanIn(Generic[S]):
    """A group and the job that gets its results, its collector."""

    def __init__(self, app: Front, jobs: Sequence[Job[Any]], collector: Callable[[Any], Job[S]], collect: bool) -> None:
        self._app, self._jobs, self._collect, self._make = app, jobs, collect, collector
        self._collector = collector(RESULT)

    async def enqueue(self) -> JobHandle[S]:
        """Enqueue the members; the handle is the collector's, which waits for them. The same again is safe.

        EnqueueRefused, before any member is enqueued, when one does not fit; EngineRefused where no store keeps facts.
        """
        if not self._jobs:
            return await self._app.enqueue(dataclasses.replace(self._make([]), id=self._collector.id))
        store = (await self._app.engine()).store
        if store is None:
            raise EngineRefused("group: no store keeps its facts; give the app a store=")
        members = self._members()
        await Groups(self._app.engine).open(self._collector.id, self._head(members))
        await self._app.enqueue_many(members)
        return self._app.handle(self._collector)

    def enqueue_sync(self) -> JobHandle[S]:
        """The same from synchronous code, with or without a running loop."""
        return self._app.run(self.enqueue())

    def _members(self) -> list[Job[Any]]:
        id, of = self._collector.id, len(self._jobs)
        return [
            dataclasses.replace(job, options={**job.options, "member": Member(id, number, of)})
            for number, job in enumerate(self._jobs)
        ]

    def _head(self, members: Sequence[Job[Any]]) -> Head:
        """All is checked before anything is written: a group of which some cannot be enqueued would never end."""
        for job in members:
            if isinstance(self._app.registry.get(job.task), SagaTask):
                raise DeclarationError(
                    f"group: job {job.id}: expected tasks, got the saga {job.task}; let a task call it"
                )
        refused = [(job.id, why) for job in members if (why := self._app.refusal(job))]
        try:
            doc = follow_up(self._collector, self._app.registry.get)
        except Unfit as error:
            raise EnqueueRefused([(self._collector.id, str(error))]) from None
        if refused:
            raise EnqueueRefused(refused)
        gathers = Gathering(len(members), self._collect)
        return Head(
            len(members),
            msgspec.structs.replace(doc, overrides=msgspec.structs.replace(doc.overrides, gathers=gathers)),
        )


def _check(jobs: Sequence[Job[Any]]) -> None:
    if len(jobs) > MOST:
        raise DeclarationError(f"group: expected at most {MOST:,} jobs, got {len(jobs):,}; make groups of groups")
    if len({job.id for job in jobs}) < len(jobs):
        raise DeclarationError("group: expected each job once, got one twice; make each by task.job(...)")
    for job in jobs:
        if not is_ours(job.id):
            raise DeclarationError(
                f"group: job {job.id!r}: expected no given id: one that was enqueued before would not run again, "
                f"and its group would wait for ever"
            )
        _check_key(job)
        if "member" in job.options:
            raise DeclarationError(f"group: job {job.id} is in another group already; make it anew by task.job(...)")


def _check_key(job: Job[Any]) -> None:
    if job.options.get("unique") is not None:
        raise DeclarationError(
            f"group: job {job.id} of {job.task}: expected no unique key: one whose key is taken does not run, "
            f"and its group would wait for ever; say .options(unique=None)"
        )
