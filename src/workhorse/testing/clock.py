"""A clock that moves when told, so that a test of an hour takes no time."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

_START = datetime(2030, 1, 1, tzinfo=UTC)


class ManualClock:
    """A clock that moves when told; thread-safe. It can stand wherever Workhorse takes a `Clock`.

    `start` is an aware datetime; by default the first moment of 2030, so that runs are alike.
    """

    def __init__(self, start: datetime | None = None) -> None:
        start = _START if start is None else start
        if start.tzinfo is None:
            raise ValueError(f"start: expected a datetime with a time zone, got {start!r}; add tzinfo=UTC")
        self._lock = threading.Lock()
        self._seconds = start.timestamp()
        self._listeners: list[Callable[[], object]] = []

    def now(self) -> datetime:
        """The moment it shows, in UTC."""
        return datetime.fromtimestamp(self.time(), UTC)

    def time(self) -> float:
        """The moment it shows, in seconds since the epoch."""
        with self._lock:
            return self._seconds

    def advance(self, duration: float | timedelta) -> None:
        """Move it by so many seconds or a timedelta, then tell who listens. ValueError for a step back."""
        seconds = duration.total_seconds() if isinstance(duration, timedelta) else float(duration)
        if not 0 <= seconds < float("inf"):
            raise ValueError(f"duration: expected seconds of 0 or more, got {duration!r}")
        with self._lock:
            self._seconds += seconds
            listeners = tuple(self._listeners)
        # Outside the lock: a listener may well ask what time it is.
        for listener in listeners:
            listener()

    async def sleep(self, seconds: float) -> None:
        """Let so much time pass: the clock moves, nobody waits."""
        self.advance(seconds)

    def on_advance(self, callback: Callable[[], object]) -> Callable[[], None]:
        """Call it, in the thread that moves the clock, after each move; what is returned ends that. Ending it twice is fine."""

        def end() -> None:
            with self._lock:
                self._listeners = [each for each in self._listeners if each is not entry]

        entry = _Listener(callback)
        with self._lock:
            self._listeners.append(entry)
        return end


class _Listener:
    """One subscription: the same callback may subscribe twice, and each ends by itself."""

    __slots__ = ("_callback",)

    def __init__(self, callback: Callable[[], object]) -> None:
        self._callback = callback

    def __call__(self) -> None:
        self._callback()
