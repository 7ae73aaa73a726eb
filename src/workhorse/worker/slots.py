"""A fixed set of coroutines that run jobs: no new asyncio task a job."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from workhorse.worker.running import Running

Work: TypeAlias = Callable[[Running, "asyncio.Task[None]"], Awaitable[None]]

AHEAD = 600
"""The most jobs that are claimed ahead of the free slots."""

REACH = 0.05
"""Seconds of work that are claimed ahead: as many jobs as ended in so long a time, lately."""

TURN = 64
"""The most jobs that begin in one turn of the loop: those that wait for nothing would keep claims and settles from it."""

WAKES = 2
"""The most slots that are woken before the first of them has begun."""

STALE = 1.0
"""Seconds after which a job that was claimed ahead has waited too long: another worker might run it."""


class Slots:
    """At most `size` jobs at once; what was claimed and has no slot yet waits in order. `free` is called when there is room."""

    def __init__(self, size: int, work: Work, free: Callable[[], None]) -> None:
        self.size = size
        self._work, self._free = work, free
        self._ready: deque[tuple[Running, float]] = deque()
        self._idle: deque[asyncio.Future[None]] = deque()
        self._tasks: list[asyncio.Task[None]] = []
        self._ahead = 0
        self._low = 0  # fewer are ready: it is time for the next claim
        self._ended = 0
        self._measured = (time.monotonic(), 0)
        self._closed = False
        self._left = TURN
        self._renewing = False
        self._waking = 0
        self.busy = 0

    def add(self, jobs: list[Running]) -> None:
        """Run these, in order."""
        now = time.monotonic()
        self._ready.extend([(running, now) for running in jobs])
        self._wake_next()

    @property
    def waiting(self) -> int:
        """Jobs without a slot yet."""
        return len(self._ready)

    def room(self) -> int:
        """How many to claim: the free slots, and while jobs end quickly some ahead, so that no slot waits for the engine."""
        now = time.monotonic()
        since, ended = self._measured
        if (passed := now - since) >= REACH:
            self._ahead = min(AHEAD, int((self._ended - ended) * REACH / passed))
            self._low = (self._ahead + 1) // 2
            self._measured = now, self._ended
        return self.size - self.busy - len(self._ready) + self._ahead

    @property
    def hungry(self) -> bool:
        """Whether a claim is worth its while: a slot is free, or the jobs claimed ahead are half used up."""
        return self.busy + len(self._ready) < self.size + self._low

    def take_back(self, older: float = 0.0) -> list[Running]:
        """What has no slot yet, if the first of it waits for longer than this: it will not be run here."""
        if not self._ready or time.monotonic() - self._ready[0][1] < older:
            return []
        self._ahead = self._low = 0
        jobs = [running for running, _ in self._ready]
        self._ready.clear()
        return jobs

    def close(self) -> None:
        """Let the slots end when they are done with what they run."""
        self._closed = True
        while self._idle:
            self._wake()

    def cancel(self) -> None:
        """End the slots now."""
        for task in self._tasks:
            task.cancel()

    def _wake_next(self) -> None:
        """A few slots more for what is ready: each wakes the next when it begins, so that jobs that wait for nothing need few."""
        while self._waking < WAKES and self._waking < len(self._ready):
            if self._idle:
                self._wake()
            elif len(self._tasks) < self.size:
                self._tasks.append(asyncio.create_task(self._slot()))
            else:
                return
            self._waking += 1

    def _wake(self) -> None:
        future = self._idle.popleft()
        if not future.done():  # it is when its slot was cancelled from outside: a loop that is torn down
            future.set_result(None)

    async def _slot(self) -> None:
        slot = asyncio.current_task()
        assert slot is not None
        self._waking -= 1
        while not self._closed:
            if not self._ready or self._turn_is_over():
                await self._rest()
                continue
            running, _ = self._ready.popleft()
            self._wake_next()
            if len(self._ready) < self._low:
                self._free()
            self.busy += 1
            try:
                await self._work(running, slot)
            finally:
                self.busy -= 1
                self._ended += 1
            if slot.cancelling():
                return

    def _turn_is_over(self) -> bool:
        self._left -= 1
        if self._left >= 0:
            return False
        if not self._renewing:
            self._renewing = True
            asyncio.get_running_loop().call_soon(self._renew)
        return True

    def _renew(self) -> None:
        self._left, self._renewing = TURN, False
        self._wake_next()

    async def _rest(self) -> None:
        self._free()
        future = asyncio.get_running_loop().create_future()
        self._idle.append(future)
        await future
        self._waking -= 1
