"""Sagas among the jobs of the command line: a saga is one job there, whatever it is made of."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from shell import Shell, shells

SAGA = """
from workhorse import Retry, Saga, step


@step
async def reserve(seat: int) -> int:
    return seat


@reserve.undo
async def release(seat: int) -> None: ...


@app.saga
async def trip(saga: Saga, seat: int) -> int:
    await reserve(seat)
    await saga.wait_for("paid", bool, timeout=1000)
    return seat
"""


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    for shell in shells(tmp_path, monkeypatch):
        (file,) = tmp_path.glob("*.py")
        file.write_text(file.read_text(encoding="utf-8") + SAGA, encoding="utf-8")
        yield shell


def test_a_list_leaves_the_turns_of_sagas_out(shell: Shell) -> None:
    id = shell.enqueue("trip", "7")
    shell.burst()
    assert [job["id"] for job in shell.json("jobs", "APP")] == [id]
    assert [job["id"] for job in shell.json("jobs", "APP", "--status", "scheduled")] == []


def test_a_job_that_is_a_saga_is_cancelled_as_one(shell: Shell) -> None:
    id, never = shell.enqueue("trip", "7"), shell.enqueue("trip", "8", "--delay", "1000")
    shell.burst()
    shell.run("jobs", "APP", "cancel", id, never)
    shell.burst()
    for each in (id, never):
        assert shell.json("jobs", "APP", "show", each)["result"] == {"cancelled": True}
    shell.run("jobs", "APP", "cancel", id, exit=1)
