"""What a saga's code asks, answered: by the journal, or by doing it."""

import hashlib
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any

from workhorse.core.sagas.records import Noted
from workhorse.core.sagas.telling import Deed
from workhorse.core.task import Task
from workhorse.worker.sagas import scope
from workhorse.worker.sagas.calls import Calls
from workhorse.worker.sagas.script import Script
from workhorse.worker.sagas.steps import Steps
from workhorse.worker.sagas.waits import Waits


class Teller:
    """For one turn, as `core.sagas.telling` has it."""

    def __init__(self, id: str, born: str, script: Script, steps: Steps, waits: Waits, calls: Calls) -> None:
        self.id, self._born = id, born
        self._script, self._steps, self._waits, self._calls = script, steps, waits, calls

    async def perform(self, deed: Deed) -> Any:
        return await self._steps.perform(deed)

    async def call(self, task: Task[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        return await self._calls.call(task, args, kwargs)

    async def sleep(self, seconds: float) -> None:
        await self._waits.sleep(seconds)

    async def wait_for(self, name: str, hint: Any, timeout: float | None) -> Any:
        return await self._waits.wait_for(name, hint, timeout)

    async def gather(self, awaitables: Sequence[Awaitable[Any]]) -> list[Any]:
        return await self._script.flow.gather(await self._script.place(), awaitables)

    def now(self) -> float:
        path, script = scope.current.get().look(), self._script
        noted = script.journal.notes.get(path)
        if noted is not None or script.ghost:
            return script.at if noted is None else noted.value
        script.add(Noted(path=path, value=(at := script.at)))
        return at

    def draw(self) -> bytes:
        """Made of what was drawn for this saga once, and of the place: nothing is to be written for it."""
        return hashlib.sha256(f"{self._born}/{scope.current.get().look()}".encode()).digest()
