"""`workhorse spool`: what waits, seen without the engine; sent on, put back, dropped."""

import asyncio
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from shell import Shell, shells
from waiting import until
from workhorse.cli import spooled
from workhorse.cli.finding import find_app
from workhorse.durable.spool.log import Refused

NOWHERE = "redis://127.0.0.1:9"
HERE = "sqlite:///jobs.db"


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    """Of an app whose engine is away."""
    for shell in shells(tmp_path, monkeypatch):
        moved(shell, f'"{HERE}", name="shop"', f'"{NOWHERE}", name="shop", spool="spool.db", enqueue_timeout=1')
        yield shell


def moved(shell: Shell, before: str = NOWHERE, after: str = HERE) -> None:
    """The app's engine is another: there is one."""
    path = shell.folder / f"{shell.spec.partition(':')[0]}.py"
    path.write_text(path.read_text().replace(before, after))
    shell.forget()


def filled(shell: Shell, count: int = 3) -> list[str]:
    return [shell.enqueue("resize", f"{n}.png") for n in range(count)]


def refuse(shell: Shell) -> None:
    """Put aside the first that waits."""

    async def act() -> None:
        async with spooled.opened(find_app(shell.spec)) as log:
            (first, *_) = await log.page()
            await log.refuse([Refused(first.batch.jobs[0], "too large", first.batch.at)])
            await log.remove([first])

    asyncio.run(act())


def test_an_enqueue_goes_to_the_spool_and_status_tells_of_it(shell: Shell) -> None:
    filled(shell)
    told = shell.json("spool", "APP", "status")
    assert (told["spool"], told["engine"], told["limit"]) == ("sqlite:///spool.db", NOWHERE, 1_000_000)
    assert (told["waiting"], told["refused"]) == (3, 0)
    assert 0 <= told["oldest"] < 60
    assert "no connection" in told["error"]
    shown = shell.run("spool", "APP", "status").stdout
    assert "3 of 1,000,000" in shown
    assert "no connection" in shown


def test_it_lists_in_the_order_in_which_jobs_go(shell: Shell) -> None:
    ids = filled(shell)
    told = shell.json("spool", "APP", "--limit", "2")
    assert [each["id"] for each in told] == ids[:2]
    assert told[0].keys() == {"id", "task", "queue", "came"}
    assert ids[2] in shell.run("spool", "APP").stdout
    assert "none" in shell.run("spool", "APP", "--refused").stdout


def test_run_sends_on_what_waits(shell: Shell) -> None:
    ids = filled(shell)
    moved(shell)
    told = shell.json("spool", "APP", "run", "--burst")
    assert told == {"forwarded": 3, "waiting": 0}
    assert sorted(each["id"] for each in shell.json("jobs", "APP")) == ids
    assert "the spool is empty" in shell.run("spool", "APP").stdout
    assert shell.json("spool", "APP", "status")["error"] is None


def test_run_gives_up_in_time_and_says_what_is_left(shell: Shell) -> None:
    filled(shell, 1)
    done = shell.run("spool", "APP", "run", "--timeout", "0.2", exit=5)
    assert "1 job still wait" in done.output


def test_run_in_a_process_of_its_own_ends_well_when_told(shell: Shell) -> None:
    filled(shell)
    moved(shell)
    running = shell.start("spool", "APP", "run")
    assert running.stdout is not None
    assert f"forwarder of {shell.spec} to {HERE}" in running.stdout.readline()
    until(lambda: shell.json("spool", "APP", "status")["waiting"] == 0)
    running.send_signal(signal.SIGTERM)
    said, _ = running.communicate(timeout=30)
    assert running.returncode == 0
    assert "3 jobs of the spool are at the engine" in said
    assert "3 jobs sent on, 0 wait" in said


def test_what_was_refused_is_listed_put_back_or_dropped(shell: Shell) -> None:
    ids = filled(shell, 2)
    refuse(shell)
    (told,) = shell.json("spool", "APP", "--refused")
    assert (told["id"], told["reason"]) == (ids[0], "too large")
    assert shell.json("spool", "APP", "retry") == {"retried": 1}
    assert [each["id"] for each in shell.json("spool", "APP")] == [ids[1], ids[0]]
    refuse(shell)
    assert shell.json("spool", "APP", "clear", "--refused", "--yes") == {"cleared": 1}
    assert shell.json("spool", "APP", "status")["waiting"] == 1


def test_clear_asks_and_drops(shell: Shell) -> None:
    filled(shell)
    assert "3 jobs" in shell.run("spool", "APP", "clear", input="n\n", exit=1).output
    assert "dropped 3 jobs" in shell.run("spool", "APP", "clear", "--yes").stdout
    assert shell.json("spool", "APP") == []


def test_an_app_without_a_spool_says_how_to_get_one(shell: Shell) -> None:
    moved(shell, ', spool="spool.db"', "")
    assert "Workhorse(..., spool='spool.db')" in shell.run("spool", "APP", "status", exit=2).output


def findings(shell: Shell, exit: int = 0) -> list[dict[str, Any]]:
    return [each for each in shell.json("doctor", "APP", exit=exit)["findings"] if each["about"] == "spool"]


def test_the_doctor_tells_of_a_spool_that_does_not_drain(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(shell, 2)
    refuse(shell)
    waits, refused = findings(shell, exit=1)
    assert (waits["kind"], refused["kind"]) == ("good", "warn")
    monkeypatch.setattr(spooled, "SLOW", 0)
    waits, _ = findings(shell, exit=1)
    assert waits["kind"] == "bad"
    assert "1 wait" in waits["found"]
    assert "does not drain" in waits["found"]
    assert "no connection" in waits["found"]
    assert waits["fix"] == f"workhorse spool {shell.spec} run sends them on"


def test_the_doctor_finds_an_empty_spool_good_and_a_damaged_one_bad(shell: Shell) -> None:
    moved(shell)
    (found,) = findings(shell)
    assert (found["kind"], found["found"]) == ("good", "sqlite:///spool.db, empty")
    with closing(sqlite3.connect(shell.folder / "spool.db")) as con:
        con.execute("pragma wal_checkpoint(truncate)")
    for file in shell.folder.glob("spool.db*"):
        file.unlink()
    (shell.folder / "spool.db").write_bytes(b"this is no database, and never was one" * 9)
    (found,) = findings(shell, exit=1)
    assert found["kind"] == "bad"
    assert "damaged or foreign bytes" in found["found"]
