"""Finds blocking code in async tasks: looks, from another thread, at a loop that has stopped turning."""

import asyncio
import sys
import threading
import time
import traceback
from collections.abc import Iterable

from workhorse.core.happenings import LoopBlocked
from workhorse.core.instrument import Bus
from workhorse.worker.running import Running

BLOCKED = 1.0
"""Seconds without a turn from which on it is told; each time once."""


class Watch:
    """Knows the worker's loop and its thread; `look` is called from elsewhere."""

    def __init__(self, bus: Bus, running: Iterable[Running]) -> None:
        self._bus, self._running = bus, running
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._looked = time.monotonic()
        self._told = False

    def look(self, still_for: float) -> None:
        """Tell the bus of a loop that has been still for so many seconds, with the task that runs in it."""
        before, self._looked = self._looked, time.monotonic()
        if self._looked - before > BLOCKED:
            return  # nobody looked, either: the whole process was frozen, or the machine is asleep on its feet
        if still_for < BLOCKED:
            self._told = False
        elif not self._told:
            self._told = True
            self._bus.say(self._found(still_for))

    def _found(self, still_for: float) -> LoopBlocked:
        # the only way to see another thread's stack; documented, underscore and all
        frame = sys._current_frames().get(self._thread)  # pyright: ignore[reportPrivateUsage]
        stack = "".join(traceback.format_stack(frame)[-6:]) if frame is not None else ""
        slot = asyncio.current_task(self._loop)
        for running in tuple(self._running):
            if running.call is not None and running.call is slot:
                return LoopBlocked(running.claim.job.task, running.claim.job.id, still_for, stack)
        return LoopBlocked("", "", still_for, stack)
