"""The options for type checkers: what can be said of a task, and of one job of it. `options` has what they mean."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, TypedDict

from workhorse.core.durations import Duration
from workhorse.core.follow_up import FollowUp
from workhorse.core.job import Job
from workhorse.core.limit import Limit
from workhorse.core.options import Priority
from workhorse.core.retry import Retry
from workhorse.core.unique import Unique


class JobOptions(TypedDict, total=False):
    """What can be said of a task, and again of one job of it."""

    queue: str  # the app's name
    priority: Priority  # Priority.MEDIUM
    retry: Retry  # Retry(3, Exponential(1, 2, 3600)), full jitter
    timeout: Duration | None  # 600; None: no limit
    expires: Duration | datetime | None  # None: never
    unique: Unique | None  # None
    limit: Limit | None  # None
    ordered_by: str | None  # None; "{account}": one at a time and in order for each key
    result_ttl: Duration  # 3600; 0: keep no result
    headers: Mapping[str, str]  # {}; added to those of the task, router and app
    on_dead: FollowUp[Job[Any], [], object] | None  # None: a task that gets the dead job
    max_crashes: int  # 3: dead after its worker died under it that often


class OnceOptions(JobOptions, total=False):
    """What can be said of one job only."""

    id: str  # a new one
    delay: Duration  # 0
    at: datetime  # now; aware


class TaskOptions(JobOptions, total=False):
    """What can be said of a task only."""

    name: str  # the function's name, after the router's prefix
    run_in: Literal["thread", "process"]  # "thread", for sync functions
