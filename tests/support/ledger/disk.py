"""A small disk in memory, mounted for as long as a block lasts, which a ballast fills and frees."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MIB = 1 << 20


def missing() -> str:
    """Why it cannot be had here; empty: it can."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        return "a full disk needs Linux and root, to mount a small one"
    return "" if shutil.which("mount") else "a full disk needs the command mount"


class Disk:
    """The folder of a small disk."""

    def __init__(self, folder: Path) -> None:
        self.folder, self._ballast = folder, folder / "ballast"

    def fill(self) -> None:
        """To the last byte."""
        with self._ballast.open("wb", buffering=0) as ballast:
            for size in (MIB, 4096, 1):
                _write_all(ballast.fileno(), bytes(size))

    def free(self) -> None:
        """Take the ballast away."""
        self._ballast.unlink(missing_ok=True)


@contextmanager
def mounted(folder: Path, mib: int) -> Iterator[Disk]:
    """Unmounted at the end, whatever happens; those who use it must be gone by then."""
    folder.mkdir()
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={mib}m", "tmpfs", str(folder)], check=True, capture_output=True
    )
    try:
        yield Disk(folder)
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True, capture_output=True)


def _write_all(file: int, block: bytes) -> None:
    try:
        while os.write(file, block):
            pass
    except OSError:
        return  # full
