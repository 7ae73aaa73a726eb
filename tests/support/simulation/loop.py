"""Event loops without a selector, threads or real time: a scheduler picks by its seed whose turn it is, and the clock jumps.

Each loop is first come, first served, as asyncio's are; what is left to chance is which of them goes on.
"""

import asyncio
import contextvars
import heapq
import random
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, NoReturn

NEVER = float("inf")


class Scheduler:
    """All loops of one simulated world, on one clock."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.now = 0.0
        self.turns = 0
        self.crashed: BaseException | None = None
        """What escaped from a loop: it ends the run."""
        self._loops: list[Loop] = []
        self._dead: list[Loop] = []

    def loop(self, name: str) -> "Loop":
        """One more."""
        loop = Loop(self, name)
        self._loops.append(loop)
        return loop

    def run(self, so: Callable[[], bool], until: float = NEVER) -> bool:
        """Let the loops turn until it is so; False when it did not come before the clock showed `until`, or ever."""
        while not so():
            if self.crashed is not None:
                raise self.crashed
            ready = [loop for loop in self._loops if loop.ready and loop.frozen_until <= self.now]
            if ready:
                self.turns += 1
                (ready[0] if len(ready) == 1 else self.chance.choice(ready)).turn()
            elif not self._advance(until):
                return False
        return True

    def close(self) -> None:
        """End what is left, without an effect on anything."""
        for loop in tuple(self._loops):
            loop.die()
        for loop in self._dead:
            loop.bury()
        self._dead.clear()

    def died(self, loop: "Loop") -> None:
        """It gets no turns any more."""
        self._loops.remove(loop)
        self._dead.append(loop)

    def _advance(self, until: float) -> bool:
        moment = min((loop.next_moment() for loop in self._loops), default=NEVER)
        if moment == NEVER or moment > until:
            return False
        self.now = max(self.now, moment)
        for loop in self._loops:
            loop.collect()
        return True


class Loop(asyncio.AbstractEventLoop):
    """One thread of a simulated process. Dead, it does nothing any more, and nothing of it runs: no `finally` either."""

    def __init__(self, scheduler: Scheduler, name: str) -> None:
        self.name = name
        self.ready: deque[asyncio.Handle] = deque()
        self.frozen_until = 0.0
        self.dead = False
        self._scheduler = scheduler
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._numbered = 0
        self._tasks: list[tuple[asyncio.Task[Any], contextvars.Context]] = []
        """Kept: a task that the garbage collector finds runs its `finally` blocks, and the dead have no last words."""

    def turn(self) -> None:
        """Run what is first in the queue."""
        handle = self.ready.popleft()
        if handle.cancelled():
            return
        asyncio._set_running_loop(self)
        try:
            handle._run()  # type: ignore[attr-defined]
        finally:
            asyncio._set_running_loop(None)

    def die(self) -> None:
        """As by SIGKILL."""
        self.dead = True
        self.ready.clear()
        self._timers.clear()
        self._scheduler.died(self)

    def unheard(self) -> list[BaseException]:
        """What its tasks raised, and nobody looked at."""
        found: list[BaseException] = []
        for task, _ in self._tasks:
            if task.done() and task._log_traceback and (error := task.exception()):  # type: ignore[attr-defined]
                found.append(error)
        return found

    def bury(self) -> None:
        """End the coroutines of a dead loop; whatever they still want to do has no effect."""
        asyncio._set_running_loop(self)
        try:
            for task, context in self._tasks:  # it grows: an ending coroutine may make tasks
                task._log_destroy_pending = False  # type: ignore[attr-defined]
                if not task.done():
                    context.run(_end, task.get_coro())
        finally:
            asyncio._set_running_loop(None)
            self._tasks.clear()

    def next_moment(self) -> float:
        """When it has something to do."""
        while self._timers and self._timers[0][2].cancelled():
            heapq.heappop(self._timers)
        if not (self._timers or self.ready):
            return NEVER
        due = 0.0 if self.ready else self._timers[0][0]
        return max(due, self.frozen_until)

    def collect(self) -> None:
        """Make ready what is due, unless it is frozen."""
        if self.frozen_until > self._scheduler.now:
            return
        while self._timers and self._timers[0][0] <= self._scheduler.now:
            self.ready.append(heapq.heappop(self._timers)[2])

    # ---- what asyncio asks of a loop

    def time(self) -> float:
        return self._scheduler.now

    def call_soon(
        self, callback: Callable[..., object], *args: Any, context: contextvars.Context | None = None
    ) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        if not self.dead:
            self.ready.append(handle)
        return handle

    call_soon_threadsafe = call_soon

    def call_later(
        self, delay: float, callback: Callable[..., object], *args: Any, context: contextvars.Context | None = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self.time() + delay, callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[..., object], *args: Any, context: contextvars.Context | None = None
    ) -> asyncio.TimerHandle:
        timer = asyncio.TimerHandle(when, callback, args, self, context)
        if not self.dead:
            self._numbered += 1
            heapq.heappush(self._timers, (when, self._numbered, timer))
        return timer

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(
        self,
        coro: Coroutine[Any, Any, Any],
        *,
        name: str | None = None,
        context: contextvars.Context | None = None,
    ) -> asyncio.Task[Any]:  # type: ignore[override]
        context = context or contextvars.copy_context()
        task = asyncio.Task(coro, loop=self, name=name, context=context)
        self._tasks.append((task, context))
        return task

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:  # type: ignore[override]
        """Here and now: there are no threads."""
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:
            future.set_exception(error)
        return future

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        if not self.dead:
            problem = context.get("exception") or RuntimeError(str(context.get("message")))
            self._scheduler.crashed = self._scheduler.crashed or problem

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return not self.dead

    def is_closed(self) -> bool:
        return self.dead

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """It is passed over when its time comes."""


async def forever() -> NoReturn:
    """Never return: the process that waits here is dead."""
    await asyncio.get_running_loop().create_future()
    raise AssertionError("the dead went on")


class _Buried(BaseException):
    """Not GeneratorExit: a coroutine that awaits in a `finally` must be told again, and `close` does not."""


def _end(coro: Any) -> None:
    with suppress(BaseException):
        for _ in range(100):
            coro.throw(_Buried)
