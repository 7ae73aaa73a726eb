"""The way in for synchronous code: one daemon thread with an event loop of its own, started by the first call."""

import asyncio
import concurrent.futures
import os
import threading
from collections.abc import Awaitable
from typing import TypeVar

from workhorse.core.errors import WorkhorseError
from workhorse.core.loops import new_loop

T = TypeVar("T")


LAST = 5.0
"""Seconds that what still runs at the end may take to wind up."""


class Portal:
    """Runs awaitables for callers in other threads; beside a running loop it blocks that loop's thread, as asked."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._pid = 0

    def run(self, awaitable: Awaitable[T]) -> T:
        """Its result or its exception. WorkhorseError from inside the portal's own loop, which would wait for itself."""
        if self.inside:
            raise WorkhorseError("run: called from code that run() itself is running; await the call instead")
        with self._lock:  # what is handed over before the end is cancelled by it, and not forgotten
            future = asyncio.run_coroutine_threadsafe(_waited(awaitable), self._started())
        try:
            return future.result()
        except concurrent.futures.CancelledError:
            raise WorkhorseError("run: ended before its answer came: the app was closed meanwhile") from None
        except BaseException:
            future.cancel()
            raise

    @property
    def open(self) -> bool:
        """Whether there is a loop."""
        return self._loop is not None and self._pid == os.getpid()

    @property
    def inside(self) -> bool:
        """Whether the caller runs in the portal's own thread."""
        return threading.current_thread() is self._thread

    def close(self) -> None:
        """End the loop and its thread, if they were ever started; not from within."""
        with self._lock:
            loop, thread = self._loop, self._thread
            if loop is None or thread is None or not self.open or self.inside:
                return
            self._loop = self._thread = None
            ending = asyncio.run_coroutine_threadsafe(_cancel_the_others(), loop)
        ending.result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()

    def _started(self) -> asyncio.AbstractEventLoop:
        if self._loop is None or not self.open:  # a forked child has the loop, and not its thread
            self._pid = os.getpid()
            self._loop = new_loop()
            self._thread = threading.Thread(target=self._loop.run_forever, name="workhorse-portal", daemon=True)
            self._thread.start()
        return self._loop


async def _waited(awaitable: Awaitable[T]) -> T:
    return await awaitable


async def _cancel_the_others() -> None:
    """Threads wait for what runs here: each is told that it ends."""
    if others := asyncio.all_tasks() - {asyncio.current_task()}:
        for task in others:
            task.cancel()
        await asyncio.wait(others, timeout=LAST)
