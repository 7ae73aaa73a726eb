"""What a turn came for, written down before its code is told anything."""

from workhorse.core.contract import Claim
from workhorse.core.errand import Errand
from workhorse.core.sagas.journal import Journal
from workhorse.core.sagas.records import Error, Failed, Resumed, UndoFailed, Undoing, Undone, Woke
from workhorse.worker.sagas.script import Script


def wake(script: Script, errand: Errand | None) -> None:
    """The time is over that an entry asked for, unless it does not matter any more."""
    if errand is None or errand.kind != "wake" or not errand.number:
        return
    act = script.journal.act(errand.number)
    if act is not None and act.started.kind != "call" and errand.number not in script.journal.woken:
        script.add(Woke(of=errand.number, at=script.at))


def go_on(script: Script, errand: Errand | None) -> None:
    """Someone said so: with what had stopped it tried anew, or left out."""
    if errand is None:
        return
    if errand.kind == "resume" and any(act.stuck for act in script.journal.acts.values()):
        script.add(Resumed(at=script.at))
    act = script.journal.act(errand.number) if errand.kind == "skip" else None
    if act is not None and act.undone is None and script.journal.undoing is not None:
        script.add(Undone(of=act.number, skipped=True, at=script.at))


def cancel(script: Script) -> None:
    """Someone said so; what is being undone already is."""
    if script.journal.undoing is None:
        script.add(Undoing(at=script.at))


def blame(script: Script, claim: Claim, most: int) -> None:
    """The workers died or hung: what was under way has failed for good, and the next turn goes on from there."""
    error = Error("Crashed", f"{claim.crashes} workers died or hung under it, and max_crashes is {most}")
    journal = script.journal
    if journal.undoing is not None:
        _blame_undo(script, journal, error)
        return
    unknown = [act for act in journal.acts.values() if act.started.kind in ("step", "action") and act.unknown]
    for act in unknown:
        script.add(Failed(of=act.number, error=error, at=script.at))
    if not unknown:
        script.add(Undoing(error=error, at=script.at))


def _blame_undo(script: Script, journal: Journal, error: Error) -> None:
    """The one that was under way; where none was, the one that comes next stops the saga, so that someone looks."""
    left = list(journal.to_undo())
    act = next((act for act in left if act.taking), left[0] if left else None)
    if act is not None:
        script.add(UndoFailed(of=act.number, error=error, at=script.at))
