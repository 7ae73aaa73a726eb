"""Steps and actions: the intent is durable before one runs, and its outcome is before anything that follows from it."""

import hashlib
from typing import Any

from msgspec import Raw

from workhorse.core.sagas.journal import Act
from workhorse.core.sagas.records import Again, Done, Error, Failed
from workhorse.core.sagas.telling import Deed
from workhorse.core.schema import Unfit
from workhorse.worker.sagas.doing import Doer
from workhorse.worker.sagas.script import Script, failure_of
from workhorse.worker.sagas.trying import Ruling, rule
from workhorse.worker.verdict import text_of

LARGEST = 1 << 20
"""Bytes of one result."""


class Steps:
    """For one turn. `deeds`: what was called, by its place; `replays`: the turn ends after each, to show what a replay does."""

    def __init__(self, script: Script, doer: Doer, born: str, replays: bool) -> None:
        self._script, self._doer, self._born, self._replays = script, doer, born, replays
        self.deeds: dict[str, Deed] = {}

    async def perform(self, deed: Deed) -> Any:
        """Its value; JobFailed when it failed for good."""
        script = self._script
        path = await script.place()
        self.deeds[path] = deed
        act = await script.find(path, deed.kind, deed.name, deed.same)
        if act is None:
            args, kwargs = deed.written()
            act = await script.begin(path, deed.kind, deed.name, Raw(args), Raw(kwargs))
        elif act.done is None and act.failed is None:
            await self._again(act)
        if act.done is None and act.failed is None:
            await self._try(act, deed)
        return await self._told(act, deed)

    async def _again(self, act: Act) -> None:
        """An attempt that nobody saw the end of, or that comes after a pause."""
        if self._script.ghost:
            await self._script.flow.park()
        if act.waiting:
            last = act.failures[-1]
            await self._script.pause(act.waiting, last.wait or 0.0, last.at)
        self._script.add(Again(of=act.number, at=self._script.at))

    async def _try(self, act: Act, deed: Deed) -> None:
        while act.done is None and act.failed is None:
            await self._attempt(act, deed)
            if act.waiting:
                await self._again(act)
        if self._replays:
            self._script.requests.turn(self._script.journal.count)
            await self._script.flow.park()

    async def _attempt(self, act: Act, deed: Deed) -> None:
        script, started = self._script, act.started
        try:
            call = deed.do(started.args, started.kwargs, act.state)
        except Unfit as error:
            await script.mismatch(
                f"entry {act.number} of the journal, {deed.name}: its arguments do not fit any more: {error}"
            )
        with script.flow.busy():
            await script.written()
            value, raised = await self._doer.do(call, deed.doing.timeout, act.counted + 1, key_of(self._born, act))
        if raised is None:
            self._returned(act, deed, value)
        else:
            self._raised(act, deed, raised)

    def _returned(self, act: Act, deed: Deed, value: Any) -> None:
        try:
            result = deed.result(value)
            if len(result) > LARGEST:
                raise Unfit(
                    f"its result takes {len(result):,} bytes, and the most is {LARGEST:,}; return a reference to it"
                )
            deed.value(Raw(result))
        except Exception as error:  # Unfit, or what the code of the value's class raises
            reason = Error(type(error).__name__, f"the result of {deed.name} cannot be kept: {text_of(error)}")
            self._failed(act, deed, Ruling(reason, None))
            return
        self._script.add(Done(of=act.number, result=Raw(result), at=self._script.at))

    def _raised(self, act: Act, deed: Deed, error: BaseException) -> None:
        ruling = rule(error, deed.doing.retry, act.counted + 1)
        if ruling is None:
            self._returned(act, deed, None)
        else:
            self._failed(act, deed, ruling)

    def _failed(self, act: Act, deed: Deed, ruling: Ruling) -> None:
        state = deed.state()
        left = None if state is None else Raw(state)
        record = Failed(
            of=act.number, error=ruling.error, wait=ruling.wait, counts=ruling.counts, state=left, at=self._script.at
        )
        self._script.add(record)
        if ruling.wait is not None and ruling.wait <= 0:
            self._script.journal.woken.add(act.waiting)  # no time is to pass

    async def _told(self, act: Act, deed: Deed) -> Any:
        if act.failed is not None:
            raise failure_of(act.failed)
        assert act.done is not None
        try:
            return deed.value(act.done.result)
        except Unfit as error:
            await self._script.mismatch(
                f"entry {act.number} of the journal, {deed.name}: its result does not fit any more: {error}"
            )


def key_of(born: str, act: Act) -> str:
    """The idempotency key of a step, for its context: the same for each of its attempts."""
    return hashlib.sha256(f"{born}/step/{act.number}".encode()).hexdigest()[:32]
