"""From a job to its envelope: the payload is made of its arguments and of what was said of this one job."""

import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from msgspec import UNSET

from workhorse.core import keyed
from workhorse.core.contract import Envelope
from workhorse.core.document import NO_OVERRIDES, FollowUpDoc, Overrides, encode, retry_to_doc
from workhorse.core.follow_up import RESULT
from workhorse.core.job import Job
from workhorse.core.retry import Retry
from workhorse.core.schema import encode_unknown
from workhorse.core.sequel import Find, carried
from workhorse.core.task import RemoteTask, Task


def _nobody(name: str) -> None:
    """Where no task is known."""


def encode_job(
    job: Job[Any], task: Task[..., Any] | None, now: Callable[[], float] = time.time, find: Find = _nobody
) -> Envelope:
    """The envelope of a job. `task` is None for one of another service: its arguments travel tagged.

    `now` is asked only where the job expires at a moment, since engines count a life from acceptance; `find` for the
    tasks of its follow-ups.
    Raises Unfit when the arguments do not fit the task, or cannot travel.
    """
    if task is None or isinstance(task, RemoteTask):
        tagged, (args, kwargs) = True, encode_unknown(job.args, job.kwargs)
    else:
        tagged, (args, kwargs) = False, task.schema.encode(job.args, job.kwargs)
    options = job.options
    if not options:
        payload = encode(args, kwargs, tagged, NO_OVERRIDES)
        envelope = Envelope(job.id, job.task, payload, job.queue, "", job.headers, int(job.priority))
        return envelope if task is None else task.dressed(envelope)
    lane, unique = keyed.of(job, None if task is None or tagged else task.schema)
    envelope = Envelope(
        id=job.id,
        task=job.task,
        payload=encode(args, kwargs, tagged, _overrides(options, find)),
        queue=job.queue,
        headers=job.headers,
        priority=int(job.priority),
        delay=options.get("delay", 0.0),
        at=options.get("at"),
        expires=_life(options.get("expires"), now),
        lane=lane,
        unique=unique,
    )
    return envelope if task is None else task.dressed(envelope)


TRAVEL: Final = frozenset({"retry", "timeout", "result_ttl", "max_crashes", "then", "on_dead", "member"})
"""What a job carries in its payload when it was said of this one job; else the worker asks its own task."""


def _overrides(options: Mapping[str, Any], find: Find) -> Overrides:
    if options.keys().isdisjoint(TRAVEL):
        return NO_OVERRIDES
    retry: Retry | None = options.get("retry")
    dead: Any = options.get("on_dead")
    made = Overrides(
        retry=None if retry is None else retry_to_doc(retry),
        timeout=options.get("timeout", UNSET),
        result_ttl=options.get("result_ttl", UNSET),
        max_crashes=options.get("max_crashes", UNSET),
        then=tuple([follow_up(job, find) for job in options.get("then", ())]),
        on_dead=None if dead is None else follow_up(dead.job(RESULT) if hasattr(dead, "job") else dead, find),
        member=options.get("member"),
    )
    return NO_OVERRIDES if made == NO_OVERRIDES else made


def follow_up(job: Job[Any], find: Find = _nobody) -> FollowUpDoc:
    """The follow-up as the job before it carries it, with its own follow-ups. Unfit for arguments that do not fit."""
    return carried(job, find, lambda options: _overrides(options, find))


def _life(expires: float | datetime | None, now: Callable[[], float]) -> float | None:
    if isinstance(expires, datetime):
        return max(0.0, expires.timestamp() - now())
    return expires
