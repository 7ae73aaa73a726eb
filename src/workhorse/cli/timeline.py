"""A saga's steps on one line of time: when each was done, and when it was undone."""

from collections.abc import Iterator
from typing import Any, Final

from workhorse.cli.times import iso, span
from workhorse.core.sagas.journal import Act, Journal
from workhorse.durable.sagas import entries

WIDTH: Final = 32
"""Characters of the line."""

DONE: Final = "━"
UNDONE: Final = "╌"
"""What a step is drawn with, and what undid it."""


def documents(journal: Journal) -> list[dict[str, Any]]:
    """Each step for programs; its `entry` is what `skip` takes."""
    return [_document(act) for act in journal.acts.values()]


def lines(journal: Journal, now: float) -> list[list[object]]:
    """Each step for people, in the order in which they began; undone ones have two bars."""
    start, end = _limits(journal, now)
    undone = _undoing(journal)
    return [_line(act, undone.get(act.number), start, end, now) for act in journal.acts.values()]


def why(journal: Journal) -> Iterator[tuple[int, str, str]]:
    """Entry, step and error of all that failed, or could not be undone."""
    for act in journal.acts.values():
        for error in (act.failed, act.stuck and act.stuck.error):
            if error:
                yield act.number, entries.name(act), f"{error.type}: {error.message}"


def _document(act: Act) -> dict[str, Any]:
    entry = entries.entry(act)
    return {
        "entry": act.number,
        "step": entry.step,
        "state": entry.state,
        "attempts": entry.attempts,
        "result": entry.result,
        "started": iso(act.started.at),
        "at": iso(act.ended or act.started.at),
    }


def _line(act: Act, undone: tuple[float, float] | None, start: float, end: float, now: float) -> list[object]:
    entry, done = entries.entry(act), _done(act, now)
    bar = _bar(act.started.at, done, start, end, DONE)
    if undone is not None:
        undo = _bar(*undone, start, end, UNDONE)
        bar = "".join(one if there == " " else there for one, there in zip(bar, undo, strict=True))
    return [act.number, entry.step, entry.state, entry.attempts, bar, span(done - act.started.at)]


def _done(act: Act, now: float) -> float:
    """When it ended, if only by being undone."""
    if act.done is not None:
        return act.done.at
    if act.failed is not None:
        return act.failures[-1].at
    return now if _undone(act) is None else act.started.at


def _undoing(journal: Journal) -> dict[int, tuple[float, float]]:
    """From when to when each step was undone: one after the other, the newest first."""
    found: dict[int, tuple[float, float]] = {}
    since = journal.undoing.at if journal.undoing else 0.0
    for act in reversed(journal.acts.values()):
        if (until := _undone(act)) is not None:
            found[act.number] = since, until
            since = until
    return found


def _undone(act: Act) -> float | None:
    if act.undone is not None:
        return act.undone.at
    return act.undo_failures[-1].at if act.undo_failures else None


def _limits(journal: Journal, now: float) -> tuple[float, float]:
    start = journal.begin.at if journal.begin else now
    return start, journal.ended.at if journal.ended else now


def _bar(since: float, until: float, start: float, end: float, drawn: str) -> str:
    """At least one character, also for what took no time."""
    scale = WIDTH / max(end - start, 0.001)
    first = min(max(int((since - start) * scale), 0), WIDTH - 1)
    last = min(max(int((until - start) * scale), first + 1), WIDTH)
    return " " * first + drawn * (last - first) + " " * (WIDTH - last)
