"""The real engine behind a line that a test cuts: every verb of it then answers that the engine is away."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from workhorse.core.contract import Engine
from workhorse.engines import open_engine
from workhorse.errors import BrokerUnavailable

VERBS = (
    "publish",
    "bind",
    "claim",
    "settle",
    "extend",
    "wait",
    "get",
    "put",
    "delete",
    "scan",
    "show",
    "list",
    "cancel",
)


class Line:
    """What stands between an app and its engines, the one of its leases too."""

    def __init__(self) -> None:
        self.cut = False
        self.deaf: set[str] = set()
        """Verbs that are done, and whose answer is lost."""
        self.broken: dict[str, Callable[..., None]] = {}
        """Called with a verb's arguments before it; may raise."""
        self.calls: list[str] = []

    def call(self, name: str, verb: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        """The verb, over this line."""

        async def over(*args: Any, **kwargs: Any) -> Any:
            self.calls.append(name)
            if self.cut:
                raise BrokerUnavailable(f"{name}: the line is cut")
            if name in self.broken:
                self.broken[name](*args)
            answer = await verb(*args, **kwargs)
            if self.cut or name in self.deaf:
                raise BrokerUnavailable(f"{name}: the answer is lost")
            return answer

        return over


class Part:
    """A broker, a store or an inspector over the line."""

    def __init__(self, part: Any, line: Line) -> None:
        self._part, self._line = part, line

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._part, name)
        return self._line.call(name, found) if name in VERBS else found


class Far:
    """An engine over the line."""

    def __init__(self, engine: Engine, line: Line) -> None:
        self._engine = engine
        self.broker, self.store = Part(engine.broker, line), Part(engine.store, line)
        self.inspector, self.statements = Part(engine.inspector, line), engine.statements

    async def open(self) -> None:
        await self._engine.open()

    async def close(self) -> None:
        await self._engine.close()


def lined(monkeypatch: pytest.MonkeyPatch) -> Line:
    """From now on all apps reach their engines over the line that is returned."""
    line = Line()
    monkeypatch.setattr("workhorse.app.front.open_engine", lambda url: Far(open_engine(url), line))
    return line


async def turns(so: Callable[[], object], seconds: float = 30) -> None:
    """Let the loop turn until it is so; TimeoutError after `seconds`."""
    async with asyncio.timeout(seconds):
        while not so():
            await asyncio.sleep(0)
