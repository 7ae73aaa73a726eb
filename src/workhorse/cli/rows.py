"""Jobs as the command line shows them: a line in a table, or a document for programs."""

import base64
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from workhorse.cli.times import from_now, iso
from workhorse.core import document, trail
from workhorse.core.contract import Filter, Inspector, Row
from workhorse.core.document import Malformed, NewerVersion
from workhorse.core.redaction import Redaction
from workhorse.durable.paging import pages
from workhorse.durable.results import ResultDocument
from workhorse.durable.sagas.jobs import is_later

COLUMNS: Final = ("id", "task", "queue", "status", "attempt>", "when", "about")


async def listed(inspector: Inspector, which: Filter, limit: int) -> list[Row]:
    """Those that the filter means, without the later jobs of sagas, of which only a dead one asks for somebody's eye."""
    found: list[Row] = []
    async for page in pages(inspector, which):
        found += [row for row in page if row.status == "dead" or not is_later(row.job)]
        if len(found) >= limit:
            break
    return found[:limit]


def line(row: Row, now: float) -> list[object]:
    """One job in a table of `COLUMNS`."""
    job = row.job
    return [job.id, job.task, job.queue, row.status, job.attempt, _when(row, now), about(row)]


def about(row: Row) -> str:
    """What there is to say of it: why it is dead, who runs it, what its last attempt met."""
    if row.reason or row.worker:
        return row.reason or row.worker
    told = trail.load(row.job.trail)
    if told.note or not told.history:
        return told.note
    last = told.history[-1]
    return f"{last.type}: {last.message}"


def brief(row: Row) -> dict[str, Any]:
    """The document of a job in a list."""
    job = row.job
    return {
        "id": job.id, "task": job.task, "queue": job.queue, "status": row.status, "priority": job.priority,
        "attempt": job.attempt, "crashes": row.crashes, "accepted": iso(row.accepted), "due": iso(row.due),
        "ended": iso(row.ended), "worker": row.worker, "reason": row.reason, "cancel": row.cancel,
    }  # fmt: skip


def full(row: Row, redaction: Redaction) -> dict[str, Any]:
    """The document of one job: its arguments, headers and attempts, too; secret headers hidden."""
    told = trail.load(row.job.trail)
    return {
        **brief(row),
        "headers": redaction.headers(row.job.headers),
        **arguments(row.job.payload),
        "hand_backs": told.hand_backs,
        "note": told.note,
        "attempts": [
            {
                "attempt": each.attempt, "type": each.type, "message": each.message, "traceback": each.traceback,
                "started": iso(each.started), "ended": iso(each.ended),
            }
            for each in told.history
        ],
    }  # fmt: skip


def recorded(row: Row, redaction: Redaction) -> dict[str, Any]:
    """The same with the payload as it travels, for who replays it."""
    return {**full(row, redaction), **_bytes(row.job.payload)}


def arguments(payload: bytes) -> dict[str, Any]:
    """`args` and `kwargs` as they travel; of a payload that cannot be read its bytes, and why."""
    try:
        found = document.decode(payload)
        return {"args": msgspec.json.decode(found.args), "kwargs": msgspec.json.decode(found.kwargs)}
    except (Malformed, NewerVersion, ValueError, RecursionError) as error:
        return {**_bytes(payload), "unreadable": str(error)}


def result(fact: bytes) -> dict[str, Any]:
    """A stored result: its value as it travels, or what became of it."""
    try:
        told = msgspec.to_builtins(msgspec.json.decode(fact, type=ResultDocument))
        value: dict[str, Any] = {k: v for k, v in msgspec.json.decode(fact).items() if k in ("value", "tagged")}
    except (ValueError, RecursionError, AttributeError) as error:
        return {**_bytes(fact), "unreadable": str(error)}
    told.pop("started", None)
    return {**told, **value}


def ids(rows: Sequence[Row]) -> list[str]:
    """Theirs."""
    return [row.job.id for row in rows]


def _bytes(data: bytes) -> dict[str, str]:
    try:
        return {"payload": data.decode()}
    except UnicodeDecodeError:
        return {"payload_base64": base64.b64encode(data).decode()}


def _when(row: Row, now: float) -> str:
    if row.status == "scheduled" and row.due is not None:
        return from_now(row.due, now)
    return from_now(row.ended or row.accepted, now)
