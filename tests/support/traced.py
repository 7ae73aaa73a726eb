"""What a process asks of the system, as strace sees it: which files it wrote, which it synced, and what it said in between."""

import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

CALLS: Final = "write,pwrite64,writev,fsync,fdatasync,sendto"
_CALL: Final = re.compile(r"^(?P<pid>\d+) +(?P<name>\w+)\(\d+<(?P<file>[^>]*)>(?P<rest>.*)$")
_RESUMED: Final = re.compile(r"^(?P<pid>\d+) +<\.\.\. (?P<name>\w+) resumed>")


class Call(NamedTuple):
    """One that has come back, on a file; `text` is what follows the descriptor."""

    name: str
    file: str
    text: str


def missing() -> str:
    """Why nothing can be traced here; empty: it can."""
    return "" if shutil.which("strace") else "strace is not installed (scripts/services)"


def traced(script: str, arguments: Sequence[str], trace: Path) -> list[Call]:
    """Run the script; its calls in the order in which they came back, those of all its threads."""
    command = ["strace", "-f", "-y", "-e", f"trace={CALLS}", "-o", str(trace)]
    done = subprocess.run(
        [*command, sys.executable, "-c", script, *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return _calls(trace.read_text(errors="replace").splitlines())


def between(calls: Sequence[Call], first: str, last: str) -> list[Call]:
    """The calls after the write of one word, before that of another."""
    places = [
        n for word in (first, last) for n, call in enumerate(calls) if call.name == "write" and f'"{word}"' in call.text
    ]
    assert len(places) == 2, f"expected one write of {first} and one of {last}, got them at {places}"
    return list(calls[places[0] + 1 : places[1]])


def _calls(lines: Sequence[str]) -> list[Call]:
    calls: list[Call] = []
    unfinished: dict[str, Call] = {}
    for line in lines:
        if found := _CALL.match(line):
            call = Call(found["name"], found["file"], found["rest"])
            if line.endswith("<unfinished ...>"):
                unfinished[found["pid"]] = call
            else:
                calls.append(call)
        elif (found := _RESUMED.match(line)) and found["pid"] in unfinished:
            calls.append(unfinished.pop(found["pid"]))
    return calls
