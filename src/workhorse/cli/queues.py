"""`workhorse queues APP`: how much waits where; pause, resume, purge."""

import time
from typing import Any, Final, cast

import click

from workhorse.cli import batches
from workhorse.cli.jobs import STATUSES, tell
from workhorse.cli.noun import noun
from workhorse.cli.shared import Desk, desk, inspector_of
from workhorse.cli.times import span
from workhorse.core import beyond, names
from workhorse.core.contract import Engine, Filter, Inspector
from workhorse.worker.presence import signs

WAITING: Final = ("ready", "scheduled", "parked")


@noun("queues")
def queues() -> None:
    """See how much waits in each queue; stop and start them."""


@queues.command("list")
@desk
def list_queues(desk: Desk) -> None:
    """List queues: jobs by state, the age of the oldest that is due, jobs a second, and whether it is paused."""

    async def find(desk: Desk, engine: Engine) -> None:
        found = await _states(desk, engine)
        desk.value(found)
        columns = ("queue", *(f"{status}>" for status in STATUSES), "oldest>", "rate>", "")
        desk.table(columns, [_line(each) for each in found], empty="no queues")

    desk.ask(find)


@queues.command("pause")
@click.argument("queue")
@desk
def pause(desk: Desk, queue: str) -> None:
    """Stop claims from a queue: it accepts jobs, what runs goes on, nothing new begins."""
    names.name(queue, "queue")

    async def order(desk: Desk, engine: Engine) -> None:
        await _known(desk, inspector_of(engine), queue)
        await inspector_of(engine).pause(queue)
        desk.value({"queue": queue, "paused": True})
        desk.say(f"paused {queue}; `workhorse queues {desk.spec} resume {queue}` starts it again")

    desk.ask(order)


@queues.command("resume")
@click.argument("queue")
@desk
def resume(desk: Desk, queue: str) -> None:
    """Start claims from a paused queue again."""
    names.name(queue, "queue")

    async def order(desk: Desk, engine: Engine) -> None:
        await inspector_of(engine).resume(queue)
        desk.value({"queue": queue, "paused": False})
        desk.say(f"resumed {queue}")

    desk.ask(order)


@queues.command("purge")
@click.argument("queue")
@click.option("--yes", is_flag=True, help="Do not ask.")
@desk
def purge(desk: Desk, queue: str, yes: bool) -> None:
    """Remove what waits in a queue; what runs, and what has ended, stays."""

    async def order(desk: Desk, engine: Engine) -> None:
        inspector = inspector_of(engine)
        await _known(desk, inspector, queue)
        counts = (await inspector.count("queue")).get(queue, {})
        waiting = sum(counts.get(status, 0) for status in WAITING)
        if not yes:
            click.confirm(f"Remove {batches.jobs_text(waiting)} that wait in {queue}?", abort=True)
        done = 0
        for status in WAITING:
            chosen = Filter(queue=queue, status=cast(Any, status))
            done += await batches.order_many(desk, f"purging {status}", inspector, chosen, inspector.delete)
        tell(desk, "purged", done)

    desk.ask(order)


async def _known(desk: Desk, inspector: Inspector, queue: str) -> None:
    """A remark when neither a task nor a job names this queue: it may be misspelt."""
    known = [*desk.app.registry.queues(), *await inspector.count("queue")]
    if queue not in known:
        desk.remark(f"note: neither a task nor a job names the queue {queue!r}{names.did_you_mean(queue, known)}")


async def _states(desk: Desk, engine: Engine) -> list[dict[str, Any]]:
    inspector = inspector_of(engine)
    counts = await inspector.count("queue")
    paused = await beyond.paused(inspector)
    there = [] if engine.store is None else await signs(engine.store)
    known = dict.fromkeys([*desk.app.registry.queues(), *sorted(counts), *paused])
    return [
        {
            "queue": queue,
            **{status: counts.get(queue, {}).get(status, 0) for status in STATUSES},
            "oldest": await _oldest(inspector, queue) if counts.get(queue, {}).get("ready") else None,
            "rate": round(sum(sign.rates.get(queue, 0) for sign in there), 3),
            "workers": sum(queue in sign.queues for sign in there),
            "paused": queue in paused,
        }
        for queue in known
    ]


async def _oldest(inspector: Inspector, queue: str) -> float | None:
    """For how many seconds the first of its jobs that are due has waited since it was accepted."""
    first = await inspector.list(Filter(queue=queue, status="ready"), 1)
    return round(max(0.0, time.time() - first[0].accepted), 3) if first else None


def _line(state: dict[str, Any]) -> list[object]:
    oldest = "" if state["oldest"] is None else span(state["oldest"])
    numbers = [f"{state[status]:,}" if state[status] else "" for status in STATUSES]
    rate = f"{state['rate']:,.1f}/s" if state["rate"] else ""
    return [state["queue"], *numbers, oldest, rate, "paused" if state["paused"] else ""]
