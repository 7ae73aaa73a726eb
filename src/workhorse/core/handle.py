"""An enqueued job seen from outside, and the door it asks through: what tasks and handles want from their app."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, Literal, Protocol, TypeAlias, TypeVar

from workhorse.core.durations import Duration, seconds
from workhorse.core.effort import Attempt
from workhorse.core.events.catalog import Catalog
from workhorse.core.job import Job

R = TypeVar("R")
T = TypeVar("T")
R_co = TypeVar("R_co", covariant=True)

Decode: TypeAlias = Callable[[bytes], Any]

Status: TypeAlias = Literal[
    "scheduled",  # due later; a wait before a retry, too
    "parked",  # no slot in its lane
    "ready",  # due
    "running",  # a lease stands
    "succeeded",
    "dead",
    "cancelled",
    "pending",  # only the broker knows
    "spooled",  # on the local disk, until the engine is back
    "waiting",  # from here on: sagas
    "compensating",
    "compensated",
    "compensation_failed",
    "mismatched",
]


class Door(Protocol):
    """What a task and a handle ask of the app that they belong to; tasks hold it, so that they need not know an app."""

    @property
    def name(self) -> str:
        """The service's, which its queues begin with."""
        ...

    @property
    def catalog(self) -> Catalog:
        """The event types that it knows."""
        ...

    async def enqueue(self, job: Job[R]) -> "JobHandle[R]":
        """Put one job on its queue; durable on return."""
        ...

    def run(self, awaitable: Awaitable[T], /) -> T:
        """Wait for it from synchronous code, with or without a running loop."""
        ...

    async def status(self, id: str) -> Status:
        """Where the job is now; JobNotFound when nothing is known of it."""
        ...

    async def result(self, id: str, timeout: float | None, decode: Decode) -> Any:
        """Wait for the job's end, at most `timeout` seconds, and give its decoded result or raise how it failed."""
        ...

    async def cancel(self, id: str) -> bool:
        """Ask the job to stop; False when it had ended."""
        ...

    async def history(self, id: str, decode: Decode) -> Sequence[Attempt[Any]]:
        """The job's attempts so far, oldest first; `decode` is for a success's value."""
        ...


class JobHandle(Generic[R_co]):
    """A job that was enqueued. It holds an id and the way to its app, no connection, so it may be kept for long."""

    __slots__ = ("_decode", "_door", "_id")

    def __init__(self, id: str, door: Door, decode: Decode) -> None:
        self._id, self._door, self._decode = id, door, decode

    @property
    def id(self) -> str:
        """The job's id: a new one, or the given one."""
        return self._id

    async def status(self) -> Status:
        """Where it is now. scheduled: due later, retries too; parked: no slot in its lane; ready: due; running: a lease
        stands; pending: only the broker knows; spooled: on the local disk. JobNotFound once it is forgotten."""
        return await self._door.status(self._id)

    async def result(self, timeout: Duration | None = None) -> R_co:
        """Wait for the result, at most `timeout` (seconds or a timedelta; None: for ever).

        Raises JobFailed, JobCancelled, TimeoutError, or JobNotFound (deleted; or ended, and keeps no result).
        """
        patience = None if timeout is None else seconds(timeout, "result: timeout")
        result: R_co = await self._door.result(self._id, patience, self._decode)
        return result

    async def cancel(self) -> bool:
        """Ask it to stop; False when it had ended."""
        return await self._door.cancel(self._id)

    async def history(self) -> Sequence[Attempt[R_co]]:
        """The attempts so far, oldest first. A stored error is a JobFailed; a success's value is None once its result
        expired."""
        return await self._door.history(self._id, self._decode)

    def __repr__(self) -> str:
        return f"JobHandle({self._id!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, JobHandle) and (other._id, other._door) == (self._id, self._door)

    def __hash__(self) -> int:
        return hash(self._id)
