"""What `unique`, `limit` and `ordered_by` become in a job's envelope, and whether they can."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from workhorse.core.contract import Answer, Lane
from workhorse.core.contract import Unique as Held
from workhorse.core.errors import DeclarationError
from workhorse.core.job import Job
from workhorse.core.keys import check_names, unknown_text
from workhorse.core.limit import Limit, fields, numbers_of
from workhorse.core.schema import Schema

Text: TypeAlias = Callable[[tuple[str, ...] | None], str]
"""The text of the job's key that is made of these parameters."""


def check(said: Mapping[str, Any], parameters: Sequence[str] | None, who: str) -> None:
    """DeclarationError for a key that names no parameter, and for an order and a limit that do not go together."""
    unique, limit, ordered_by = said.get("unique"), said.get("limit"), said.get("ordered_by")
    if unique is not None:
        check_names(unique.by or (), parameters, f"{who}: unique: by")
    if limit is not None:
        check_names(limit.names, parameters, f"{who}: limit: key")
    if ordered_by is not None:
        check_names(fields(ordered_by, "ordered_by"), parameters, f"{who}: ordered_by")
        if limit is not None:
            _check_beside(limit, ordered_by, who)


def of(job: Job[Any], schema: Schema | None) -> tuple[Lane | None, Held | None]:
    """The lane and the unique key of a job; `schema` is None for a task of another service. Unfit when its arguments make no key."""
    limit, ordered_by, unique = (job.options.get(name) for name in ("limit", "ordered_by", "unique"))
    if limit is None and ordered_by is None and unique is None:
        return None, None
    prefix, text = f"{job.queue}/{job.task}:", _text(job, schema)
    return _lane(limit, ordered_by, prefix, text), None if unique is None else unique.held(prefix + text(unique.by))


def _text(job: Job[Any], schema: Schema | None) -> Text:
    if schema is None:
        return lambda names: unknown_text(job.args, job.kwargs, names)
    return lambda names: schema.key(names)(job.args, job.kwargs)


def _lane(limit: Limit | None, ordered_by: str | None, prefix: str, text: Text) -> Lane | None:
    if limit is None and ordered_by is None:
        return None
    names = limit.names if ordered_by is None and limit is not None else fields(ordered_by, "ordered_by")
    return Lane(prefix + text(names), *numbers_of(limit, ordered_by is not None))


def refusal(job: Job[Any], answer: Answer) -> str:
    """Why this job was refused; empty: it was not. One whose key is taken is refused where its task says so."""
    if answer.kind == "accepted":
        return ""
    unique = job.options.get("unique") if answer.kind == "duplicate" else None
    if unique is not None and unique.on_conflict == "raise":
        return f"expected a unique key that is free, got that of job {answer.of}; wait for its end, or say on_conflict='skip'"
    return answer.reason


def _check_beside(limit: Limit, ordered_by: str, who: str) -> None:
    if limit.names != fields(ordered_by, "ordered_by"):
        raise DeclarationError(
            f"{who}: ordered_by={ordered_by!r} beside a limit whose key is {limit.key!r}: a job has one lane; "
            f"say Limit(key={ordered_by!r}, ...)"
        )
    if limit.concurrency is not None and limit.concurrency > 1:
        raise DeclarationError(
            f"{who}: ordered_by={ordered_by!r} beside concurrency={limit.concurrency}: in order is one at a time; "
            f"leave the concurrency or the order out"
        )
