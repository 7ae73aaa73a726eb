"""`workhorse migrate`: what is missing is printed, told by the exit code, or applied."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from shell import Shell, shells


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    yield from shells(tmp_path, monkeypatch)


def on(shell: Shell, *arguments: str) -> None:
    """Make the app on this URL, and with these arguments."""
    path = shell.folder / f"{shell.spec.partition(':')[0]}.py"
    path.write_text(path.read_text().replace('Workhorse("sqlite:///jobs.db"', f"Workhorse({', '.join(arguments)}"))


def test_a_new_file_lacks_everything_until_it_is_applied(shell: Shell) -> None:
    said = shell.run("migrate", "APP", exit=1).stdout
    assert "jobs.db: schema 0 of 1; missing" in said
    assert not (shell.folder / "jobs.db").exists()
    assert "create table workhorse_jobs" in shell.run("migrate", "APP", "print").stdout
    assert not (shell.folder / "jobs.db").exists()
    assert "applied: 0001_first" in shell.run("migrate", "APP", "apply").stdout
    assert "schema 1, nothing is missing" in shell.run("migrate", "APP", "check").stdout
    assert shell.run("migrate", "APP", "print").stdout == ""


def test_programs_get_versions_and_steps(shell: Shell) -> None:
    ((told),) = shell.json("migrate", "APP", exit=1)
    assert (told["schema"], told["newest"], [step["name"] for step in told["steps"]]) == (0, 1, ["0001_first"])
    shell.run("migrate", "APP", "apply")
    assert shell.json("migrate", "APP")[0]["steps"] == []


def test_the_store_is_migrated_as_well(shell: Shell) -> None:
    on(shell, '"sqlite:///jobs.db"', 'store="sqlite:///facts.db"')
    said = shell.run("migrate", "APP", "apply").stdout
    assert "jobs.db" in said
    assert "facts.db" in said
    assert (shell.folder / "facts.db").exists()


def test_a_file_of_a_newer_release_is_refused_and_not_touched(shell: Shell) -> None:
    import sqlite3

    shell.run("migrate", "APP", "apply")
    with sqlite3.connect("jobs.db") as con:
        con.execute("update workhorse_counters set value = 99 where name = 'schema'")
    con.close()
    assert "expected schema 1 or older, got 99" in shell.run("migrate", "APP", exit=1).stderr


def test_an_engine_without_tables_says_so(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    from workhorse.engines import SCHEMES

    monkeypatch.setitem(SCHEMES, "bare", "bare_engine:bare")
    on(shell, '"bare://jobs"')
    assert "this engine has no tables to migrate" in shell.run("migrate", "APP").stdout
    assert shell.json("migrate", "APP") == []


def test_a_store_in_memory_is_always_new(shell: Shell) -> None:
    on(shell, '"memory://jobs"')
    assert "nothing is missing" in shell.run("migrate", "APP").stdout
