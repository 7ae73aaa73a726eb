"""Signals that stop a worker, for as long as it runs; before and after, they are who they were."""

import asyncio
import signal
import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any

DEFAULT = (signal.SIGINT, signal.SIGTERM)


class Signals:
    """`None` means SIGINT and SIGTERM, an empty list none. Outside of the main thread, where Python allows no handlers,
    the default sets none."""

    def __init__(self, numbers: Sequence[int] | None, stop: Callable[[], None]) -> None:
        here = threading.current_thread() is threading.main_thread()
        self._numbers = (DEFAULT if here else ()) if numbers is None else numbers
        self._stop = stop
        self._before: dict[int, Any] = {}

    def __enter__(self) -> None:
        loop = asyncio.get_running_loop()
        for number in self._numbers:
            self._before[number] = signal.getsignal(number)
            try:
                loop.add_signal_handler(number, self._stop)
            except NotImplementedError:  # Windows
                signal.signal(number, self._stopped)

    def _stopped(self, number: int, frame: object) -> None:
        self._stop()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        loop = asyncio.get_running_loop()
        for number, before in self._before.items():
            try:
                loop.remove_signal_handler(number)
            except NotImplementedError:
                pass
            signal.signal(number, signal.SIG_DFL if before is None else before)
