"""How a long run weighs on the machine: memory of a worker that nothing is done to, size of the data and of its log."""

import os
import statistics
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

EVERY = 1.0


class Vitals:
    """Looks once a second, from a thread of its own."""

    def __init__(self, sizes: Callable[[], tuple[int, int]]) -> None:
        self._sizes = sizes
        self._stop = threading.Event()
        self.memory: list[int] = []
        self.data: list[int] = []
        self.log: list[int] = []

    def watch(self, pid: int) -> None:
        """Begin, with this process."""
        self._thread = threading.Thread(target=self._look, args=(Path(f"/proc/{pid}/statm"),), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """No more."""
        self._stop.set()
        self._thread.join()

    def _look(self, statm: Path) -> None:
        while not self._stop.wait(EVERY):
            try:
                self.memory.append(int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE"))
            except OSError:
                pass  # no /proc here, or the process has gone
            with suppress(Exception):  # a server that is away
                data, log = self._sizes()
                self.data.append(data)
                self.log.append(log)


def course(sizes: Sequence[int]) -> str:
    """First, middle, last and most, in MB; the first is the median of the first tenth, and so on: one look is chance."""
    if not sizes:
        return "not known here"
    tenth = max(1, len(sizes) // 10)
    middle = len(sizes) // 2
    parts = (sizes[:tenth], sizes[middle : middle + tenth], sizes[-tenth:])
    first, half, last = (f"{statistics.median(part) / 1e6:.1f}" for part in parts)
    return f"{first} at first, {half} half way, {last} at last, {max(sizes) / 1e6:.1f} at most"
