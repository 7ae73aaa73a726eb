"""The journal beside the code: each call of the code is looked for at its place, and begun there when it is new."""

from collections.abc import Callable
from typing import NoReturn

from msgspec import Raw

from workhorse.core.clock import Clock
from workhorse.core.errors import GiveUp, JobFailed
from workhorse.core.sagas.journal import Act, Journal
from workhorse.core.sagas.records import NOTHING, AnyRecord, Begin, Error, Kind, Own, Started
from workhorse.core.schema import Unfit
from workhorse.durable.sagas.log import Log, Overtaken
from workhorse.worker.sagas import scope
from workhorse.worker.sagas.flow import Flow
from workhorse.worker.sagas.requests import Requests

MOST = 10_000
"""Calls of one saga: each of its turns reads them all again."""


class Script:
    """For one turn. `ghost`: nothing new is begun; what is known is told, so that what is to be undone is found."""

    def __init__(self, log: Log, flow: Flow, requests: Requests, clock: Clock, job: str) -> None:
        self.log, self.flow, self.requests, self._clock, self._job = log, flow, requests, clock, job
        self.ghost = False
        self.visited: set[str] = set()
        self._owned = False

    @property
    def journal(self) -> Journal:
        """What is known."""
        return self.log.journal

    @property
    def at(self) -> float:
        """Now."""
        return self._clock.time()

    def add(self, record: AnyRecord) -> int:
        """To the journal; before the first of a turn it says whose it is from here on. The record's number."""
        if not self._owned and not isinstance(record, Begin):
            self._owned = True
            self.log.add(Own(job=self._job, at=self.at))
        return self.log.add(record)

    async def place(self) -> str:
        """Of the next call of the running line."""
        await self.flow.enter()
        path = scope.current.get().next()
        self.visited.add(path)
        return path

    async def find(self, path: str, kind: Kind, name: str, same: Callable[[Raw, Raw], bool]) -> Act | None:
        """What is known of the call at this place. The turn ends when the journal has another one there."""
        act = self.journal.acts.get(path)
        if act is None:
            return None
        there = act.started
        if (there.kind, there.name) != (kind, name):
            await self.mismatch(
                f"entry {act.number} of the journal is {_shown(there.kind, there.name)}, and the code calls {_shown(kind, name)} there"
            )
        try:
            alike = same(there.args, there.kwargs)
        except Unfit as error:
            await self.mismatch(
                f"entry {act.number} of the journal, {_shown(kind, name)}: its arguments do not fit any more: {error}"
            )
        if not alike:
            await self.mismatch(
                f"entry {act.number} of the journal is {_shown(kind, name)} with other arguments than the code gives it"
            )
        return act

    async def begin(
        self, path: str, kind: Kind, name: str, args: Raw = NOTHING, kwargs: Raw = NOTHING, seconds: float | None = None
    ) -> Act:
        """Write down that it is going to be done; durable once the log is written."""
        if self.ghost:
            await self.flow.park()
        if len(self.journal.acts) >= MOST:
            raise GiveUp(f"a saga makes at most {MOST:,} calls; let it call others")
        self.add(Started(path=path, kind=kind, name=name, args=args, kwargs=kwargs, seconds=seconds, at=self.at))
        return self.journal.acts[path]

    async def written(self) -> None:
        """Until all that was added is durable; for ever when another turn was first."""
        try:
            await self.log.written()
        except Overtaken:
            self.flow.stop(overtaken=True)
            await self.flow.park()

    async def pause(self, number: int, delay: float, since: float) -> None:
        """Let the time pass that this entry asks for: it has, or a later turn goes on here."""
        if not self.ghost:
            if number in self.journal.woken:
                return
            self.requests.timer(number, delay, since)
        await self.flow.park()

    async def mismatch(self, why: str) -> NoReturn:
        """End the turn; the code itself learns nothing of it, as it might catch it and go on."""
        self.flow.stop(mismatch=why)
        await self.flow.park()


def failure_of(error: Error) -> JobFailed:
    """What the code gets for what failed for good: the same when it happens and on every replay."""
    return JobFailed(error.type, error.message, error.traceback)


def _shown(kind: Kind, name: str) -> str:
    return f"{kind} {name!r}" if name else f"a {kind}"
