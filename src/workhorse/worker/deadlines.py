"""Time-outs: one timer for all that runs, at the earliest of their ends. Most jobs end long before, and cost it nothing."""

import asyncio
import math
import time
from collections.abc import Iterable

from workhorse.worker.running import Running

_LEAST = 0.001
"""Seconds: a loop's timers know no shorter time, and may be so much early."""


class Deadlines:
    """Interrupts each of `running` when its time is over."""

    def __init__(self, running: Iterable[Running]) -> None:
        self._running = running
        self._next = math.inf
        self._timer: asyncio.TimerHandle | None = None

    def watch(self, running: Running, timeout: float) -> None:
        """It has so many seconds from its beginning."""
        running.late = late = running.began + timeout
        if late < self._next:
            self._arm(late)

    def close(self) -> None:
        """Interrupt nobody any more."""
        if self._timer is not None:
            self._timer.cancel()

    def _arm(self, late: float) -> None:
        self.close()
        self._next = late
        wait = max(_LEAST, late - time.monotonic())
        self._timer = asyncio.get_running_loop().call_later(wait, self._look)

    def _look(self) -> None:
        now, self._next = time.monotonic(), math.inf
        begun = [it for it in self._running if it.late and it.call is not None]
        for running in begun:
            if running.late <= now:
                running.interrupt("late")
        coming = min((it.late for it in begun if it.late > now), default=math.inf)
        if coming < math.inf:
            self._arm(coming)
