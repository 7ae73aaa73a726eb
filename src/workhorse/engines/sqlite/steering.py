"""Following a clock that is not the host's: a test moves it, and who waits by it must learn of that."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

from workhorse.core.clock import Clock

_PULSE: Final = 0.005
"""Seconds between two looks at a clock that tells nobody when it is moved."""


class Steering:
    """Calls back when the clock may have moved."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def follow(self, call: Callable[[], None]) -> Callable[[], None]:
        """From now on, from any thread; what is returned ends it."""
        listen: Any = getattr(self._clock, "on_advance", None)
        if listen is not None:
            end: Callable[[], None] = listen(call)
            return end
        return _Pulse(asyncio.get_running_loop(), call).end


class _Pulse:
    def __init__(self, loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
        self._loop, self._call = loop, call
        self._timer = loop.call_later(_PULSE, self._beat)

    def end(self) -> None:
        self._timer.cancel()

    def _beat(self) -> None:
        self._timer = self._loop.call_later(_PULSE, self._beat)
        self._call()
