"""Where the data of a run lies: how processes reach it, and what can be done to it beside what is done to them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from ledger.disk import Disk
from servers.wallclock import WallClock


class Blow(NamedTuple):
    """Something done to all at once, and taken back after so many seconds, from a least to a most."""

    begin: Callable[[], object]
    end: Callable[[], object] = lambda: None
    lasts: tuple[float, float] = (0, 0)
    excuses: bool = True
    """Whether a job may run again for it."""


@dataclass(frozen=True)
class Ground:
    """`url` for the processes, `office` for who looks on and nothing is done to; `clock` is the engine's; `environment` is for the
    processes; `sizes`: bytes of the data and of its log; `missing`: what cannot be done here, and why."""

    name: str
    url: str
    office: str
    version: str
    clock: WallClock | None
    sizes: Callable[[], tuple[int, int]]
    blows: Mapping[str, Blow]
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    missing: tuple[str, ...] = ()


FULL = (3.0, 3.0)
"""Seconds for which there is no room."""


def no_room(disk: Disk) -> Blow:
    """The disk is full."""
    return Blow(disk.fill, disk.free, FULL)


def size(path: Path) -> int:
    """Of a file, or of all files below."""
    total = 0
    for each in (path, *path.rglob("*")):
        try:
            total += each.stat().st_size if each.is_file() else 0
        except OSError:
            pass  # it has just gone
    return total
