"""Where rounds are played: the processes, the place of the data, and what can be done to them on this machine."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from ledger import KEPT, disk
from ledger.crew import Crew
from ledger.disk import Disk
from ledger.journal import Journal
from ledger.office import Office
from servers import wallclock
from servers.wallclock import WallClock


@dataclass(frozen=True)
class Stage:
    """`missing`: the faults that cannot be had here, and why."""

    folder: Path
    data: Path
    crew: Crew
    office: Office
    journal: Journal
    disk: Disk | None
    clock: WallClock | None
    missing: list[str]


@contextmanager
def stage(folder: Path, *, mib: int = 0) -> Iterator[Stage]:
    """All processes are gone after the block, and the small disk of so many MiB (0: none), if there was one."""
    missing = [why for why in (wallclock.missing(), disk.missing() if mib else "") if why]
    with ExitStack() as stack:
        small = stack.enter_context(disk.mounted(folder / "disk", mib)) if mib and not disk.missing() else None
        clock = None if wallclock.missing() else WallClock(folder)
        data = (folder if small is None else small.folder) / "jobs.db"
        url = f"sqlite:///{data}"
        office = Office(url, KEPT)
        stack.callback(office.close)
        crew = Crew(folder, url, {} if clock is None else clock.environment)
        stack.callback(crew.close)
        yield Stage(folder, data, crew, office, Journal(crew.journals, "nemesis"), small, clock, missing)
