"""From a job to its envelope: the payload is made of its arguments and of what was said of this one job."""

import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from msgspec import UNSET

from workhorse.core import keyed
from workhorse.core.contract import Envelope
from workhorse.core.document import NO_OVERRIDES, Overrides, encode, retry_to_doc
from workhorse.core.job import Job
from workhorse.core.keys import unknown_text
from workhorse.core.options import TRAVEL
from workhorse.core.schema import encode_unknown
from workhorse.core.task import RemoteTask, Task


def encode_job(job: Job[Any], task: Task[..., Any] | None, now: Callable[[], float] = time.time) -> Envelope:
    """The envelope of a job. `task` is None for one of another service: its arguments travel tagged.

    `now` is asked only where the job expires at a moment, since engines count a life from acceptance.
    Raises Unfit when the arguments do not fit the task, or cannot travel.
    """
    if task is None or isinstance(task, RemoteTask):
        tagged, (args, kwargs) = True, encode_unknown(job.args, job.kwargs)
    else:
        tagged, (args, kwargs) = False, task.schema.encode(job.args, job.kwargs)
    options = job.options
    if not options:
        payload = encode(args, kwargs, tagged, NO_OVERRIDES)
        return Envelope(job.id, job.task, payload, job.queue, "", job.headers, int(job.priority))
    prefix, text = f"{job.queue}/{job.task}:", _key_text(job, None if tagged else task)
    return Envelope(
        id=job.id,
        task=job.task,
        payload=encode(args, kwargs, tagged, _overrides(options)),
        queue=job.queue,
        headers=job.headers,
        priority=int(job.priority),
        delay=options.get("delay", 0.0),
        at=options.get("at"),
        expires=_life(options.get("expires"), now),
        lane=keyed.lane(options.get("limit"), options.get("ordered_by"), prefix, text),
        unique=keyed.held(options.get("unique"), prefix, text),
    )


def _key_text(job: Job[Any], task: Task[..., Any] | None) -> keyed.Text:
    if task is None:
        return lambda names: unknown_text(job.args, job.kwargs, names)
    return lambda names: task.schema.key(names)(job.args, job.kwargs)


def _overrides(options: Mapping[str, Any]) -> Overrides:
    if options.keys().isdisjoint(TRAVEL):
        return NO_OVERRIDES
    retry = options.get("retry")
    return Overrides(
        retry=None if retry is None else retry_to_doc(retry),
        timeout=options.get("timeout", UNSET),
        result_ttl=options.get("result_ttl", UNSET),
        max_crashes=options.get("max_crashes", UNSET),
    )


def _life(expires: float | datetime | None, now: Callable[[], float]) -> float | None:
    if isinstance(expires, datetime):
        return max(0.0, expires.timestamp() - now())
    return expires
