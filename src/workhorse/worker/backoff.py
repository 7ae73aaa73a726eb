"""Patience with an engine that does not answer: tries again with growing, jittered waits, and tells the bus once."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from workhorse.core.errors import BrokerUnavailable
from workhorse.core.happenings import BrokerBack, BrokerLost
from workhorse.core.instrument import Bus

T = TypeVar("T")

FIRST, LONGEST = 0.05, 5.0


class Backoff:
    """For one worker; `lost_since` is when the engine last stopped answering, by the monotonic clock."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._asked: dict[str, float] = {}
        self._pause = FIRST
        self.lost_since: float | None = None

    async def keep_trying(self, doing: str, verb: Callable[[], Awaitable[T]], give_up: Callable[[], bool]) -> T | None:
        """The verb's answer; None once `give_up` says so while the engine is away."""
        wait = FIRST
        while True:
            self._asked[doing] = time.monotonic()
            try:
                answer = await verb()
            except BrokerUnavailable as error:
                self._lost(doing, error)
            else:
                self._back()
                return answer
            finally:
                del self._asked[doing]
            if give_up():
                return None
            await asyncio.sleep(wait * random.uniform(0.5, 1))
            wait = min(wait * 2, LONGEST)

    @property
    def unanswered_for(self) -> float:
        """Seconds since the oldest question that has neither an answer nor an error yet."""
        return max((time.monotonic() - asked for asked in tuple(self._asked.values())), default=0.0)

    async def once(self, doing: str, verb: Callable[[], Awaitable[object]]) -> None:
        """For a verb that may take long: who calls it proves with the next one that the engine is back."""
        try:
            await verb()
        except BrokerUnavailable as error:
            self._lost(doing, error)
            await asyncio.sleep(self._pause * random.uniform(0.5, 1))
            self._pause = min(self._pause * 2, LONGEST)
        else:
            self._pause = FIRST

    def _lost(self, doing: str, error: BrokerUnavailable) -> None:
        if self.lost_since is None:
            self.lost_since = time.monotonic()
            self._bus.say(BrokerLost(doing, str(error)))

    def _back(self) -> None:
        if self.lost_since is not None:
            seconds, self.lost_since = time.monotonic() - self.lost_since, None
            self._bus.say(BrokerBack(seconds))
