"""Asks a store again until it answers: a saga's code that is told of a blip fails for it, or goes where no replay follows."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from workhorse.core.errors import BrokerUnavailable, EngineRefused

T = TypeVar("T")

PAUSE: Final = 1.0
"""Seconds between tries while the store does not answer."""


async def answered(ask: Callable[[], Awaitable[T]]) -> T:
    """What it says at last."""
    while True:
        try:
            return await ask()
        except (BrokerUnavailable, EngineRefused):
            await asyncio.sleep(PAUSE)
