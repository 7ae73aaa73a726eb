"""The nemesis' tools do what they say: a clock that jumps for children only, a disk that is full, a fuse."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from account import Fault
from ledger import disk
from ledger.journal import TURN, Journal, Reader
from servers import wallclock
from servers.wallclock import WallClock

CLOCKS = (
    "import sqlite3, sys, time\n"
    "for _ in sys.stdin:\n"
    "    (seen,) = sqlite3.connect(':memory:').execute(\"select strftime('%s')\").fetchone()\n"
    "    print(time.time(), time.time_ns() / 1e9, seen, time.monotonic(), time.clock_gettime(time.CLOCK_BOOTTIME), flush=True)\n"
)
FUSED = """
import asyncio, sys
from pathlib import Path
from ledger.journal import Journal
from ledger.watched import Fuse

async def main(folder, setting):
    fuse = Fuse(Journal(Path(folder), "w1"), setting)
    for number in range(3):
        await fuse.over(asyncio.sleep(0))
        print(number, flush=True)

asyncio.run(main(*sys.argv[1:]))
"""
SUPPORT = str(Path(__file__).parents[1] / "support")


@pytest.mark.skipif(bool(wallclock.missing()), reason=wallclock.missing())
def test_the_wall_clock_of_a_child_jumps_both_ways_and_no_other_clock_does(tmp_path: Path) -> None:
    clock = WallClock(tmp_path)
    environment = {**os.environ, **clock.environment}
    command = [sys.executable, "-c", CLOCKS]
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        for offset in (0, 3600, -3600):
            clock.set(offset)
            child.stdin.write("\n")
            child.stdin.flush()
            *walls, monotonic, boot = map(float, child.stdout.readline().split())
            assert [round((wall - time.time()) / 3600) for wall in walls] == [offset // 3600] * 3
            assert abs(monotonic - time.monotonic()) < 60
            assert abs(boot - time.clock_gettime(time.CLOCK_BOOTTIME)) < 60
        child.stdin.close()


@pytest.mark.skipif(bool(wallclock.missing()), reason=wallclock.missing())
def test_the_wall_clock_of_a_child_stands_still_but_for_jumps(tmp_path: Path) -> None:
    clock = WallClock(tmp_path)
    command = [sys.executable, "-c", "import sys, time\nfor _ in sys.stdin: print(time.time_ns(), flush=True)"]
    environment = {**os.environ, **clock.environment}
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdin is not None
        assert child.stdout is not None

        def seen() -> int:
            child.stdin.write("\n")  # type: ignore[union-attr]
            child.stdin.flush()  # type: ignore[union-attr]
            return int(child.stdout.readline())  # type: ignore[union-attr]

        clock.stop()
        first = seen()
        assert seen() == first
        clock.move(1.5)
        assert seen() == first + 1_500_000_000
        child.stdin.close()


@pytest.mark.skipif(bool(disk.missing()), reason=disk.missing())
def test_a_small_disk_is_full_to_the_last_byte_until_it_is_freed(tmp_path: Path) -> None:
    with disk.mounted(tmp_path / "disk", 2) as small:
        file = small.folder / "file"
        small.fill()
        with pytest.raises(OSError, match="No space left"):
            file.write_bytes(b"some")
        small.free()
        assert file.write_bytes(bytes(4096)) == 4096
    assert not file.exists()


@pytest.mark.parametrize(("setting", "survived"), [("2:before", "0\n"), ("3:after", "0\n1\n"), ("", "0\n1\n2\n")])
def test_a_fuse_kills_its_process_at_its_verb_and_leaves_word(setting: str, survived: str, tmp_path: Path) -> None:
    command = [sys.executable, "-c", FUSED, str(tmp_path), setting]
    done = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": SUPPORT}, capture_output=True, text=True, check=False
    )
    faults = [record for record in Reader(tmp_path).more() if isinstance(record, Fault)]
    assert (done.stdout, done.returncode) == (survived, -9 if setting else 0)
    assert [(it.kind, it.victim) for it in faults] == ([("kill", "w1")] if setting else [])


def test_a_journal_is_read_once_and_a_torn_line_is_left(tmp_path: Path) -> None:
    journal, reader = Journal(tmp_path, "w1"), Reader(tmp_path)
    fault = Fault(at=1, who="w1", kind="kill", victim="w1", begins=1, ends=2)
    journal.note(fault, fault)
    with next(tmp_path.glob("w1.*")).open("ab") as file:
        file.write(b'{"is":"Fau')
    assert list(reader.more()) == [fault, fault]
    assert list(reader.more()) == []


def test_journals_that_are_read_go_but_for_the_last_of_who_lives(tmp_path: Path) -> None:
    fault = Fault(at=1, who="w1", kind="kill", victim="w1", begins=1, ends=2)
    long, dead, reader = Journal(tmp_path, "w1"), Journal(tmp_path, "w2"), Reader(tmp_path)
    dead.note(fault)
    long.note(*[fault] * (TURN + 1))
    long.note(fault)
    assert len(list(reader.more())) == TURN + 3
    reader.forget({"w1"})
    assert [path.name.split(".")[0::2] for path in tmp_path.iterdir()] == [["w1", "0002"]]
    long.note(fault)
    assert list(reader.more()) == [fault]
