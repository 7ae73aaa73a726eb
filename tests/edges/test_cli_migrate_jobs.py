"""`workhorse migrate-jobs FROM TO`: what it says, its exit codes, and a process that is killed at every page of its way."""

import asyncio
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from shell import Shell, shells
from workhorse.engine import Filter
from workhorse.engines import open_engine

FROM, TO = "sqlite:///jobs.db", "sqlite:///new.db"


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    yield from shells(tmp_path, monkeypatch)


def at_home(url: str) -> dict[str, str]:
    """The jobs there, with their states."""

    async def looked() -> dict[str, str]:
        engine = open_engine(url)
        await engine.open()
        assert engine.inspector is not None
        rows = await engine.inspector.list(Filter(), 10_000)
        await engine.close()
        return {row.job.id: row.status for row in rows}

    return asyncio.run(looked())


def test_jobs_move_and_people_are_told(shell: Shell) -> None:
    ready, later = shell.enqueue("resize", "a"), shell.enqueue("resize", "b", "--delay", "600")
    dead = shell.enqueue("send_mail", "bob")
    shell.run("worker", "APP", "--burst", "--queues", "mail", "--log-level", "critical")
    said = shell.run("migrate-jobs", FROM, TO, "--dry-run").stdout
    assert "would move 3 jobs: 1 dead, 1 ready, 1 scheduled" in said
    assert "paused" not in said
    said = shell.run("migrate-jobs", FROM, TO).stdout
    assert "moved 3 jobs: 1 dead, 1 ready, 1 scheduled" in said
    assert "verified at TO: 3 by id, payload, attempt and due" in said
    assert "paused at FROM: mail, shop" in said
    assert at_home(TO) == {ready: "ready", later: "scheduled", dead: "dead"}
    assert shell.json("jobs", "APP") == []


def test_only_the_queues_that_are_named_move(shell: Shell) -> None:
    shell.enqueue("resize", "a")
    mail = shell.enqueue("send_mail", "ada@example.org")
    told = shell.json("migrate-jobs", FROM, TO, "--queues", "mail", "--until-empty")
    assert (told["moved"], told["verified"], told["paused"]) == ({"ready": 1}, 1, ["mail"])
    assert at_home(TO) == {mail: "ready"}


def test_a_job_that_stays_is_exit_code_1_and_named(shell: Shell) -> None:
    id = shell.enqueue("resize", "a", "--id", "same")
    shell.run("migrate-jobs", FROM, TO)
    (shell.folder / "jobs.db").unlink()
    shell.enqueue("resize", "another", "--id", "same")
    said = shell.run("migrate-jobs", FROM, TO, exit=1).stdout
    assert f"stayed at FROM: 1 (another job of this id stands at the target): {id}" in said


@pytest.mark.parametrize(
    ("source", "target", "why"),
    [
        (FROM, f"{FROM}?busy=3", "two places"),
        (f"{FROM}?dead_retain=5", TO, "dead_retain"),
        ("jobs.db", TO, "a URL"),
        (FROM, "nosuch://x", "scheme"),
        (FROM, f"{TO}?bussy=3", "busy"),
    ],
)
def test_places_that_cannot_work_are_a_usage_error(shell: Shell, source: str, target: str, why: str) -> None:
    assert why in shell.run("migrate-jobs", source, target, exit=2).stderr
    assert not (shell.folder / "new.db").exists()


MOVER = """
import os, signal, sys
from workhorse.cli import main
from workhorse.durable import paging
from workhorse.durable.moving.delivery import Delivery
from workhorse.engines.sqlite.broker import Broker
from workhorse.engines.sqlite.inspector import Inspector

paging.PAGE = 5
verb, number = sys.argv[1], int(sys.argv[2])
owner = {"carry": Delivery, "publish": Broker, "delete": Inspector}[verb]
real, calls = getattr(owner, verb), []

async def counted(self, *given, **named):
    answer = await real(self, *given, **named)
    calls.append(1)
    if len(calls) == number:
        os.kill(os.getpid(), signal.SIGKILL)
    return answer

setattr(owner, verb, counted)
main(["migrate-jobs", *sys.argv[3:]])
"""


@pytest.mark.parametrize(("verb", "number"), [("carry", 1), ("publish", 2), ("delete", 2)])
def test_a_move_that_is_killed_at_every_page_goes_on_and_every_job_arrives_once(
    shell: Shell, verb: str, number: int
) -> None:
    """Killed after each page is done, after it is published and before it is given up, and after it is given up."""
    (shell.folder / "mover.py").write_text(MOVER)
    ids = {shell.enqueue("resize", f"{n}.png", "--delay", str(n % 2 * 600)) for n in range(22)}
    words = [sys.executable, "mover.py", verb, str(number), FROM, TO]
    kills = 0
    while (done := subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)).returncode == -9:
        kills += 1
        assert at_home(FROM).keys() | at_home(TO).keys() == ids
        assert kills < 30
    assert done.returncode == 0, done.stderr
    assert kills >= 5
    assert at_home(TO).keys() == ids
    assert Counter(at_home(TO).values()) == {"ready": 11, "scheduled": 11}
    assert at_home(FROM) == {}
