"""`workhorse dead APP`: list, show, retry, purge, export the dead letters."""

import time
from collections.abc import Callable
from typing import Any, TypeVar

import click
import msgspec

from workhorse.cli import batches, rows
from workhorse.cli.card import show_card
from workhorse.cli.jobs import tell
from workhorse.cli.noun import noun
from workhorse.cli.shared import Desk, desk, inspector_of
from workhorse.core.contract import Engine, Filter, Inspector
from workhorse.core.errors import JobNotFound
from workhorse.durable.paging import pages

F = TypeVar("F", bound=Callable[..., Any])


def which(fn: F) -> F:
    """The options that choose among dead letters."""
    for option in (
        click.option("--text", help="Only those that carry this text: in their arguments, reason or history."),
        click.option("--task", help="Only those of this task."),
        click.option("--queue", help="Only those of this queue."),
    ):
        fn = option(fn)
    return fn


def some_or_all(fn: F) -> F:
    """Ids, or --all, perhaps narrowed."""
    fn = click.option("--all", "all_", is_flag=True, help="All of them, or all that the other options choose.")(
        which(fn)
    )
    return click.argument("ids", metavar="[ID...]", nargs=-1)(fn)


@noun("dead")
def dead() -> None:
    """Look at dead letters: jobs that failed for good; put them back, or away."""


@dead.command("list")
@which
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="At most so many.")
@click.option("--after", default="", help="Begin after the job of this id: the last one of the page before.")
@desk
def list_dead(desk: Desk, queue: str | None, task: str | None, text: str | None, limit: int, after: str) -> None:
    """List dead letters with their reasons, oldest first."""
    chosen = Filter(queue=queue, task=task, text=text, status="dead", after=after)

    async def find(desk: Desk, engine: Engine) -> None:
        found = list(await inspector_of(engine).list(chosen, limit + 1))
        more, found = len(found) > limit, found[:limit]
        now = time.time()
        desk.value([rows.brief(row) for row in found])
        desk.table(rows.COLUMNS, [rows.line(row, now) for row in found], empty="no dead letters")
        if more:
            desk.remark(f"there are more: --after {found[-1].job.id}")

    desk.ask(find)


@dead.command("show")
@click.argument("id")
@desk
def show(desk: Desk, id: str) -> None:
    """Show all that is known of a dead letter: arguments, attempts with tracebacks."""

    async def look(desk: Desk, engine: Engine) -> None:
        row = await inspector_of(engine).show(id)
        if row is not None and row.status != "dead":
            raise JobNotFound(f"job {id} is {row.status}, not dead; `workhorse jobs {desk.spec} show {id}` shows it")
        await show_card(desk, engine, id)

    desk.ask(look)


@dead.command("retry")
@some_or_all
@desk
def retry(desk: Desk, ids: tuple[str, ...], all_: bool, queue: str | None, task: str | None, text: str | None) -> None:
    """Put dead letters back on their queues, with a fresh budget of retries."""
    chosen = _chosen(ids, all_, queue, task, text)

    async def order(desk: Desk, engine: Engine) -> None:
        inspector = inspector_of(engine)
        if ids:
            count = await batches.order_each(inspector, ids, inspector.retry, "dead jobs")
        else:
            count = await batches.order_many(desk, "putting back", inspector, chosen, inspector.retry)
        tell(desk, "retried", count)

    desk.ask(order)


@dead.command("purge")
@some_or_all
@desk
def purge(desk: Desk, ids: tuple[str, ...], all_: bool, queue: str | None, task: str | None, text: str | None) -> None:
    """Remove dead letters for good; export them first if you may want them back."""
    chosen = _chosen(ids, all_, queue, task, text)

    async def order(desk: Desk, engine: Engine) -> None:
        inspector = inspector_of(engine)
        if ids:
            count = await batches.order_each(inspector, ids, _only_dead(inspector), "dead jobs")
        else:
            count = await batches.order_many(desk, "purging", inspector, chosen, inspector.delete)
        tell(desk, "purged", count)

    desk.ask(order)


@dead.command("export")
@which
@desk
def export(desk: Desk, queue: str | None, task: str | None, text: str | None) -> None:
    """Write dead letters with arguments and attempts, one JSON object a line; secret headers are hidden.

    `workhorse replay` takes them back.
    """
    chosen = Filter(queue=queue, task=task, text=text, status="dead")

    async def write(desk: Desk, engine: Engine) -> None:
        inspector = inspector_of(engine)
        with desk.progress("exporting", await batches.total(inspector, chosen)) as step:
            async for page in pages(inspector, chosen):
                for row in page:
                    desk.line(rows.recorded(row, desk.app.redaction))
                step(len(page))

    desk.ask(write)


def _chosen(ids: tuple[str, ...], all_: bool, queue: str | None, task: str | None, text: str | None) -> Filter:
    if bool(ids) == all_:
        raise click.UsageError("expected either ids or --all (with --queue, --task or --text to narrow it)")
    if ids and (queue, task, text) != (None, None, None):
        raise click.UsageError("--queue, --task and --text go with --all, not with ids")
    return Filter(queue=queue, task=task, text=text, status="dead")


def _only_dead(inspector: Inspector) -> batches.Order:
    return lambda which: inspector.delete(msgspec.structs.replace(which, status="dead"))
