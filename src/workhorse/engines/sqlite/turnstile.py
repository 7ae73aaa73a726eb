"""A turnstile before the write lock: two file locks make a queue of it.

SQLite's own waiting is a lottery that whoever commits back to back wins.
It is flock(2), one descriptor a connection: POSIX record locks do not hold two connections of one process apart.
"""

import os
from typing import Any, Final

fcntl: Any
try:
    import fcntl
except ImportError:  # Windows: the lottery it is
    fcntl = None

NEXT: Final = "-lock1"
MAIN: Final = "-lock2"
"""Added to the database's name. The files stay: deleting a lock that somebody waits for splits the queue."""


class Turnstile:
    """Taken around each write transaction by every Workhorse process on the file."""

    def __init__(self, file: str) -> None:
        self._fds: tuple[int, int] | None = None
        if fcntl is not None:
            mode = os.stat(file).st_mode & 0o666 if os.path.exists(file) else 0o666
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
            self._fds = os.open(file + NEXT, flags, mode), os.open(file + MAIN, flags, mode)

    def enter(self) -> None:
        """Wait for the turn."""
        if self._fds is None:
            return
        ahead, main = self._fds
        try:
            fcntl.flock(ahead, fcntl.LOCK_EX)
            try:
                fcntl.flock(main, fcntl.LOCK_EX)
            finally:
                fcntl.flock(ahead, fcntl.LOCK_UN)
        except OSError:  # a file system without locks: go without
            self.close()

    def leave(self) -> None:
        """After the commit."""
        if self._fds is not None:
            fcntl.flock(self._fds[1], fcntl.LOCK_UN)

    def turns(self) -> int:
        """How many commits of ours the file has seen."""
        return int.from_bytes(os.pread(self._fds[0], 8, 0), "little") if self._fds is not None else 0

    def count(self) -> int:
        """One more; only inside a turn."""
        turns = self.turns() + 1
        if self._fds is not None:
            _write(self._fds[0], turns.to_bytes(8, "little"))
        return turns

    def ring(self) -> None:
        """Something was committed that concerns others: touch the file that they watch."""
        if self._fds is not None:
            _write(self._fds[1], b".")

    def close(self) -> None:
        """Close the descriptors; in a forked child this leaves the parent's locks alone."""
        fds, self._fds = self._fds, None
        for fd in fds or ():
            os.close(fd)


def _write(fd: int, what: bytes) -> None:
    try:
        os.pwrite(fd, what, 0)
    except OSError:  # a full disk, after a commit that found room: others are late to hear of it, which is all
        pass
