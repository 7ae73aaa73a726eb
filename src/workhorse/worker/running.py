"""A job that this worker holds, from its claim until its settle."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Literal, Protocol, TypeAlias

import msgspec

from workhorse.core import context as contexts
from workhorse.core import origin as origins
from workhorse.core.context import Context
from workhorse.core.contract import Claim, Outcome
from workhorse.core.document import Document
from workhorse.core.job import Job, job_of
from workhorse.core.origin import Origin
from workhorse.worker.call import Plan

Report: TypeAlias = Callable[[str, float, str], Awaitable[None]]
"""Takes a job's id, how far it is, and a word on it."""

Why: TypeAlias = Literal["cancelled", "late", "lost", "stopped"]


class Call(Protocol):
    """A call that runs, and can be told to end."""

    def cancel(self, msg: Any | None = None) -> object:
        """End it, for this reason."""
        ...


class Running(msgspec.Struct, eq=False):
    """Its claim, and the means to interrupt it. Made for each job, hence a struct; two are equal if they are one."""

    claim: Claim
    began: float = 0.0  # when it got its slot, by the monotonic clock; 0: it waits for one
    ended: bool = False  # what became of it is known
    outcome: Outcome | None = None  # which waits for its settle
    late: float = 0.0  # when its time is over, by the monotonic clock; 0: not begun, or no limit
    plan: Plan | None = None  # how it is run, once that is known
    report: Report | None = None  # where its progress goes
    context: Context | None = None  # made when its task asks
    slot: "asyncio.Task[None] | None" = None  # that it runs in
    call: "Call | None" = None  # the same, while the task's own code runs there
    thread: "asyncio.Future[Any] | None" = None  # of a sync task whose time is over, and which still runs
    why: Why | None = None
    mates: "Sequence[Running]" = ()  # of a batch, which runs as one: the jobs that it is made of

    @property
    def payloads(self) -> tuple[bytes, ...]:
        """What it was given; each of a batch's jobs."""
        return tuple([it.plan.payload for it in self.mates or (self,) if it.plan is not None])

    def bear(self) -> Context:
        """The context that its task sees."""
        if self.context is None:
            self.context = Context.lazily(self._job, attempt=self.claim.job.attempt, report=self._report)
            if self.why is not None:
                contexts.cancel(self.context)
        return self.context

    def origin(self) -> Origin:
        """Of what its task publishes."""
        job, plan = self.claim.job, self.plan
        return origins.of(Document() if plan is None else plan.document, job.id, job.headers)

    def interrupt(self, why: Why) -> None:
        """End the call if it can be ended: async code by cancellation, a process by its end. A thread goes on, and is told."""
        if self.why in ("lost", why):
            return  # nothing is more final; and who was told once is not told again in the midst of cleaning up
        self.why = why
        if self.context is not None:
            contexts.cancel(self.context)
        if self.call is not None:
            self.call.cancel(why)

    def _job(self) -> Job[Any]:
        assert self.plan is not None
        return job_of(self.claim.job, self.plan.arguments())

    async def _report(self, done: float, text: str) -> None:
        if self.report is not None:
            await self.report(self.claim.job.id, done, text)
