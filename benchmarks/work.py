"""The job that everybody runs, and the gate before it. Imported in every peer's environment: standard library only."""

import os
import struct
import time
from pathlib import Path

PAYLOAD = {"user_id": 1, "note": "x" * 50}
RECORD = struct.Struct("dd")
URL = os.environ.get("BENCH_URL", "")
"""Of the database; for SQLite, of a file that only ours uses."""

FOLDER = Path(os.environ.get("BENCH_FOLDER", "."))
"""Where a peer without a server keeps its database."""

POLL = 0.005
"""Seconds between looks of a peer that polls: its best latency, short of a busy loop."""

_TICKS = os.environ.get("BENCH_TICKS", os.devnull)
_PAUSE = float(os.environ.get("BENCH_PAUSE", "0"))
_file: int | None = None


def run(enqueued: float = 0.0) -> None:
    """One line in the book: 16 bytes, whole even when many processes append."""
    global _file
    if _file is None:
        _file = os.open(_TICKS, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    begun = time.monotonic()
    if _PAUSE:
        time.sleep(_PAUSE)
    os.write(_file, RECORD.pack(begun, enqueued))


def gate() -> None:
    """Say that this worker has imported everything, and wait for the others; no gate, no wait."""
    folder = os.environ.get("BENCH_GATE")
    if folder is None:
        return
    (Path(folder) / f"ready-{os.getpid()}").touch()
    while not (Path(folder) / "go").exists():
        time.sleep(0.005)
