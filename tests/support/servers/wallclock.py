"""A wall clock that jumps, for child processes only: a library that they preload, and a file with what is to be added."""

import shutil
import struct
import subprocess
import sys
import time
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

SOURCE = Path(__file__).with_name("wallclock.c")


def missing() -> str:
    """Why it cannot be had here; empty: it can."""
    if not sys.platform.startswith("linux"):
        return "the wall clock is moved on Linux only"
    return "" if shutil.which("cc") else "moving the wall clock needs a C compiler: cc"


class WallClock:
    """In a folder; `environment` goes to those who shall see it, whatever user they run as."""

    def __init__(self, folder: Path) -> None:
        library, self._file = folder / "wallclock.so", folder / "wallclock"
        library.write_bytes(_built())
        self.environment = {"LD_PRELOAD": str(library), "WALLCLOCK_FILE": str(self._file)}
        self.furthest = self.offset = 0.0
        self._file.write_bytes(bytes(16))

    def set(self, offset: float) -> None:
        """Let it be so many seconds ahead (negative: behind) of the machine's, for all at once."""
        self._write(0, round(offset * 1e9))
        self.offset, self.furthest = offset, max(self.furthest, offset)

    def move(self, seconds: float) -> None:
        """Let it jump, forward or (negative) back, from where it is."""
        self.set(self.offset + seconds)

    def stop(self) -> None:
        """Let it stand still where it is, but for jumps."""
        self._write(8, time.time_ns())

    def _write(self, place: int, number: int) -> None:
        """Eight bytes in one write: never half of a time."""
        with self._file.open("r+b", buffering=0) as file:
            file.seek(place)
            file.write(struct.pack("=q", number))


@cache
def _built() -> bytes:
    """The library, built once a session."""
    with TemporaryDirectory() as folder:
        library = Path(folder, "wallclock.so")
        command = ["cc", "-O2", "-shared", "-fPIC", "-o", str(library), str(SOURCE), "-ldl"]
        subprocess.run(command, check=True, capture_output=True)
        return library.read_bytes()
