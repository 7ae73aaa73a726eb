"""A process' journal: JSON lines in a file of its own, one write a batch, so that a kill tears at most the last line."""

import os
import time
from collections.abc import Collection, Iterator
from itertools import zip_longest
from pathlib import Path
from threading import Lock

import msgspec

from account import Record

TURN = 20_000
"""Records in one file, about; then the next begins, so that who reads along may delete what is read."""

_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Record).decode


def now() -> float:
    """Seconds by a clock that no jump of the wall clock touches, the same in all processes of a machine."""
    return time.clock_gettime(_CLOCK)


class Journal:
    """Where one life of a process, `who`, writes; also from several threads, and from a fork's or a pool's child."""

    def __init__(self, folder: Path, who: str) -> None:
        self.who = who
        self._folder, self._lock = folder, Lock()
        self._pid, self._turn, self._written, self._file = 0, 0, 0, -1

    def note(self, *records: Record) -> None:
        """Write them down; they are on record when this returns, whatever becomes of the process."""
        if not records:
            return
        text = b"".join(_encode(record) + b"\n" for record in records)
        with self._lock:
            os.write(self._open(len(records)), text)

    def _open(self, more: int) -> int:
        if self._pid != os.getpid() or self._written > TURN:
            if self._pid == os.getpid():
                os.close(self._file)
            self._turn, self._pid, self._written = self._turn + 1, os.getpid(), 0
            path = self._folder / f"{self.who}.{self._pid}.{self._turn:04}.jsonl"
            self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        self._written += more
        return self._file


class Reader:
    """Reads all journals of a folder, each line once, while they are being written."""

    def __init__(self, folder: Path, whose: str = "*") -> None:
        self._folder, self._whose = folder, f"{whose}.jsonl"
        self._read: dict[Path, int] = {}

    def more(self) -> Iterator[Record]:
        """What came since the last time; what a kill tore, or is being written, is left."""
        for path in sorted(self._folder.glob(self._whose)):
            with path.open("rb") as file:
                file.seek(self._read.get(path, 0))
                text = file.read()
            whole = text.rfind(b"\n") + 1
            self._read[path] = self._read.get(path, 0) + whole
            yield from map(_decode, text[:whole].splitlines())

    def forget(self, living: Collection[str]) -> None:
        """Delete what is read and will not be written to any more: all but the last file of each process that lives."""
        paths = sorted(self._read)
        for path, following in zip_longest(paths, paths[1:]):
            last = following is None or path.name.split(".")[:2] != following.name.split(".")[:2]
            if not last or path.name.split(".")[0] not in living:
                path.unlink(missing_ok=True)
                del self._read[path]


def wrote(folder: Path, who: str) -> bool:
    """Whether this process has written anything yet: a worker has when it claims."""
    return next(folder.glob(f"{who}.*.jsonl"), None) is not None
