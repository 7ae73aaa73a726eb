"""Waiting for a verb that must not be cancelled in flight, in code that may be."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def unbroken(
    verb: Coroutine[Any, Any, T], cancelled: Callable[[], None] = lambda: None
) -> tuple[T, asyncio.CancelledError | None]:
    """Its answer, and the cancellation that came meanwhile, which is the caller's to raise; `cancelled` is told at once."""
    task, cancellation = asyncio.ensure_future(verb), None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            if task.cancelled():
                raise
            cancellation = error
            cancelled()
        except Exception:
            break  # its own, raised below
    return task.result(), cancellation
