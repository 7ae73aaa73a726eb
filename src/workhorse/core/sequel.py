"""A follow-up between the two jobs: encoded but for its first argument, as the first one carries it; then whole."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeAlias

import msgspec

from workhorse.core import keyed
from workhorse.core.contract import Envelope, Lane, Unique
from workhorse.core.document import NO_ARGS, NO_KWARGS, FollowUpDoc, Overrides, encode
from workhorse.core.follow_up import RESULT
from workhorse.core.ids import is_ours
from workhorse.core.job import Job
from workhorse.core.schema import Schema, Unfit, encode_one, encode_unknown
from workhorse.core.task import RemoteTask, Task

Find: TypeAlias = Callable[[str], Task[..., Any] | None]
"""The task of this name, if it is known here."""


def carried(job: Job[Any], find: Find, overrides: Callable[[Mapping[str, Any]], Overrides]) -> FollowUpDoc:
    """The follow-up as the job before it carries it. Unfit when the arguments after its first do not fit."""
    if not job.args or job.args[0] is not RESULT:
        raise Unfit(f"follow-up {job.task}: expected a job whose first argument is the result; make it by .then(task)")
    task = find(job.task)
    tagged = task is None or isinstance(task, RemoteTask)
    try:
        args, kwargs = _rest(job, None if tagged else task)
        lane, unique = _keys(job, None if task is None or tagged else task.schema)
    except Unfit as error:
        raise Unfit(f"follow-up {job.task}: {error}") from None
    options, expires = job.options, job.options.get("expires")
    return FollowUpDoc(
        job.task,
        job.queue,
        NO_ARGS if args == b"[]" else msgspec.Raw(args),
        NO_KWARGS if kwargs == b"{}" else msgspec.Raw(kwargs),
        tagged,
        dict(job.headers),
        int(job.priority),
        options.get("delay"),
        options.get("at"),
        None if isinstance(expires, datetime) else expires,
        expires.timestamp() if isinstance(expires, datetime) else None,
        "" if is_ours(job.id) else job.id,
        overrides(options),
        lane,
        unique,
    )


def whole(doc: FollowUpDoc, id: str, first: Any, hops: int, headers: Mapping[str, str], now: float) -> Envelope:
    """The follow-up with its first argument, which travels tagged: whoever reads it may know its type, or not. `headers` are
    the earlier job's, which its own beat. Unfit when that argument cannot travel."""
    return envelope_of(doc, id, with_first(doc.args, encode_one(first)), hops, headers, now)


def envelope_of(doc: FollowUpDoc, id: str, args: bytes, hops: int, headers: Mapping[str, str], now: float) -> Envelope:
    """The envelope with these arguments by position."""
    overrides = msgspec.structs.replace(doc.overrides, hops=hops)
    return Envelope(
        id=doc.id or id,
        task=doc.task,
        payload=encode(args, bytes(doc.kwargs), doc.tagged, overrides),
        queue=doc.queue,
        headers={**headers, **doc.headers},
        priority=doc.priority,
        delay=doc.delay or 0.0,
        at=doc.at,
        expires=doc.expires if doc.until is None else max(0.0, doc.until - now),
        lane=doc.lane,
        unique=doc.unique,
    )


def with_first(args: bytes | msgspec.Raw, first: bytes) -> bytes:
    """The JSON array with one more item in front."""
    rest = bytes(args)
    return b"[%b%b" % (first, rest[1:] if rest == b"[]" else b"," + rest[1:])


def depth(job: Job[Any]) -> int:
    """How many jobs follow one another after this one, at most."""
    after = job.options.get("then", ())
    return max((1 + depth(each) for each in after), default=0)


def _keys(job: Job[Any], schema: Schema | None) -> tuple[Lane | None, Unique | None]:
    try:
        return keyed.of(job, schema)
    except Unfit:  # its other arguments travel, or it would not have come here
        raise Unfit(
            "its key is made of the result, which is not there yet; name other parameters in by=, key= or ordered_by="
        ) from None


def _rest(job: Job[Any], task: Task[..., Any] | None) -> tuple[bytes, bytes]:
    if task is None:
        return encode_unknown(job.args[1:], job.kwargs)
    return task.schema.encode_rest(job.args[1:], job.kwargs)
