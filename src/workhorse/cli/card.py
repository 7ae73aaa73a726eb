"""One job on one page: what it is, what it was given, what became of each attempt."""

import time
from typing import Any

from workhorse.cli import lanes, rows
from workhorse.cli.shared import Desk, inspector_of
from workhorse.cli.times import from_now, iso
from workhorse.core import beyond
from workhorse.core.contract import Engine, Row
from workhorse.core.errors import JobNotFound
from workhorse.durable import results
from workhorse.durable.progress import progress_of
from workhorse.observe.plain import json_line


async def show_card(desk: Desk, engine: Engine, id: str) -> None:
    """Print the job's page; JobNotFound when there is none."""
    inspector = inspector_of(engine)
    row = await inspector.show(id)
    if row is None:
        raise JobNotFound(f"job {id}: nothing is known of it; its id is wrong, or it ended and is not kept any longer")
    facts = await _facts(engine, id)
    told = {**rows.full(row, desk.app.redaction), **lanes.documents(row, await beyond.paused(inspector))}
    desk.value({**told, **facts})
    if not desk.json:
        _print(desk, row, told, facts)


async def _facts(engine: Engine, id: str) -> dict[str, Any]:
    """The job's result and its last word on progress, where there are any."""
    if engine.store is None:
        return {}
    found = (await engine.store.get([results.key(id)]))[0]
    said = await progress_of(engine.store, id)
    return {
        "result": None if found is None else rows.result(found[0]),
        "progress": None if said is None else {"done": said.done, "text": said.text},
    }


def _print(desk: Desk, row: Row, told: dict[str, Any], facts: dict[str, Any]) -> None:
    for name, value in _lines(row, told, facts):
        if value not in (None, "", {}, []):
            desk.say(f"{name:<10} {value if isinstance(value, str | int) else json_line(value)}")
    for attempt in told["attempts"]:
        desk.say()
        desk.say(f"attempt {attempt['attempt']}  {attempt['started']}  {attempt['type']}: {attempt['message']}")
        if attempt["traceback"]:
            desk.text(attempt["traceback"].rstrip())


def _lines(row: Row, told: dict[str, Any], facts: dict[str, Any]) -> list[tuple[str, Any]]:
    now = time.time()
    unreadable = told.get("unreadable")
    return [
        ("id", row.job.id),
        ("task", row.job.task),
        ("queue", row.job.queue),
        ("status", row.status + (" (asked to cancel)" if row.cancel and row.status != "cancelled" else "")),
        ("reason", row.reason if row.status != "parked" else ""),
        ("waits", told["waits"]),
        ("lane", told["lane"] and f"{told['lane']['key']}: {told['lane']['says']}"),
        ("unique", told["unique"] and f"{told['unique']['key']}: {told['unique']['says']}"),
        ("note", told["note"]),
        ("priority", row.job.priority),
        ("attempt", row.job.attempt),
        ("crashes", row.crashes or None),
        ("hand-backs", told["hand_backs"] or None),
        ("worker", row.worker),
        ("accepted", _moment(row.accepted, now)),
        ("due", _moment(row.due, now)),
        ("ended", _moment(row.ended, now)),
        ("headers", told["headers"]),
        ("unreadable", unreadable),
        ("payload", told.get("payload") or told.get("payload_base64")),
        ("args", told.get("args")),
        ("kwargs", told.get("kwargs")),
        ("progress", facts.get("progress")),
        ("result", facts.get("result")),
    ]


def _moment(moment: float | None, now: float) -> str | None:
    return None if moment is None else f"{iso(moment)} ({from_now(moment, now)})"
