"""Takes back what a saga started, newest first; each is written down before the next one is tried."""

from typing import Literal

from msgspec import Raw

from workhorse.core.sagas.journal import Act
from workhorse.core.sagas.records import Taking, UndoFailed, Undone
from workhorse.core.sagas.telling import Call, Deed
from workhorse.core.schema import Unfit
from workhorse.worker.sagas.doing import Doer
from workhorse.worker.sagas.script import Script
from workhorse.worker.sagas.steps import key_of
from workhorse.worker.sagas.trying import rule


class Mismatched(Exception):
    """The code does not match the journal any more."""


class Undoing:
    """For one turn, once its code has been told all that is known, so that the deeds are at hand."""

    def __init__(self, script: Script, doer: Doer, deeds: dict[str, Deed], born: str) -> None:
        self._script, self._doer, self._deeds, self._born = script, doer, deeds, born

    async def run(self) -> Literal["ended", "waiting", "stuck"]:
        """As far as it goes in this turn. Mismatched when the code has no such step any more."""
        for act in self._script.journal.to_undo():
            if act.stuck is not None:
                return "stuck"
            call = self._call(act)
            while call is not None and act.undone is None:
                if not self._may_try(act):
                    return "waiting"
                await self._attempt(act, call)
                if act.stuck is not None:
                    return "stuck"
        return "ended"

    def _call(self, act: Act) -> Call | None:
        deed, started = self._deeds.get(act.started.path), act.started
        what = f"entry {act.number} of the journal, {started.kind} {started.name!r}"
        if deed is None:
            raise Mismatched(f"{what}: it is to be undone, and the code does not call it any more")
        try:
            return deed.undo(started.args, started.kwargs, _result(act), act.state)
        except Unfit as error:
            raise Mismatched(
                f"{what}: it is to be undone, and what is known of it does not fit any more: {error}"
            ) from None

    def _may_try(self, act: Act) -> bool:
        if not act.undo_waiting or act.undo_waiting in self._script.journal.woken:
            return True
        last = act.undo_failures[-1]
        self._script.requests.timer(act.undo_waiting, last.wait or 0.0, last.at)
        return False

    async def _attempt(self, act: Act, call: Call) -> None:
        script, effort = self._script, self._deeds[act.started.path].undoing
        script.add(Taking(of=act.number, at=script.at))
        await script.log.written()
        attempt = len(act.undo_failures) + 1
        _, error = await self._doer.do(call, effort.timeout, attempt, f"undo-{key_of(self._born, act)}")
        ruling = None if error is None else rule(error, effort.retry, attempt)
        if ruling is None:
            script.add(Undone(of=act.number, at=script.at))
            return
        script.add(UndoFailed(of=act.number, error=ruling.error, wait=ruling.wait, at=script.at))
        if ruling.wait is not None and ruling.wait <= 0:
            script.journal.woken.add(act.undo_waiting)


def _result(act: Act) -> Raw | None:
    return None if act.done is None else act.done.result
