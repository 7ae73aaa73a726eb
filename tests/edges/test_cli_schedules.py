"""`workhorse schedules`: what ticks and when, and the orders that people give."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from shell import Shell, shells
from workhorse.cli.finding import find_app
from workhorse.durable import ticks
from workhorse.durable.ticks import Mark
from workhorse.engine import Store

SCHEDULES = """
from workhorse import Cron, Every

@app.task(schedule=Every(hours=1), retry=Retry(0))
async def hourly() -> str:
    return "an hour"

@app.task(name="nightly.report", schedule=Cron("30 2 * * *", timezone="Europe/Paris"))
async def report() -> None: ...
"""


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    for shell in shells(tmp_path, monkeypatch):
        with (tmp_path / f"{shell.spec.partition(':')[0]}.py").open("a", encoding="utf-8") as module:
            module.write(SCHEDULES)
        yield shell


def marked(shell: Shell, change: Callable[[Mark], Mark] = lambda mark: mark) -> Mark:
    """How `hourly` stands, after a change of it."""
    name, app = "shop~hourly", find_app(shell.spec)

    async def turn() -> Mark:
        async with app:
            store = (await app.engine()).store
            assert store is not None
            return await changed(store)

    async def changed(store: Store) -> Mark:
        mark, version = (await ticks.marks(store, [name]))[name]
        assert mark is not None
        await store.put([ticks.put(name, change(mark), version)])
        return change(mark)

    return asyncio.run(turn())


def set_back(shell: Shell) -> None:
    """As if the worker had seen it first, and last, an hour and a second ago."""
    marked(shell, lambda mark: Mark(mark.since - 3601, mark.at - 3601))


def test_before_a_worker_came_a_schedule_is_listed_as_if_one_came_now(shell: Shell) -> None:
    hourly, report = shell.json("schedules", "APP")
    assert (hourly["task"], hourly["when"], hourly["last"]) == ("hourly", "every 1 hours", None)
    assert (report["task"], report["when"]) == ("nightly.report", "30 2 * * * Europe/Paris")
    assert datetime.fromisoformat(report["next"]) > datetime.now(UTC)
    assert "in 60 min" in shell.run("schedules", "APP").stdout


def test_a_list_tells_the_last_tick_and_the_next(shell: Shell) -> None:
    shell.burst()
    set_back(shell)
    assert shell.burst()["succeeded"] == 1
    mark = marked(shell)
    (hourly, _) = shell.json("schedules", "APP")
    assert datetime.fromisoformat(hourly["last"]).timestamp() == mark.last
    assert datetime.fromisoformat(hourly["next"]).timestamp() == mark.at + 3600
    (job,) = shell.json("jobs", "APP", "--task", "hourly")
    assert job["id"] == ticks.id_of("shop~hourly", mark.at)


def test_the_next_ticks_are_told_in_utc_and_in_the_schedules_own_zone(shell: Shell) -> None:
    told = shell.json("schedules", "APP", "next", "nightly.report", "--count", "3")
    assert [it["task"] for it in told] == ["nightly.report"] * 3
    text = shell.run("schedules", "APP", "next", "nightly.report").stdout
    assert text.count("02:30:00+0") + text.count("03:00:00+02:00") == 5


def test_the_next_ticks_of_all_come_in_their_order(shell: Shell) -> None:
    told = shell.json("schedules", "APP", "next", "--count", "2")
    assert len(told) == 4
    assert [it["at"] for it in told] == sorted(it["at"] for it in told)


def test_a_task_is_run_now_beside_its_ticks(shell: Shell) -> None:
    id = shell.json("schedules", "APP", "run", "hourly")["id"]
    assert shell.burst()["succeeded"] == 1
    assert shell.json("jobs", "APP", "show", id)["result"] == {"value": "an hour"}


def test_a_paused_schedule_does_not_tick_until_it_is_resumed(shell: Shell) -> None:
    shell.burst()
    assert "schedules" in shell.run("schedules", "APP", "pause", "hourly").stdout
    set_back(shell)
    marked(shell, lambda mark: ticks.turned(mark, True, mark.at))
    assert shell.burst()["succeeded"] == 0
    (hourly, _) = shell.json("schedules", "APP")
    assert (hourly["paused"], hourly["next"]) == (True, None)
    assert "paused" in shell.run("schedules", "APP").stdout
    assert shell.json("schedules", "APP", "resume", "hourly") == {"task": "hourly", "paused": False}
    assert shell.burst()["succeeded"] == 0, "what came meanwhile is skipped"
    set_back(shell)
    assert shell.burst()["succeeded"] == 1


def test_a_schedule_may_be_paused_before_a_worker_ever_saw_it(shell: Shell) -> None:
    shell.run("schedules", "APP", "pause", "hourly")
    assert marked(shell).paused


def test_a_schedule_that_the_code_has_no_more_is_told_of(shell: Shell) -> None:
    shell.burst()
    module = shell.folder / f"{shell.spec.partition(':')[0]}.py"
    module.write_text(module.read_text(encoding="utf-8").replace("def hourly", "def daily"), encoding="utf-8")
    shell.forget()
    told = {it["task"]: it["declared"] for it in shell.json("schedules", "APP")}
    assert told == {"daily": True, "nightly.report": True, "hourly": False}
    assert "not in the code" in shell.run("schedules", "APP").stdout


@pytest.mark.parametrize("verb", ["next", "run", "pause", "resume"])
def test_a_task_without_a_schedule_is_refused_with_the_nearest_name(shell: Shell, verb: str) -> None:
    done = shell.run("schedules", "APP", verb, "hourli", exit=2)
    assert "no task with a schedule is named 'hourli'; did you mean 'hourly'?" in done.stderr


def test_an_order_is_given_again_where_a_worker_moves_the_mark_meanwhile(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.burst()
    moves, put = [1, 2], ticks.put

    def overtaken(name: str, mark: Mark, version: int) -> object:
        return put(name, mark, version if not moves else version - bool(moves.pop()))

    monkeypatch.setattr(ticks, "put", overtaken)
    shell.run("schedules", "APP", "pause", "hourly")
    monkeypatch.undo()
    assert moves == []


def test_an_order_that_is_always_overtaken_gives_up(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell.burst()
    put = ticks.put
    monkeypatch.setattr(ticks, "put", lambda name, mark, version: put(name, mark, version - 1))
    assert "try again" in shell.run("schedules", "APP", "pause", "hourly", exit=5).stderr
