"""Event loops of our own: uvloop's where it exists, asyncio's elsewhere."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def new_loop() -> asyncio.AbstractEventLoop:
    """A loop that nobody runs yet."""
    try:
        import uvloop
    except ImportError:  # Windows
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run it to its end on a loop of our own."""
    with asyncio.Runner(loop_factory=new_loop) as runner:
        return runner.run(work)
