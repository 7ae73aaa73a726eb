"""`workhorse schedules APP`: what runs by itself, and when; run one now, pause and resume it."""

import itertools
from datetime import UTC, datetime
from typing import Any

import click

from workhorse.cli.noun import noun
from workhorse.cli.shared import Desk, desk, store_of
from workhorse.cli.times import from_now, iso
from workhorse.core import names
from workhorse.core.contract import Engine, Store
from workhorse.core.errors import BrokerUnavailable, DeclarationError
from workhorse.core.registry import Declared
from workhorse.core.schedule import Cron, Schedule
from workhorse.durable import ticks
from workhorse.durable.ticks import Mark, Marked

TRIES = 100
"""How often an order is given again when a worker moves the same mark at that moment."""


@noun("schedules")
def schedules() -> None:
    """See what runs by itself, and when; run it now, stop and start it."""


@schedules.command("list")
@desk
def list_schedules(desk: Desk) -> None:
    """List schedules: when each ticked last and ticks next, and whether it is paused."""

    async def find(desk: Desk, engine: Engine) -> None:
        store = store_of(engine)
        known, now = await ticks.known(store), await store.now()
        found = [_state(desk, task, known.get(name), now) for name, task in desk.app.scheduled().items()]
        found += [_gone(name, it.mark) for name, it in known.items() if _is_gone(desk, name)]
        desk.value(found)
        columns = ("schedule", "when", "last>", "next>", "")
        desk.table(columns, [_line(each, now) for each in found], empty="no schedules")

    desk.ask(find)


@schedules.command("next")
@click.argument("task", required=False)
@click.option("--count", type=click.IntRange(1, 1000), default=5, show_default=True, help="How many ticks of each.")
@desk
def next_ticks(desk: Desk, task: str | None, count: int) -> None:
    """Show the next ticks of a task, or of all: in UTC, and in the schedule's own time zone."""
    chosen = _chosen(desk, task)

    async def find(desk: Desk, engine: Engine) -> None:
        store = store_of(engine)
        found, now = await ticks.marks(store, chosen), await store.now()
        comings = [
            (each, moment, _schedule(each))
            for name, each in chosen.items()
            for moment in _coming(_schedule(each), found[name].mark, now, count)
        ]
        comings.sort(key=lambda it: it[1])
        desk.value([{"task": each.name, "at": iso(moment)} for each, moment, _ in comings])
        rows = [(each.name, iso(at), _local(schedule, at), from_now(at, now)) for each, at, schedule in comings]
        desk.table(("schedule", "at", "there", ""), rows, empty="no tick comes")

    desk.ask(find)


@schedules.command("run")
@click.argument("task")
@desk
def run(desk: Desk, task: str) -> None:
    """Enqueue a scheduled task now, beside its ticks."""
    (found,) = _chosen(desk, task).values()

    async def order(desk: Desk, engine: Engine) -> None:
        job = await found.enqueue()
        desk.value({"id": job.id})
        desk.say(job.id)

    desk.ask(order)


@schedules.command("pause")
@click.argument("task")
@desk
def pause(desk: Desk, task: str) -> None:
    """Stop the ticks of a task, in all workers; its jobs that are enqueued already run."""
    _order(desk, task, paused=True)
    desk.say(f"paused {task}; `workhorse schedules {desk.spec} resume {task}` starts it again")


@schedules.command("resume")
@click.argument("task")
@desk
def resume(desk: Desk, task: str) -> None:
    """Start the ticks of a paused task again; those that came meanwhile are skipped."""
    _order(desk, task, paused=False)
    desk.say(f"resumed {task}")


def _order(desk: Desk, task: str, paused: bool) -> None:
    (name,) = _chosen(desk, task)

    async def order(desk: Desk, engine: Engine) -> None:
        await _turn(store_of(engine), name, paused)
        desk.value({"task": task, "paused": paused})

    desk.ask(order)


async def _turn(store: Store, name: str, paused: bool) -> None:
    for _ in range(TRIES):
        marked, now = (await ticks.marks(store, [name]))[name], await store.now()
        mark = ticks.turned(marked.mark or ticks.begun(now), paused, now)
        if (await store.put([ticks.put(name, mark, marked.version)]))[0] is not None:
            return
    raise BrokerUnavailable(f"schedule {name}: its mark moved {TRIES} times meanwhile; try again")


def _chosen(desk: Desk, task: str | None) -> dict[str, Declared]:
    """This one, or all; DeclarationError, with the nearest name, for a task without a schedule."""
    all = desk.app.scheduled()
    if task is None:
        return all
    if found := {name: each for name, each in all.items() if each.name == task}:
        return found
    known = [each.name for each in all.values()]
    raise DeclarationError(f"no task with a schedule is named {task!r}{names.did_you_mean(task, known)}")


def _schedule(task: Declared) -> Schedule:
    assert task.definition.schedule is not None
    return task.definition.schedule


def _coming(schedule: Schedule, mark: Mark | None, now: float, count: int) -> list[float]:
    """Nothing while it is paused; where no worker has seen it yet, as if one did now."""
    stand = mark or ticks.begun(now)
    return [] if stand.paused else list(itertools.islice(schedule.after(max(now, stand.at), stand.since), count))


def _state(desk: Desk, task: Declared, marked: Marked | None, now: float) -> dict[str, Any]:
    mark, schedule = marked.mark if marked else None, _schedule(task)
    return {
        "task": task.name,
        "when": str(schedule),
        "last": iso(mark.last if mark else None),
        "next": iso(next(iter(_coming(schedule, mark, now, 1)), None)),
        "paused": bool(mark and mark.paused),
        "declared": True,
    }


def _is_gone(desk: Desk, name: str) -> bool:
    """One of this app's that its code does not have any more; nothing of it ticks."""
    return name.startswith(ticks.name_of(desk.app.name, "")) and name not in desk.app.scheduled()


def _gone(name: str, mark: Mark | None) -> dict[str, Any]:
    last = iso(mark.last if mark else None)
    return {"task": ticks.task_of(name), "when": "", "last": last, "next": None, "paused": False, "declared": False}


def _line(state: dict[str, Any], now: float) -> list[object]:
    last, next = (
        state[each] and from_now(datetime.fromisoformat(state[each]).timestamp(), now) for each in ("last", "next")
    )
    note = "paused" if state["paused"] else "" if state["declared"] else "not in the code"
    return [state["task"], state["when"], last, next, note]


def _local(schedule: Schedule, moment: float) -> str:
    zone = schedule.zone if isinstance(schedule, Cron) else UTC
    return datetime.fromtimestamp(moment, zone).isoformat(sep=" ", timespec="seconds")
