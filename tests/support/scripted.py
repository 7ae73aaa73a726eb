"""Actions that do as a script says, drivers for both kinds, and a clock on which waiting takes no time."""

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from workhorse.core.action import Action
from workhorse.core.action_queue import ActionQueue

Script = Iterable[BaseException | None]


class Scripted:
    """Writes down each call as `name` or `-name`, then raises what its script says: None, and its end, is a success."""

    def __init__(self, name: str, diary: list[str], execute: Script = (), rollback: Script = ()) -> None:
        self._name, self._diary = name, diary
        self._execute, self._rollback = iter(execute), iter(rollback)

    def execute(self) -> object:
        return self._called(self._name, self._execute)

    def rollback(self) -> object:
        return self._called(f"-{self._name}", self._rollback)

    def _called(self, what: str, script: Iterator[BaseException | None]) -> str:
        self._diary.append(what)
        if (error := next(script, None)) is not None:
            raise error
        return "never looked at"


class ScriptedLater(Scripted):
    """The same, asynchronously."""

    async def execute(self) -> object:
        await asyncio.sleep(0)
        return super().execute()

    async def rollback(self) -> object:
        await asyncio.sleep(0)
        return super().rollback()


class Plain:
    """Drives a queue in this thread."""

    action: type[Scripted] = Scripted

    def execute(self, queue: ActionQueue) -> None:
        queue.execute()

    def rollback(self, queue: ActionQueue) -> None:
        queue.rollback()

    def block(self, queue: ActionQueue, error: BaseException | None = None) -> None:
        with queue:
            queue.execute()
            if error is not None:
                raise error


class Looping(Plain):
    """Drives it on a loop."""

    action = ScriptedLater

    def execute(self, queue: ActionQueue) -> None:
        asyncio.run(queue.execute_async())

    def rollback(self, queue: ActionQueue) -> None:
        asyncio.run(queue.rollback_async())

    def block(self, queue: ActionQueue, error: BaseException | None = None) -> None:
        asyncio.run(self._block(queue, error))

    async def _block(self, queue: ActionQueue, error: BaseException | None) -> None:
        async with queue:
            await queue.execute_async()
            if error is not None:
                raise error


@dataclass
class Hourglass:
    """Time that passes by waiting only; `waits` has each wait that was one."""

    now: float = 1000.0
    waits: list[float] = field(default_factory=list)

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.waits += [seconds] if seconds else []

    async def doze(self, seconds: float) -> None:
        self.sleep(seconds)


@dataclass
class Scene:
    """A diary, and the actions that write into it."""

    way: Plain
    diary: list[str] = field(default_factory=list)

    def action(self, name: str, execute: Script = (), rollback: Script = ()) -> Action:
        return self.way.action(name, self.diary, execute, rollback)

    def executed(self, queue: ActionQueue) -> BaseException | None:
        """What execute raised."""
        try:
            self.way.execute(queue)
        except BaseException as error:
            return error
        return None
