"""Time as a seam: what the engine on `memory://` and the worker's patience go by, so that a test can steer it."""

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """Tells the time, and lets it pass."""

    def time(self) -> float:
        """Seconds since the epoch."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Let so much time pass: a real clock waits, a manual one moves."""
        ...


class SystemClock:
    """The host's wall clock."""

    def time(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)
