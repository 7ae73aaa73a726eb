"""Durable jobs: declared as functions, enqueued into one SQLite file, run at least once, seen from outside.

from workhorse import Workhorse

app = Workhorse("sqlite:///shop.db", name="shop")

@app.task
async def resize(path: str, width: int = 256) -> str:
    return f"{path}@{width}"
"""

from workhorse.app import Workhorse
from workhorse.core.action import Action
from workhorse.core.action_queue import ActionQueue
from workhorse.core.batch import Batch
from workhorse.core.context import Context
from workhorse.core.durations import Duration
from workhorse.core.effort import Effort, Failure, Success
from workhorse.core.errors import GiveUp, JobCancelled, JobFailed, RetryLater, Skip, WorkhorseError
from workhorse.core.handle import JobHandle
from workhorse.core.job import Job, Priority
from workhorse.core.limit import Limit
from workhorse.core.registry import Router
from workhorse.core.retry import Exponential, Fixed, Linear, Retry
from workhorse.core.sagas.handle import SagaHandle
from workhorse.core.sagas.saga import Saga
from workhorse.core.sagas.step import step
from workhorse.core.schedule import Cron, Every
from workhorse.core.task import Task
from workhorse.core.unique import Unique
from workhorse.worker.consuming.message import Message
from workhorse.worker.counts import Counts

__all__ = [
    "Action",
    "ActionQueue",
    "Batch",
    "Context",
    "Counts",
    "Cron",
    "Duration",
    "Effort",
    "Every",
    "Exponential",
    "Failure",
    "Fixed",
    "GiveUp",
    "Job",
    "JobCancelled",
    "JobFailed",
    "JobHandle",
    "Limit",
    "Linear",
    "Message",
    "Priority",
    "Retry",
    "RetryLater",
    "Router",
    "Saga",
    "SagaHandle",
    "Skip",
    "Success",
    "Task",
    "Unique",
    "Workhorse",
    "WorkhorseError",
    "step",
]
