"""Syncs: makes what is committed durable, in a thread of its own and outside of the write lock.

SQLite, told to sync (synchronous=full), does it at the commit, and holds the write lock and the desk for as long as the disk takes.
Here the commit is unsynced, the log is synced after it, and only then is the commit answered: one sync for all that was committed
before it, while others write. The log is a file of appended frames, so a sync of it covers every earlier commit, also of other
processes; a checkpoint syncs it by itself before it moves anything.
"""

import os
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any, Final

from workhorse.core.errors import EngineRefused

_datasync: Final[Callable[[int], None]] = getattr(os, "fdatasync", os.fsync)


class Syncs:
    """From `start` to `close`. `done` gets each batch whose commit is on the disk, or the error why nobody knows."""

    def __init__(self, log: str, done: Callable[[list[Any], BaseException | None], None]) -> None:
        self._log, self._done = log, done
        # no lock of SQLite's is on the log itself: a descriptor of our own may be closed without harm
        self._fd = os.open(log, os.O_RDWR | os.O_CLOEXEC)
        self._waiting: SimpleQueue[list[Any] | None] = SimpleQueue()
        self.failed: EngineRefused | None = None
        """Why nothing can be made durable any more."""
        self._thread = threading.Thread(target=self._serve, name="workhorse-syncs", daemon=True)

    def start(self) -> None:
        """Begin to sync what `add` brings."""
        self._thread.start()

    def add(self, committed: list[Any], *, alone: bool) -> None:
        """These are committed; from the thread that commits. What is alone it syncs by itself: nothing else waits, and a hand-over
        would take as long as the disk."""
        if alone:
            self._sync()
            self._done(committed, self.failed)
        else:
            self._waiting.put(committed)

    def close(self) -> None:
        """Sync and answer what waits; then let go of the log."""
        self._waiting.put(None)
        self._thread.join()
        self.disown()

    def disown(self) -> None:
        """Close the descriptor; in a forked child, which has no such thread, all that there is to do."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def _serve(self) -> None:
        while (first := self._waiting.get()) is not None:
            batch, more = list(first), True
            while more:
                try:
                    following = self._waiting.get_nowait()
                except Empty:
                    break
                more = following is not None
                batch += following or ()
            self._sync()
            self._done(batch, self.failed)
            if not more:
                return

    def _sync(self) -> None:
        """After a sync that failed, a later one may succeed without the bytes of the first (the system takes them for written): from
        then on all is refused, as databases do that have met this."""
        if self.failed is None:
            try:
                _datasync(self._fd)
            except OSError as error:
                self.failed = EngineRefused(
                    f"{self._log}: expected the disk to take what was written, got {error}; what was asked for last may or may not "
                    "be there. See to the disk, then start this process again: it recovers what is on it."
                )
