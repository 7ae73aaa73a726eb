"""One message taken by hand: what it says, and what its holder says of it."""

import asyncio
from collections.abc import Mapping
from types import TracebackType
from typing import Generic, Protocol, Self, TypeVar, cast

from workhorse.core.durations import Duration, seconds
from workhorse.core.errors import LeaseLost, WorkhorseError
from workhorse.core.instrument import log
from workhorse.worker.call import Plan, done
from workhorse.worker.consuming.reading import Content
from workhorse.worker.running import Running
from workhorse.worker.verdict import Interrupted, Later, Verdict, judge

R_co = TypeVar("R_co", covariant=True)


class Desk(Protocol):
    """Where verdicts are handed in."""

    def mark(self, running: Running, verdict: Verdict) -> None:
        """Settle it so, with the next settle. WorkhorseError when it is too late for that."""
        ...

    async def settle(self) -> None:
        """Settle all that is marked."""
        ...


class Message(Generic[R_co]):
    """One message taken by hand; `with message:` acknowledges it, or hands it back on an error.

    `ack`, `retry` and `with message:` mark, and the consumer settles at its next `consume` and at its end; `async with
    message:` marks and settles at once. What the block raises is judged as what a task raises, and is not swallowed:
    RetryLater again after its delay, GiveUp a dead letter, Skip done, another error one failed attempt, which the retries
    of its task (else of the app) allow or do not; a cancellation or an interrupt hands it back, uncounted.
    """

    def __init__(self, desk: Desk, running: Running, its: Plan, content: Content) -> None:
        self._desk, self._running, self._plan, self._content = desk, running, its, content
        self._marked = False

    @property
    def id(self) -> str:
        """The same at each delivery."""
        return self._running.claim.job.id

    @property
    def task(self) -> str:
        """The task whose job it is."""
        return self._running.claim.job.task

    @property
    def media_type(self) -> str:
        """An event's type; application/json of a job."""
        return self._content.media_type

    @property
    def content(self) -> R_co:
        """What it says: an event, or a job's argument; of a job with several `{"args": [...], "kwargs": {...}}`."""
        return cast(R_co, self._content.value)

    @property
    def headers(self) -> Mapping[str, str]:
        """What travels beside the content."""
        return self._running.claim.job.headers

    @property
    def attempt(self) -> int:
        """From 1; a hand-back and a holder's death do not count."""
        return self._running.claim.job.attempt

    @property
    def lost(self) -> bool:
        """Whether its lease is known to be lost: another may have it, and what is done with it here does not count."""
        return self._running.why == "lost"

    def ack(self) -> None:
        """Done; settled with the next `consume` or at the end.

        LeaseLost when it is not ours any more, WorkhorseError when something was said of it before, or the consumer is
        closed.
        """
        self._mark(done(self._plan.terms, None))

    def retry(self, after: Duration = 0) -> None:
        """Hand it back, to come again after so many seconds. It is no attempt: nothing is counted. Raises as `ack`."""
        self._mark(Later(seconds(after, "after"), counts=False))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._marked:
            return
        if error is None:
            self.ack()
        elif not self.lost:
            self._mark(self._judged(error))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)
        try:
            await self._desk.settle()
        except WorkhorseError as failure:
            if error is None:
                raise
            log.warning("message %s: %s", self.id, failure)  # what the block raised says more

    def _judged(self, error: BaseException) -> Verdict:
        if isinstance(error, Exception) and not isinstance(error, asyncio.CancelledError):
            return judge(error, self._plan.terms.retry)
        return Interrupted("stopped")

    def _mark(self, verdict: Verdict) -> None:
        if self.lost:
            raise LeaseLost([self.id])
        if self._marked:
            raise WorkhorseError(f"message {self.id}: expected one word on it, got a second; the first one stands")
        self._desk.mark(self._running, verdict)
        self._marked = True

    def __repr__(self) -> str:
        return f"Message(id={self.id!r}, task={self.task!r}, attempt={self.attempt})"
