"""A saga's journal as people read it: a line for each step, with what became of it."""

from datetime import UTC, datetime
from typing import Any, Literal

from msgspec import Raw

from workhorse.core import wire
from workhorse.core.sagas.handle import Entry
from workhorse.core.sagas.journal import Act, Journal
from workhorse.core.schema import Unfit, decode_any


def of(journal: Journal) -> list[Entry]:
    """In the order in which they were started."""
    return [entry(act) for act in journal.acts.values()]


def entry(act: Act) -> Entry:
    """What is known of one."""
    return Entry(
        name(act), state(act), act.attempts, result(act), datetime.fromtimestamp(act.ended or act.started.at, UTC)
    )


def name(act: Act) -> str:
    """What the code calls it."""
    match act.started.kind:
        case "sleep":
            return f"sleep {act.started.seconds:g} s"
        case "wait":
            return f"wait_for {act.started.name}"
        case _:
            return act.started.name


def state(act: Act) -> Literal["started", "done", "failed", "undone", "undo_failed"]:
    """The last that happened to it."""
    if act.undone is not None:
        return "undone"
    if act.stuck is not None:
        return "undo_failed"
    if act.done is not None:
        return "done"
    return "failed" if act.failed is not None else "started"


def result(act: Act) -> Any:
    """As far as it can be read without the code that it is of; None where there is none."""
    if act.done is None:
        return None
    try:
        return _decoded(act.started.kind, act.done.result)
    except (Unfit, ValueError, RecursionError):
        return None


def _decoded(kind: str, text: Raw) -> Any:
    return wire.decode(text) if kind in ("action", "wait", "sleep") else decode_any(bytes(text))
