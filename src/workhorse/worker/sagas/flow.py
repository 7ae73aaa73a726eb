"""The lines of control of a turn: which run, which wait for a later turn; and the moment when none runs any more."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Generator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

from workhorse.core.instrument import log
from workhorse.worker.sagas import scope
from workhorse.worker.sagas.scope import Scope

UNWIND = 5.0
"""Seconds that code has to end in when its turn ends; then it is left behind."""


class Flow:
    """`hold` is called at once when nothing runs any more, and nothing is to be written by itself."""

    def __init__(self, hold: Callable[[], None]) -> None:
        self._hold = hold
        self._live, self._parked, self._busy = 1, 0, 0
        self._tasks: set[asyncio.Task[Any]] = set()
        self._stopped: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.mismatch = ""
        self.overtaken = False
        self.closed = False
        self.returned: tuple[Any] | None = None
        """What the code returned, if it did."""
        self.raised: BaseException | None = None
        """What it raised."""

    async def run(self, code: Coroutine[Any, Any, Any]) -> None:
        """Until the code ends or all of it waits."""
        self._start(self._main(code))
        try:
            await asyncio.wait((self._stopped,))
        finally:
            await self._close()

    def stop(self, *, mismatch: str = "", overtaken: bool = False) -> None:
        """End the turn here."""
        self.mismatch = self.mismatch or mismatch
        self.overtaken = self.overtaken or overtaken
        self._end()

    async def park(self) -> NoReturn:
        """This line waits for a later turn."""
        self._parked += 1
        self._look_soon()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            self._parked -= 1
        raise AssertionError("nobody ends what is parked but by cancellation")

    @contextmanager
    def busy(self) -> Generator[None]:
        """While this lasts, the turn goes on."""
        self._busy += 1
        try:
            yield
        finally:
            self._busy -= 1
            self._look_soon()

    async def enter(self) -> None:
        """To be awaited by each call of the code: CancelledError once the turn is over."""
        if self.closed:
            await asyncio.sleep(0)  # code that catches it and goes on must not take the loop from the others
            raise asyncio.CancelledError

    async def gather(self, place: str, awaitables: Sequence[Awaitable[Any]]) -> list[Any]:
        """Each in a line of its own; all end before the first error is raised, so that a replay meets the same calls."""
        left = [len(awaitables)]
        branches = [
            self._start(self._branch(awaitable, Scope(f"{place}.{index}."), left))
            for index, awaitable in enumerate(awaitables, 1)
        ]
        if not branches:
            return []
        self._live += len(branches) - 1
        await asyncio.wait(branches)
        answers = [branch.result() for branch in branches]
        for _, error in answers:
            if error is not None:
                raise error
        return [value for value, _ in answers]

    async def _main(self, code: Coroutine[Any, Any, Any]) -> None:
        scope.current.set(Scope())
        try:
            self.returned = (await code,)
        except BaseException as error:  # a SystemExit would end the loop
            self.raised = None if self.closed else error
        finally:
            self._end()

    async def _branch(self, awaitable: Awaitable[Any], its: Scope, left: list[int]) -> tuple[Any, BaseException | None]:
        scope.current.set(its)
        try:
            return await awaitable, None
        except BaseException as error:  # as above
            return None, error
        finally:
            left[0] -= 1
            if left[0]:  # after the last one its line is that of the code that gathers, which goes on
                self._live -= 1
                self._look_soon()

    def _start(self, code: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
        task = asyncio.get_running_loop().create_task(code)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # seen: a line that fails after the turn's end is nobody's news

    def _look_soon(self) -> None:
        asyncio.get_running_loop().call_soon(self._look)

    def _look(self) -> None:
        if not self._busy and self._parked >= self._live:
            self._end()

    def _end(self) -> None:
        self._hold()
        if not self._stopped.done():
            self._stopped.set_result(None)

    async def _close(self) -> None:
        self.closed = True
        for task in tuple(self._tasks):
            task.cancel()
        if self._tasks:
            _, left = await asyncio.wait(tuple(self._tasks), timeout=UNWIND)
            if left:
                log.warning("the code of a saga goes on %g s after its turn has ended: it is left behind", UNWIND)
