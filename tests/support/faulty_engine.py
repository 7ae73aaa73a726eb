"""Apps whose engines a test makes fail: the line between them is a nemesis of the testing kit."""

import asyncio
from collections.abc import Callable
from itertools import chain, repeat
from typing import TypeVar

import pytest

from workhorse.engines import open_engine
from workhorse.testing.faults import FaultyEngine, Nemesis

Line = TypeVar("Line", bound=Nemesis)


def lined(monkeypatch: pytest.MonkeyPatch, line: Line) -> Line:
    """From now on all apps reach their engines, the one of their leases too, over this line."""
    monkeypatch.setattr("workhorse.app.places.open_engine", lambda url: FaultyEngine(open_engine(url), line))
    return line


async def turns(so: Callable[[], object], seconds: float = 30) -> None:
    """Let the loop turn until it is so; TimeoutError after `seconds`. What is not so at once depends on others: they get the processor."""
    async with asyncio.timeout(seconds):
        for pause in chain(repeat(0.0, 100), repeat(0.001)):
            if so():
                return
            await asyncio.sleep(pause)
