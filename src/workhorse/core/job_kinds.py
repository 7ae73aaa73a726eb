"""How a job and its attempts travel as arguments: for the tasks that are told of a dead job, or of how each of a group ended.

A job travels without its headers: they may hold secrets, and arguments are shown. They are those of the job that
carries it. What an attempt raised arrives as JobFailed, or JobCancelled.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from workhorse.core.effort import Attempt, Failure, Success
from workhorse.core.errors import JobCancelled, JobFailed
from workhorse.core.job import Job
from workhorse.core.kinds import Kind
from workhorse.core.looks import is_array, is_dict
from workhorse.core.options import Priority


def _take_job(job: Job[Any]) -> Any:
    return {
        "id": job.id,
        "task": job.task,
        "args": list(job.args),
        "kwargs": dict(job.kwargs),
        "queue": job.queue,
        "priority": int(job.priority),
        "attempts": list(job.attempts),
    }


def _make_job(body: Any) -> Job[Any]:
    given = _fields(body)
    args, attempts = given.get("args"), given.get("attempts")
    if not is_array(args) or not is_array(attempts) or not all(isinstance(it, Success | Failure) for it in attempts):
        raise ValueError("expected a job with its arguments and its attempts")
    priority = Priority(given.get("priority", Priority.MEDIUM))
    return Job(
        given["id"], given["task"], tuple(args), given["kwargs"], given["queue"], priority, {}, attempts=tuple(attempts)
    )


def _take_success(attempt: Success[Any]) -> Any:
    return {"value": attempt.value, "started": attempt.started, "ended": attempt.ended}


def _make_success(body: Any) -> Attempt[Any]:
    given = _fields(body)
    return Success(given.get("value"), _moment(given, "started"), _moment(given, "ended"))


def _take_failure(attempt: Failure) -> Any:
    error = attempt.value
    told = (error.type, error.message, error.traceback) if isinstance(error, JobFailed) else (None, str(error), "")
    kind = told[0] or type(error).__name__
    return {
        "type": kind, "message": told[1], "traceback": told[2], "started": attempt.started, "ended": attempt.ended,
    }  # fmt: skip


def _make_failure(body: Any) -> Attempt[Any]:
    given = {"type": "", "message": "", "traceback": "", **_fields(body)}
    kind, message, traceback = (str(given[name]) for name in ("type", "message", "traceback"))
    error = JobCancelled(message) if kind == "JobCancelled" else JobFailed(kind, message, traceback)
    return Failure(error, _moment(given, "started"), _moment(given, "ended"))


def _fields(body: Any) -> Mapping[str, Any]:
    if not is_dict(body):
        raise ValueError(f"expected fields, got {type(body).__name__}")
    return body


def _moment(given: Mapping[str, Any], name: str) -> datetime:
    moment = given.get(name)
    if not isinstance(moment, datetime):
        raise ValueError(f"{name}: expected a datetime, got {type(moment).__name__}")
    return moment


JOB_KINDS: Final = (
    Kind("job", Job, _take_job, _make_job),
    Kind("success", Success, _take_success, _make_success),
    Kind("failure", Failure, _take_failure, _make_failure),
)
