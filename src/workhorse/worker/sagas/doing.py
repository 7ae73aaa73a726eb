"""Does one thing of a saga, once: a step, an action, an undo; each with its time-out and a context of its own."""

import asyncio
import inspect
from collections.abc import Callable
from typing import Any

from workhorse.core import context as contexts
from workhorse.core.context import Context
from workhorse.core.job import Job
from workhorse.core.sagas import telling
from workhorse.core.sagas.telling import Call
from workhorse.worker.pool import Pool
from workhorse.worker.running import Running


class Doer:
    """For one turn. `job` is the saga as a job, should a step ask its context for it."""

    def __init__(self, pool: Pool, running: Running, job: Callable[[], Job[Any]]) -> None:
        self._pool, self._running, self._job = pool, running, job
        self._contexts: list[Context] = []

    async def do(self, call: Call, timeout: float | None, attempt: int, key: str) -> tuple[Any, BaseException | None]:
        """What it returned, and what it raised."""
        context = Context.lazily(self._job, attempt=attempt, key=key)
        self._contexts.append(context)
        entered, told = contexts.enter(context), telling.current.set(None)
        try:
            return await self._within(call, timeout)
        finally:
            self._contexts.remove(context)
            contexts.leave(entered)
            telling.current.reset(told)

    def cancel(self) -> None:
        """Tell what runs that it is to stop; a thread can only look."""
        for context in self._contexts:
            contexts.cancel(context)

    async def _within(self, call: Call, timeout: float | None) -> tuple[Any, BaseException | None]:
        limit = asyncio.timeout(timeout)
        try:
            async with limit:
                return await self._answer(call)
        except TimeoutError as error:
            late = limit.expired()
            return None, TimeoutError(f"it ran over its time-out of {timeout:g} s") if late else error
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise  # the turn ends; one that it raises itself is a failure
            return None, error
        except BaseException as error:
            return None, error

    async def _answer(self, call: Call) -> tuple[Any, BaseException | None]:
        if call.on_loop:
            return await call.fn(*call.args, **call.kwargs), None
        value, error = await self._pool.in_thread(lambda: call.fn(*call.args, **call.kwargs), self._running)
        if inspect.iscoroutine(value):
            value.close()
            return None, TypeError("it returned a coroutine that nobody awaited; declare it with `async def`")
        return value, error
