"""`workhorse jobs APP`: list, show, retry, cancel, delete."""

import time
from typing import Any, Final

import click

from workhorse.cli import batches, rows
from workhorse.cli.card import show_card
from workhorse.cli.noun import noun
from workhorse.cli.shared import Desk, desk, inspector_of
from workhorse.core.contract import Engine, Filter
from workhorse.core.errors import JobNotFound

STATUSES: Final = ("scheduled", "parked", "ready", "running", "succeeded", "dead", "cancelled")


@noun("jobs")
def jobs() -> None:
    """Look at jobs, and tell them what to do."""


@jobs.command("list")
@click.option("--status", type=click.Choice(STATUSES), help="Only those in this state.")
@click.option("--queue", help="Only those of this queue.")
@click.option("--task", help="Only those of this task.")
@click.option("--text", help="Only those that carry this text: in their id, task, arguments, reason or history.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="At most so many.")
@click.option("--after", default="", help="Begin after the job of this id: the last one of the page before.")
@desk
def list_jobs(
    desk: Desk, status: Any, queue: str | None, task: str | None, text: str | None, limit: int, after: str
) -> None:
    """List jobs, in the order of their ids: oldest first."""
    which = Filter(queue=queue, task=task, status=status, text=text, after=after)

    async def find(desk: Desk, engine: Engine) -> None:
        found = await rows.listed(inspector_of(engine), which, limit + 1)
        more, found = len(found) > limit, found[:limit]
        now = time.time()
        desk.value([rows.brief(row) for row in found])
        desk.table(rows.COLUMNS, [rows.line(row, now) for row in found], empty="no jobs")
        if more:
            desk.remark(f"there are more: --after {found[-1].job.id}")

    desk.ask(find)


@jobs.command("show")
@click.argument("id")
@desk
def show(desk: Desk, id: str) -> None:
    """Show all that is known of a job: arguments, attempts with tracebacks, result."""
    desk.ask(lambda desk, engine: show_card(desk, engine, id))


@jobs.command("retry")
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@desk
def retry(desk: Desk, ids: tuple[str, ...]) -> None:
    """Put dead jobs back on their queues; their attempts go on counting, with a fresh budget of retries."""

    async def order(desk: Desk, engine: Engine) -> None:
        inspector = inspector_of(engine)
        tell(desk, "retried", await batches.order_each(inspector, ids, inspector.retry, "dead jobs"))

    desk.ask(order)


@jobs.command("cancel")
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@desk
def cancel(desk: Desk, ids: tuple[str, ...]) -> None:
    """Ask jobs to stop: those that wait will not run, those that run are told."""

    async def order(desk: Desk, engine: Engine) -> None:
        async def cancel(which: Filter) -> int:
            return sum([await desk.app.cancel(id) for id in which.ids])

        inspector = inspector_of(engine)
        tell(desk, "cancelled", await batches.order_each(inspector, ids, cancel, "jobs that have not ended"))

    desk.ask(order)


@jobs.command("delete")
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@desk
def delete(desk: Desk, ids: tuple[str, ...]) -> None:
    """Remove jobs and all that is known of them, whatever their state."""

    async def order(desk: Desk, engine: Engine) -> None:
        inspector = inspector_of(engine)
        for id in ids:
            if await inspector.show(id) is None:
                raise JobNotFound(f"job {id}: nothing is known of it; nothing was deleted")
        tell(desk, "deleted", await inspector.delete(Filter(ids=list(ids))))

    desk.ask(order)


def tell(desk: Desk, verb: str, count: int) -> None:
    """What an order did, in both forms."""
    desk.value({verb: count})
    desk.say(f"{verb} {batches.jobs_text(count)}")
