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


@step(retry=Retry(0))
async def pay(seat: int) -> str:
    return "paid"


@pay.undo(retry=Retry(0))
async def refund(seat: int) -> None:
    import pathlib
    if pathlib.Path("closed").exists():
        raise ValueError("the bank is closed")


@step(retry=Retry(0))
async def print_ticket(seat: int) -> None:
    raise OSError("no paper")


@app.saga
async def journey(saga: Saga, seat: int) -> None:
    await reserve(seat)
    await pay(seat)
    await print_ticket(seat)
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


def test_sagas_are_listed_with_where_they_stand(shell: Shell) -> None:
    assert "no sagas" in shell.run("sagas", "APP").stdout
    waits, fails = shell.enqueue("trip", "7"), shell.enqueue("journey", "8")
    shell.burst()
    found = {each["id"]: each for each in shell.json("sagas", "APP")}
    assert {id: each["status"] for id, each in found.items()} == {waits: "waiting", fails: "compensated"}
    assert found[fails]["error"] == {"type": "OSError", "message": "no paper"}
    assert found[waits]["wakes"] is not None
    assert [each["id"] for each in shell.json("sagas", "APP", "--status", "waiting")] == [waits]
    listed = shell.run("sagas", "APP").stdout
    assert "OSError: no paper" in listed
    assert "in 17 min" in listed


def test_a_list_of_many_goes_on_after_the_last_one_shown(shell: Shell) -> None:
    ids = sorted(shell.enqueue("trip", "7") for _ in range(3))
    shell.burst()
    page = shell.run("sagas", "--json", "APP", "--limit", "2")
    assert f"there are more: --after {ids[1]}" in page.stderr
    assert [each["id"] for each in shell.json("sagas", "APP", "--after", ids[1])] == ids[2:]


def test_a_saga_is_shown_with_its_steps_on_a_line_of_time(shell: Shell) -> None:
    id = shell.enqueue("journey", "8")
    shell.burst()
    steps = shell.json("sagas", "APP", "show", id)["steps"]
    assert [(it["step"], it["state"]) for it in steps] == [
        ("reserve", "undone"), ("pay", "undone"), ("print_ticket", "failed"),
    ]  # fmt: skip
    shown = shell.run("sagas", "APP", "show", id).stdout
    lines = [line for line in shown.splitlines() if " undone " in line]
    assert len(lines) == 2
    assert all("╌" in line for line in lines)
    assert "print_ticket: OSError: no paper" in shown


def test_a_saga_that_cannot_be_undone_waits_until_someone_says_to_go_on(shell: Shell) -> None:
    id = shell.enqueue("journey", "8")
    (shell.folder / "closed").touch()
    shell.burst()
    shown = shell.run("sagas", "APP", "show", id).stdout
    assert "compensation_failed" in shown
    assert "pay: ValueError: the bank is closed" in shown
    assert f"resume {id}` tries again, `skip {id} ENTRY` leaves the step out" in shown
    shell.run("sagas", "APP", "resume", id)
    shell.burst()
    assert shell.json("sagas", "APP", "show", id)["status"] == "compensation_failed"
    (shell.folder / "closed").unlink()
    shell.run("sagas", "APP", "resume", id)
    shell.burst()
    assert shell.json("sagas", "APP", "show", id)["status"] == "compensated"


def test_a_step_that_was_put_right_by_hand_is_left_out(shell: Shell) -> None:
    id = shell.enqueue("journey", "8")
    (shell.folder / "closed").touch()
    shell.burst()
    (stuck,) = [it for it in shell.json("sagas", "APP", "show", id)["steps"] if it["state"] == "undo_failed"]
    shell.run("sagas", "APP", "skip", id, str(stuck["entry"]))
    shell.burst()
    assert shell.json("sagas", "APP", "show", id)["status"] == "compensated"
    assert "is no step" in shell.run("sagas", "APP", "skip", shell.enqueue("trip", "1"), "99", exit=4).stderr


def test_a_saga_is_cancelled_once(shell: Shell) -> None:
    id = shell.enqueue("trip", "7")
    shell.burst()
    shell.run("sagas", "APP", "cancel", id)
    shell.burst()
    shown = shell.json("sagas", "APP", "show", id)
    assert (shown["status"], shown["cancelled"]) == ("compensated", True)
    assert "cancelled" in shell.run("sagas", "APP", "show", id).stdout
    assert "nothing was undone" in shell.run("sagas", "APP", "cancel", id, exit=4).stderr


def test_what_is_no_saga_or_has_not_begun_is_an_error_that_says_so(shell: Shell) -> None:
    assert "nothing is known of it" in shell.run("sagas", "APP", "show", "nobody", exit=4).stderr
    id = shell.enqueue("trip", "7")
    assert f"saga {id} has not begun" in shell.run("sagas", "APP", "show", id, exit=4).stderr
