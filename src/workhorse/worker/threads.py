"""Threads for sync tasks: daemons, so that one that hangs cannot keep the process from ending."""

import asyncio
import contextvars
import queue
import threading
from collections.abc import Callable
from typing import Any, TypeAlias

Answer: TypeAlias = tuple[Any, BaseException | None]
"""What a call returned, and what it raised."""

_Call: TypeAlias = tuple[Callable[[], Any], contextvars.Context, "asyncio.Future[Answer]", asyncio.AbstractEventLoop]


class Threads:
    """As many threads as are needed at once, at most one for each slot of the worker; idle ones are used again.

    `concurrent.futures` joins its threads when the interpreter ends, so that one endless task would keep a worker alive
    for ever after its shutdown: hence threads of our own.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._calls: queue.SimpleQueue[_Call | None] = queue.SimpleQueue()
        self._threads = 0
        self._idle = 0
        self._lock = threading.Lock()

    def call(self, fn: Callable[[], Any]) -> "asyncio.Future[Answer]":
        """Run `fn` in a thread, in this context; the future has its value or its exception, as a pair."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Answer] = loop.create_future()
        with self._lock:
            if self._idle:
                self._idle -= 1
            else:
                self._threads += 1
                threading.Thread(target=self._serve, name=f"{self._name}-{self._threads}", daemon=True).start()
        self._calls.put((fn, contextvars.copy_context(), future, loop))
        return future

    def close(self) -> None:
        """Let idle threads end; busy ones end after their call."""
        for _ in range(self._threads):
            self._calls.put(None)

    def _serve(self) -> None:
        while (call := self._calls.get()) is not None:
            fn, context, future, loop = call
            try:
                value, error = context.run(fn), None
            except BaseException as raised:
                value, error = None, raised
            with self._lock:
                self._idle += 1
            try:
                loop.call_soon_threadsafe(_deliver, future, value, error)
            except RuntimeError:
                return  # the loop was closed: the worker is gone
            del call, fn, context, future, value, error


def _deliver(future: "asyncio.Future[Answer]", value: Any, error: BaseException | None) -> None:
    # never set_exception: a future refuses StopIteration, and lets SystemExit out of the loop
    if not future.cancelled():
        future.set_result((value, error))
