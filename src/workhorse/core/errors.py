"""Every error that Workhorse raises on purpose, as a tree.

WorkhorseError
├── DeclarationError      a task or an option that cannot work
├── EngineRefused         a file or a server that cannot be used as it is
├── EnqueueRefused        jobs that do not fit
├── BrokerUnavailable     no answer in time
├── JobNotFound           nothing is known of this job, or not any more
├── JobFailed             the job is dead
├── JobCancelled          the job was cancelled
├── SagaMismatch          a saga's code no longer matches its journal
├── LeaseLost             a message taken by hand is not the holder's any more
├── FetchFailed           the resource that an event links to cannot be had
└── raised by tasks, to steer their own job:
    ├── RetryLater        again, later
    ├── Skip              nothing to do
    └── GiveUp            no retry

Three more never leave the house; callers see them as EnqueueRefused or as a dead letter's reason: Unfit (core.codec),
Malformed and NewerVersion (core.document).
"""

from collections.abc import Sequence
from datetime import timedelta

CENTURY = 3_200_000_000.0
"""In seconds: the longest duration anywhere. It stands here, as RetryLater checks its own and imports nobody."""


class WorkhorseError(Exception):
    """The root of all of them."""


class DeclarationError(WorkhorseError):
    """A task, event, saga or option that cannot work, found when it is declared or at start-up."""


class EngineRefused(WorkhorseError):
    """A file or a server that cannot be used as it is: corrupt, read-only, of a newer version. The message says what to do."""


class EnqueueRefused(WorkhorseError):
    """Jobs or events that do not fit their signature, schema or size; the others of the call were accepted."""

    def __init__(self, refused: Sequence[tuple[str, str]]) -> None:
        self._refused = tuple(refused)
        first = "; ".join(f"job {id}: {reason}" for id, reason in self._refused[:3])
        more = f"; and {len(self._refused) - 3} more" if len(self._refused) > 3 else ""
        super().__init__(f"{first}{more}")

    @property
    def refused(self) -> tuple[tuple[str, str], ...]:
        """Id and reason of each."""
        return self._refused

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self._refused,)


class BrokerUnavailable(WorkhorseError):
    """The engine did not answer in time. Whether the jobs were accepted is unknown; enqueueing them again is safe: same ids."""

    def __init__(self, message: str, jobs: Sequence[object] = ()) -> None:
        super().__init__(message)
        self._jobs = tuple(jobs)

    @property
    def jobs(self) -> tuple[object, ...]:
        """What the call wanted to enqueue, ids included."""
        return self._jobs


class JobNotFound(WorkhorseError):
    """No job of this id is stored, or its result has expired."""


class JobFailed(WorkhorseError):
    """The job is dead: the remote error, as text."""

    def __init__(self, type: str, message: str, traceback: str = "") -> None:
        super().__init__(f"{type}: {message}" if message else type)
        self._type, self._message, self._traceback = type, message, traceback

    @property
    def type(self) -> str:
        """The name of the remote exception's class."""
        return self._type

    @property
    def message(self) -> str:
        """Its text."""
        return self._message

    @property
    def traceback(self) -> str:
        """Its traceback as text, at most 8 KiB; empty where there was none."""
        return self._traceback

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self._type, self._message, self._traceback)


class JobCancelled(WorkhorseError):
    """The job was cancelled."""


class SagaMismatch(WorkhorseError):
    """A saga's code no longer matches its journal. The message names both; `resume()` goes on once the code is right again."""


class LeaseLost(WorkhorseError):
    """Messages taken by hand are not the holder's any more: their leases ran out, and another may have them. What was said of
    them does not count; nothing was settled."""

    def __init__(self, ids: Sequence[str]) -> None:
        self._ids = tuple(ids)
        first = ", ".join(self._ids[:3]) + (f" and {len(self._ids) - 3} more" if len(self._ids) > 3 else "")
        super().__init__(
            f"expected the lease to be ours, and it is lost: {first}; what was said of it does not count, and another may "
            f"have it; if its holder blocks the event loop for long, give the consumer a longer lease="
        )

    @property
    def ids(self) -> tuple[str, ...]:
        """Of the messages."""
        return self._ids

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self._ids,)


class FetchFailed(WorkhorseError):
    """The resource that an event links to cannot be had: its host does not answer, or answers with an error, or with no JSON."""


class RetryLater(WorkhorseError):
    """Raise it in a task, action or step: try again later.

    `after` is in seconds, or a timedelta. With `counts=False` it is a snooze: the attempt is not counted.
    """

    def __init__(self, after: float | timedelta = 0, *, counts: bool = True) -> None:
        self._after = after.total_seconds() if isinstance(after, timedelta) else float(after)
        if not 0 <= self._after <= CENTURY:
            raise ValueError(f"after: expected 0 to {CENTURY:g} seconds, got {after!r}")
        self.counts = counts
        super().__init__(f"again in {self._after:g} s")

    @property
    def after(self) -> float:
        """Seconds."""
        return self._after

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self._after,), {"counts": self.counts}


class Skip(WorkhorseError):
    """Raise it in a task or subscriber: nothing to do, on purpose; succeeded, with this reason on record."""

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason)
        self.reason = reason


class GiveUp(WorkhorseError):
    """Raise it in a task or step: no retry, dead letter at once."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
