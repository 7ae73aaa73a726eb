"""Patience of those who enqueue: an engine that does not answer is asked again for so long, and no longer."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from workhorse.core.errors import BrokerUnavailable

T = TypeVar("T")

FIRST, LONGEST = 0.05, 2.0
"""Seconds between tries while the engine does not answer."""


async def patiently(verb: Callable[[], Awaitable[T]], patience: float) -> T:
    """The verb's answer. BrokerUnavailable, its last, when so many seconds are over; a try under way is not cut short."""
    end, wait = time.monotonic() + patience, FIRST
    while True:
        try:
            return await verb()
        except BrokerUnavailable:
            pause = wait * random.uniform(0.5, 1)
            if time.monotonic() + pause >= end:
                raise
        await asyncio.sleep(pause)
        wait = min(wait * 2, LONGEST)
