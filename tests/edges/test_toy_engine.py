"""A third party's engine: a package of its own that is installed, found by its URL, and passes what it promises."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TOY = Path(__file__).parents[2] / "examples" / "toy_engine"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package as it is installed, its app and its tests beside it."""
    folder = tmp_path_factory.mktemp("toy")
    copy = folder / "package"
    shutil.copytree(TOY, copy, ignore=shutil.ignore_patterns("__pycache__"))
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*pip, "--target", str(folder / "site"), str(copy)], check=True, capture_output=True, timeout=120)
    for name in ("letters.py", "test_toy.py"):
        shutil.copy(TOY / name, folder)
    return folder


def said(installed: Path, *words: str, site: bool = True) -> str:
    environment = {key: value for key, value in os.environ.items() if key != "CI"}
    if site:
        environment["PYTHONPATH"] = str(installed / "site")
    command = [sys.executable, *words]
    done = subprocess.run(
        command, cwd=installed, env=environment, capture_output=True, text=True, timeout=110, check=False
    )
    return done.stdout + done.stderr


def test_an_app_runs_on_its_url(installed: Path) -> None:
    lines = said(installed, "letters.py").splitlines()
    assert lines[-2:] == [
        "Counts(succeeded=3, retried=1, released=0, dead=0, cancelled=0)",
        "['early', 'late', 'late', 'thick']",
    ]


def test_it_passes_the_conformance_suite_and_what_it_does_not_promise_is_skipped_by_name(installed: Path) -> None:
    told = said(installed, "-m", "workhorse.testing.conformance", "test_toy.py", "-p", "no:cacheprovider")
    assert (counts := re.search(r"^all +(\d+) passed, (\d+) skipped$", told, re.MULTILINE)), told[-3000:]
    assert int(counts[1]) > 200
    reasons = set(re.findall(r"^skipped: Toy .* not promised: (\w+)", told, re.MULTILINE))
    assert reasons == {"store", "inspectable", "lanes", "unique", "statements", "remembers"}


def test_its_url_names_nothing_where_it_is_not_installed(installed: Path) -> None:
    assert "expected a scheme of" in said(installed, "letters.py", site=False).splitlines()[-1]


def test_its_types_are_those_of_the_contract(installed: Path) -> None:
    command = [sys.executable, "-m", "mypy", "--strict", "--no-incremental", "package/workhorse_toy"]
    checked = subprocess.run(command, cwd=installed, capture_output=True, text=True, timeout=110, check=False)
    assert checked.returncode == 0, checked.stdout
