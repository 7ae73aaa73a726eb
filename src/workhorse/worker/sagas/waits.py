"""What a saga waits for without holding anybody: time, signals, other jobs."""

from functools import lru_cache
from typing import Any

from msgspec import Raw

from workhorse.core.codec import Codec
from workhorse.core.contract import Store
from workhorse.core.sagas.journal import Act
from workhorse.core.sagas.records import Done, Error
from workhorse.core.schema import Unfit
from workhorse.durable.sagas import keys
from workhorse.durable.sagas.patience import answered
from workhorse.worker.sagas.script import Script, failure_of
from workhorse.worker.verdict import text_of


class Waits:
    """For one turn of the saga of this id."""

    def __init__(self, script: Script, store: Store, id: str) -> None:
        self._script, self._store, self._id = script, store, id

    async def sleep(self, seconds: float) -> None:
        """Until so much time has passed."""
        script = self._script
        path = await script.place()
        act = await script.find(path, "sleep", "", lambda args, kwargs: True)
        if act is None:
            act = await script.begin(path, "sleep", "", seconds=seconds)
        if act.done is None:
            await script.pause(act.number, act.started.seconds or 0.0, act.started.at)
            script.add(Done(of=act.number, at=script.at))

    async def wait_for(self, name: str, hint: Any, timeout: float | None) -> Any:
        """The next signal of this name; None when none came in time. JobFailed for one whose value does not fit."""
        script = self._script
        path = await script.place()
        act = await script.find(path, "wait", name, lambda args, kwargs: True)
        if act is None:
            act = await script.begin(path, "wait", name, seconds=timeout)
        if act.done is None:
            await self._take(act, name)
        assert act.done is not None
        if not act.done.signal:
            return None
        try:
            return _codec(hint).decode(act.done.result, True, f"signal {name}")
        except Unfit as error:
            raise failure_of(Error("Unfit", text_of(error))) from None

    async def _take(self, act: Act, name: str) -> None:
        script = self._script
        if script.ghost:
            await script.flow.park()
        with script.flow.busy():
            found = await answered(lambda: self._store.scan(keys.signals(self._id, name)))
        for key, value, _ in found:
            signal = key.rpartition("/")[2]
            if signal not in script.journal.signals:
                script.add(Done(of=act.number, result=Raw(value), signal=signal, at=script.at))
                return
        if act.started.seconds is None:
            await script.flow.park()
        else:
            await script.pause(act.number, act.started.seconds, act.started.at)
            script.add(Done(of=act.number, at=script.at))


@lru_cache(256)
def _codec(hint: Any) -> Codec:
    return Codec(hint)
