"""What can happen, as values for the bus. A listener in the same process may see a job's own values; none may print them."""

from collections.abc import Sequence
from typing import Any

import msgspec

from workhorse.core.contract import Claim, Outcome
from workhorse.core.job import Job


class Enqueued(msgspec.Struct, frozen=True):
    """These jobs were accepted, by the engine or by the spool."""

    jobs: Sequence[Job[Any]]


class Spooled(msgspec.Struct, frozen=True):
    """So many jobs wait on the local disk; `why` is what the engine said, empty where others waited there already."""

    jobs: int
    why: str


class Forwarded(msgspec.Struct, frozen=True):
    """So many jobs of the spool are at the engine, in so many seconds."""

    jobs: int
    seconds: float


class ForwardRefused(msgspec.Struct, frozen=True):
    """The engine did not take this job of the spool; it was put aside there."""

    job: str
    task: str
    why: str


class WorkerStarted(msgspec.Struct, frozen=True):
    """A worker begins to claim. `serves`: which media type, or pattern, goes to which task, on which queue."""

    worker: str
    queues: Sequence[str]
    concurrency: int
    serves: Sequence[tuple[str, str, str]] = ()


class WorkerStopping(msgspec.Struct, frozen=True):
    """A worker claims no more; `running` jobs have `grace` seconds."""

    worker: str
    running: int
    grace: float


class WorkerStopped(msgspec.Struct, frozen=True):
    """A worker has ended; `seconds` is how long it lived."""

    worker: str
    seconds: float


class JobStarted(msgspec.Struct, frozen=True):
    """An attempt begins."""

    claim: Claim


class JobSucceeded(msgspec.Struct, frozen=True):
    """An attempt went well, in so many seconds."""

    outcome: Outcome
    seconds: float


class JobEnded(msgspec.Struct, frozen=True):
    """An attempt ended otherwise; `error` is its error's text, `seconds` what it took."""

    outcome: Outcome
    seconds: float
    error: str = ""


class JobLost(msgspec.Struct, frozen=True):
    """The lease went to somebody else, or the settle came too late: what this worker did with the job does not count."""

    claim: Claim
    why: str


class TicksMissed(msgspec.Struct, frozen=True):
    """A schedule's ticks from the first to the last of these came while no worker was there, and are skipped; in seconds since the
    epoch."""

    schedule: str
    first: float
    last: float


class TickRefused(msgspec.Struct, frozen=True):
    """A tick's job was not accepted; the schedule goes on."""

    task: str
    job: str
    why: str


class LoopBlocked(msgspec.Struct, frozen=True):
    """The event loop has not turned for `seconds`: blocking code in an async task; `stack` says where."""

    task: str
    job: str
    seconds: float
    stack: str


class ThreadAbandoned(msgspec.Struct, frozen=True):
    """A sync task was ended (`why`: late, cancelled, lost), but its thread cannot be; it keeps its slot; `slots` are lost now."""

    task: str
    job: str
    why: str
    slots: int


class BrokerLost(msgspec.Struct, frozen=True):
    """The engine does not answer; the worker goes on trying."""

    doing: str
    error: str


class BrokerBack(msgspec.Struct, frozen=True):
    """The engine answers again, after `seconds`."""

    seconds: float


class ProcessDied(msgspec.Struct, frozen=True):
    """A worker process ended on its own; another takes its place after `restart` seconds."""

    pid: int
    code: int
    restart: float
