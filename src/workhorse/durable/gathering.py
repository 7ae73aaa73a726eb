"""The first argument of a collector: the results of its group in order, or how each member ended, read when it is about to run."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeAlias

import msgspec

from workhorse.core.document import Gathering
from workhorse.core.effort import Attempt, Failure, Success
from workhorse.core.errors import JobCancelled, JobFailed
from workhorse.core.schema import Unfit, decode_any, encode_one
from workhorse.core.task import Task
from workhorse.durable.groups import End, Groups

Find: TypeAlias = Callable[[str], Task[..., Any] | None]


class Incomplete(Exception):
    """A member is still to end: it marked that it would, and its worker died, or its settle is under way."""


class Broken(Exception):
    """The collector cannot run: members failed, or their results are gone or cannot be read."""


async def gathered(groups: Groups, id: str, asked: Gathering, find: Find) -> bytes:
    """The argument as tagged JSON. Incomplete, or Broken, with the reason."""
    ends = await groups.ends(id, asked.of)
    if None in ends:
        if await groups.is_open(id):
            raise Incomplete(f"it waits for member {ends.index(None)} of its group")
        raise Broken(f"the results of its group of {asked.of} are gone: it was open for too long")
    there = [end for end in ends if end is not None]
    try:
        return encode_one([_attempt(end, find) for end in there] if asked.ends else _results(there, find))
    except Unfit as error:
        raise Broken(f"the results of its group cannot be handed on: {error}") from None


def _results(ends: Sequence[End], find: Find) -> list[Any]:
    """Of those that have one: who was skipped has none."""
    failed = [(number, end) for number, end in enumerate(ends) if end.error is not None or end.cancelled]
    if failed:
        number, first = failed[0]
        raise Broken(
            f"{len(failed)} of {len(ends)} members of its group failed; the first is number {number}, {first.task}: {_why(first)}"
        )
    return [_value(end, find) for end in ends if _has_value(end)]


def _attempt(end: End, find: Find) -> Attempt[Any]:
    started, ended = (datetime.fromtimestamp(moment, UTC) for moment in (end.started, end.ended))
    if end.error is not None:
        error = end.error
        return Failure(JobFailed(error.type, error.message, error.traceback), started, ended)
    if end.cancelled:
        return Failure(JobCancelled("it was cancelled"), started, ended)
    return Success(_value(end, find) if _has_value(end) else None, started, ended)


def _has_value(end: End) -> bool:
    return end.value is not msgspec.UNSET or end.tagged is not msgspec.UNSET


def _value(end: End, find: Find) -> Any:
    task = find(end.task)
    decode = decode_any if task is None else task.schema.decode_result
    if isinstance(end.value, msgspec.Raw):
        return decode(b'{"value":%b}' % bytes(end.value))
    assert isinstance(end.tagged, msgspec.Raw)
    return decode(b'{"tagged":%b}' % bytes(end.tagged))


def _why(end: End) -> str:
    return "cancelled" if end.error is None else f"{end.error.type}: {end.error.message}"
