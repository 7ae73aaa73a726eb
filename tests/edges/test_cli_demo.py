"""`workhorse demo`: every file is accounted for, though a worker is killed half way."""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from shell import Shell, shells
from workhorse.cli import demo_files
from workhorse.cli.demo_account import Account
from workhorse.cli.demo_files import files_of, measure, name_of, path_of, source_of_python

FILES = 240


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    yield from shells(tmp_path, monkeypatch)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Files that take a moment each, and three that are no Python."""
    made = tmp_path / "files"
    (made / ".hidden").mkdir(parents=True)
    (made / ".hidden" / "left_out.py").touch()
    for number in range(FILES):
        (made / f"file_{number}.py").write_text(f"x = [{number}]\n" * 3000)
    (made / "broken.py").write_text("def (:\n  '''")
    (made / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n\x00\xff")
    (made / "name with \u00fc and '.py").write_text("(")
    return made


def test_every_file_ends_done_or_dead_and_what_the_killed_worker_held_is_recovered(shell: Shell, folder: Path) -> None:
    demo = shell.start("demo", str(folder), "--json", "--db", str(shell.folder / "demo.db"), TMPDIR=str(shell.folder))
    said, _ = demo.communicate(timeout=100)
    assert demo.returncode == 0, said
    told = json.loads(said.splitlines()[-1])
    assert (told["files"], told["done"], len(told["dead"])) == (FILES + 3, FILES, 3)
    assert (told["lost"], told["wrong"]) == ([], [])
    assert told["killed"]["at"] >= FILES // 2
    assert told["killed"]["recovered"] == told["killed"]["held"] > 0
    assert len(told["killed"]["due_after"]) == told["killed"]["held"]
    assert max(told["killed"]["due_after"]) < 4.5, "a lease of 3 seconds, and no more"
    assert told["bytes"] == sum(path.stat().st_size for path in folder.glob("file_*.py"))
    assert told["lines"] == FILES * 3000
    assert all(letter["reason"] for letter in told["dead"])


def test_the_three_commands_that_it_prints_work_when_pasted(shell: Shell, folder: Path, tmp_path: Path) -> None:
    for path in folder.glob("file_*"):
        path.unlink()
    demo = shell.start("demo", str(folder), TMPDIR=str(shell.folder))
    said, _ = demo.communicate(timeout=100)
    assert demo.returncode == 0, said
    commands = [line.strip() for line in said.splitlines() if line.strip().startswith("WORKHORSE_URL=")]
    assert len(commands) == 3
    for command, expected in zip(commands, ("broken.py", "attempt 1", "demo"), strict=True):
        environment = {name: value for name, value in os.environ.items() if name != "WORKHORSE_URL"}
        done = subprocess.run(
            command, shell=True, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        if expected != "broken.py":
            assert expected in done.stdout
    assert shlex.split(commands[0])[0].startswith("WORKHORSE_URL=sqlite:////")


def test_a_folder_without_files_is_refused(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "which has none" in shell.run("demo", str(tmp_path / "empty"), exit=2).stderr


def test_a_folder_that_is_not_there_is_refused(shell: Shell) -> None:
    shell.run("demo", "no-such-folder", exit=2)


def test_one_database_takes_several_runs(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "a.py").write_text("x = 1\n")
    for _ in range(2):
        demo = shell.start("demo", str(tmp_path / "one"), "--json", "--db", "demo.db", TMPDIR=str(tmp_path))
        said, _ = demo.communicate(timeout=60)
        assert demo.returncode == 0, said
        told = json.loads(said.splitlines()[-1])
        assert (told["files"], told["done"], told["lost"]) == (1, 1, [])


def test_a_lost_job_or_a_wrong_result_is_not_passed_over() -> None:
    assert Account(1, done=1).honest
    assert not Account(1, lost=["a.py"]).honest
    assert not Account(1, done=1, wrong=["a.py"]).honest


def test_by_default_it_is_the_source_of_python_itself() -> None:
    files = source_of_python()
    assert len(files) > 500
    assert any(name.endswith("tokenize.py") for name in files)
    assert not any("site-packages" in name or "__pycache__" in name for name in files)


def test_a_file_is_measured(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_bytes(b"x = 1\n")
    found = measure(str(path))
    assert (found.size, found.lines, found.tokens) == (6, 1, 6)
    assert found.sha256 == "9e26bf369911c45c243c684147b23fc9e1dcfcf257d299a1c632016a6fcd33f4"


def test_the_broken_file_is_broken(tmp_path: Path) -> None:
    path = tmp_path / demo_files.BROKEN
    path.write_text(demo_files.BROKEN_TEXT)
    with pytest.raises(Exception, match=r"EOF|unterminated"):
        measure(str(path))


@pytest.mark.skipif(sys.platform == "darwin", reason="its file names are always Unicode")
def test_a_name_that_is_not_unicode_travels_too(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9 %41.py"))
    path.write_bytes(b"x = 1\n")
    name = name_of(path)
    name.encode()
    assert path_of(name) == str(path)
    assert measure(name).size == 6
    assert files_of(tmp_path) == [name]
