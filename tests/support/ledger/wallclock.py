"""A wall clock that jumps, for child processes only: a library that they preload, and a file with the seconds to add."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).with_name("wallclock.c")


def missing() -> str:
    """Why it cannot be had here; empty: it can."""
    if not sys.platform.startswith("linux"):
        return "the wall clock is moved on Linux only"
    return "" if shutil.which("cc") else "moving the wall clock needs a C compiler: cc"


class WallClock:
    """Built in a folder; `environment` goes to those who shall see it."""

    def __init__(self, folder: Path) -> None:
        library, self._file = folder / "wallclock.so", folder / "wallclock"
        command = ["cc", "-O2", "-shared", "-fPIC", "-o", str(library), str(SOURCE), "-ldl"]
        subprocess.run(command, check=True, capture_output=True)
        self.environment = {"LD_PRELOAD": str(library), "WALLCLOCK_FILE": str(self._file)}
        self.furthest = self.offset = 0
        self.set(0)

    def set(self, offset: int) -> None:
        """Let it be so many seconds ahead, for all at once."""
        new = self._file.with_suffix(".new")
        new.write_text(str(offset))
        os.replace(new, self._file)  # a file that is half written would be another time
        self.offset, self.furthest = offset, max(self.furthest, offset)
