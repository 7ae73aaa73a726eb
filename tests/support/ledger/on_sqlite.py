"""A file, on a small disk or not; its clock is that of its processes."""

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ledger import disk
from ledger.ground import Ground, no_room, size
from servers import wallclock
from servers.wallclock import WallClock


@contextmanager
def ground(folder: Path, mib: int) -> Iterator[Ground]:
    """`mib`: of the small disk; 0: there is none."""
    missing = [why for why in (wallclock.missing(), disk.missing() if mib else "") if why]
    with ExitStack() as stack:
        small = stack.enter_context(disk.mounted(folder / "disk", mib)) if mib and not disk.missing() else None
        clock = None if wallclock.missing() else WallClock(folder)
        data = (folder if small is None else small.folder) / "jobs.db"
        url, log = f"sqlite:///{data}", data.with_name(data.name + "-wal")
        yield Ground(
            "SQLite", url, url, f"SQLite {sqlite3.sqlite_version}", clock, lambda: (size(data), size(log)),
            {} if small is None else {"disk full": no_room(small)},
            {} if clock is None else clock.environment, tuple(missing),
        )  # fmt: skip
