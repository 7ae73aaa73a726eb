"""A job's attempts as values: the failed ones out of its trail, the successful one out of its result."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from workhorse.core import trail as trails
from workhorse.core.contract import Row, Store
from workhorse.core.effort import Attempt, Failure, Success
from workhorse.core.errors import JobFailed
from workhorse.core.schema import Unfit
from workhorse.durable import results
from workhorse.durable.results import Decode, ResultDocument


def failures(trail: bytes) -> list[Failure]:
    """The failed attempts that the trail keeps, oldest first."""
    return [
        Failure(JobFailed(it.type, it.message, it.traceback), _time(it.started), _time(it.ended))
        for it in trails.load(trail).history
    ]


async def attempts(row: Row, store: Store | None, decode: Decode) -> list[Attempt[Any]]:
    """All of them, oldest first; a success's value is None once its result expired, or when there is none."""
    found: list[Attempt[Any]] = [*failures(row.job.trail)]
    if row.status == "succeeded":
        ended = row.ended or row.accepted
        value, started = None, ended
        fact = None if store is None else (await store.get([results.key(row.job.id)]))[0]
        if fact is not None:
            started, value = _success(fact[0], decode)
            started = started or ended
        found.append(Success(value, _time(started), _time(max(started, ended))))
    return found


def _success(text: bytes, decode: Decode) -> tuple[float, Any]:
    started = 0.0
    try:
        document = msgspec.json.decode(text, type=ResultDocument)
        started = document.started
        return started, None if document.missing or document.note else decode(text)
    except (Unfit, ValueError, RecursionError):
        return started, None  # a success all the same; `result()` tells what is wrong with its value


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
