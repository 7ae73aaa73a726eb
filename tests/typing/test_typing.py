"""The typed surface, held by its uses: `*_good.py` and `*_bad.py` beside this file, under mypy and pyright, both strict.

Each line marked `# E:` is rejected by both checkers, and no other line by either. The package is seen as installed.
"""

import json
import os
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
FILES = sorted(path.name for path in HERE.glob("*_*.py") if path.stem.endswith(("_good", "_bad")))

Lines = dict[str, set[int]]


@cache
def mypy() -> Lines:
    answer = run("mypy", "--strict", "--cache-dir", os.devnull, "--no-error-summary", "--hide-error-context", *FILES)
    return by_file((file, int(line)) for file, line in re.findall(r"^(\S+?):(\d+): error:", answer, re.MULTILINE))


@cache
def pyright() -> Lines:
    answer = json.loads(run("pyright", "--outputjson", "--pythonpath", sys.executable, *FILES))
    return by_file(
        (Path(found["file"]).name, found["range"]["start"]["line"] + 1)
        for found in answer["generalDiagnostics"]
        if found["severity"] == "error"
    )


def by_file(found: Iterable[tuple[str, int]]) -> Lines:
    lines: Lines = defaultdict(set)
    for file, line in found:
        lines[file].add(line)
    return lines


def run(module: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments], cwd=HERE, capture_output=True, text=True, check=False
    )
    assert done.returncode in (0, 1), f"{module}: {done.stdout}{done.stderr}"
    return done.stdout


def marked(file: str) -> set[int]:
    lines = (HERE / file).read_text().splitlines()
    return {number for number, line in enumerate(lines, 1) if "# E: " in line}


@pytest.mark.parametrize("checker", [mypy, pyright], ids=["mypy", "pyright"])
@pytest.mark.parametrize("file", FILES)
def test_right_uses_are_accepted_and_wrong_ones_rejected(file: str, checker: Callable[[], Lines]) -> None:
    found, expected = checker()[file], marked(file)
    assert sorted(found - expected) == [], "rejected, and should not be"
    assert sorted(expected - found) == [], "accepted, and should not be"


def test_every_section_has_both_and_only_the_bad_ones_are_marked() -> None:
    assert {file.removesuffix("_good.py") for file in FILES if file.endswith("_good.py")} == {
        file.removesuffix("_bad.py") for file in FILES if file.endswith("_bad.py")
    }
    assert [file for file in FILES if bool(marked(file)) != file.endswith("_bad.py")] == []
