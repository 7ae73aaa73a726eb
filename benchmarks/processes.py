"""What Linux says of a group of processes: processor time and memory, of children and children's children too."""

import os
import re
from collections.abc import Iterable
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")


def members(groups: set[int]) -> list[int]:
    """The processes of these process groups."""
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit() and _group(entry) in groups]


def family(ancestor: int) -> list[int]:
    """A process and all that descend from it: a server's children may have groups of their own."""
    parents = {int(entry.name): _parent(entry) for entry in Path("/proc").iterdir() if entry.name.isdigit()}
    found = [ancestor]
    for parent in found:
        found += [child for child, its in parents.items() if its == parent]
    return found


def processor_seconds(pids: Iterable[int]) -> float:
    """Used so far, with that of children that ended."""
    fields = [_fields(Path("/proc") / str(pid)) for pid in pids]
    return sum(sum(map(int, some[11:15])) for some in fields if some) / _TICK


def memory(groups: set[int], what: str = "VmHWM") -> float:
    """MiB: the peak of each process, summed up; VmRSS: what is resident now."""
    return sum(_kib(pid, what) for pid in members(groups)) / 1024


def _group(entry: Path) -> int:
    fields = _fields(entry)
    return int(fields[2]) if fields else -1


def _parent(entry: Path) -> int:
    fields = _fields(entry)
    return int(fields[1]) if fields else -1


def _fields(entry: Path) -> list[str]:
    """Of its stat, from the state on: the name before it may hold anything."""
    try:
        return (entry / "stat").read_text().rpartition(")")[2].split()
    except OSError:  # it ended meanwhile
        return []


def _kib(pid: int, what: str) -> int:
    try:
        found = re.search(rf"^{what}:\s+(\d+)", (Path("/proc") / str(pid) / "status").read_text(), re.MULTILINE)
    except OSError:
        return 0
    return int(found[1]) if found else 0
