"""A job that this worker holds, from its claim until its settle."""

import asyncio
from typing import Any, Literal, TypeAlias

from workhorse.core import context as contexts
from workhorse.core.context import Context
from workhorse.core.contract import Claim

Why: TypeAlias = Literal["cancelled", "late", "lost", "stopped"]


class Running:
    """Its claim, and the means to interrupt it. Made for each job, hence small."""

    __slots__ = ("began", "call", "claim", "context", "deadline", "ended", "slot", "thread", "why")

    def __init__(self, claim: Claim) -> None:
        self.claim = claim
        self.began = 0.0  # when it got its slot, by the monotonic clock; 0: it waits for one
        self.ended = False  # its outcome is known; it waits for its settle
        self.deadline = 0.0  # by the monotonic clock; past it the lease is let go; 0: not begun, or no limit
        self.context: Context | None = None
        self.slot: asyncio.Task[None] | None = None  # that it runs in
        self.call: asyncio.Task[None] | None = None  # the same, while the task's own code runs there
        self.thread: asyncio.Future[Any] | None = None  # of a sync task whose time is over, and which still runs
        self.why: Why | None = None

    def interrupt(self, why: Why) -> None:
        """End the call if it can be ended: async code by cancellation, a process by its end. A thread goes on, and is told."""
        if self.why in ("lost", why):
            return  # nothing is more final; and who was told once is not told again in the midst of cleaning up
        self.why = why
        if self.context is not None:
            contexts.cancel(self.context)
        if self.call is not None:
            self.call.cancel(why)
