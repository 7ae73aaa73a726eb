"""`workhorse workers APP`: who is there, and what each runs."""

import time
from typing import Any

import click

from workhorse.cli.shared import Desk, desk, store_of
from workhorse.cli.times import iso, span
from workhorse.core.contract import Engine
from workhorse.worker.presence import Sign, signs


@click.command("workers", short_help="See who is there, and what each runs.")
@click.argument("app")
@desk
def workers(desk: Desk) -> None:
    """List the workers that are there: each process, its queues, and what it runs now.

    A worker that died is shown until its last sign of life is 15 seconds old.
    """

    async def find(desk: Desk, engine: Engine) -> None:
        found = await signs(store_of(engine))
        now = time.time()
        desk.value([_document(sign) for sign in found])
        columns = ("worker", "up>", "seen>", "queues", "busy>", "settled>", "rate>", "runs")
        desk.table(columns, [_line(sign, now) for sign in found], empty="no workers")

    desk.ask(find)


def _document(sign: Sign) -> dict[str, Any]:
    return {
        "name": sign.name, "host": sign.host, "pid": sign.pid, "python": sign.python,
        "started": iso(sign.started), "seen": iso(sign.seen), "queues": list(sign.queues),
        "concurrency": sign.concurrency, "busy": sign.busy, "settled": sign.settled, "abandoned": sign.abandoned,
        "rates": sign.rates,
        "running": [{"id": each.id, "task": each.task, "since": iso(each.since)} for each in sign.running],
    }  # fmt: skip


def _line(sign: Sign, now: float) -> list[object]:
    rate = sum(sign.rates.values())
    runs = ", ".join(f"{each.task} {each.id} ({span(now - each.since)})" for each in sign.running[:3])
    more = f", and {sign.busy - 3} more" if sign.busy > 3 else ""
    lost = f" ({sign.abandoned} lost)" if sign.abandoned else ""
    return [
        sign.name, span(now - sign.started), span(now - sign.seen), ", ".join(sign.queues),
        f"{sign.busy}/{sign.concurrency}{lost}", f"{sign.settled:,}", f"{rate:,.1f}/s", runs + more,
    ]  # fmt: skip
