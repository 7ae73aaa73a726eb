"""`workhorse sagas APP`: where each stands, its steps on a line of time; go on, undo, leave a step out."""

import time
from typing import Any, Final

import click

from workhorse.cli import timeline
from workhorse.cli.noun import noun
from workhorse.cli.shared import Desk, desk
from workhorse.cli.times import from_now, iso
from workhorse.core.contract import Engine
from workhorse.core.errors import JobNotFound
from workhorse.durable.sagas.head import Head

STATUSES: Final = (
    "running", "waiting", "compensating", "succeeded", "compensated", "compensation_failed", "mismatched",
)  # fmt: skip


@noun("sagas")
def sagas() -> None:
    """Look at sagas: their steps, done and undone; make one go on, or undo it."""


@sagas.command("list")
@click.option("--status", type=click.Choice(STATUSES), help="Only those that stand so.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="At most so many.")
@click.option("--after", default="", help="Begin after the saga of this id: the last one of the page before.")
@desk
def list_sagas(desk: Desk, status: str | None, limit: int, after: str) -> None:
    """List sagas that have begun, in the order of their ids."""

    async def find(desk: Desk, engine: Engine) -> None:
        found = list(await desk.app.sagas.list(status, after, limit + 1))
        more, found, now = len(found) > limit, found[:limit], time.time()
        desk.value([_document(id, head) for id, head in found])
        columns = ("id", "saga", "status", "began", "ended", "goes on", "why")
        desk.table(columns, [_line(id, head, now) for id, head in found], empty="no sagas")
        if more:
            desk.remark(f"there are more: --after {found[-1][0]}")

    desk.ask(find)


@sagas.command("show")
@click.argument("id")
@desk
def show(desk: Desk, id: str) -> None:
    """Show one saga: its steps on a line of time, what failed, what is to be done."""

    async def look(desk: Desk, engine: Engine) -> None:
        journal, head = await desk.app.sagas.known(id), await desk.app.sagas.head(id)
        if head is None:
            raise JobNotFound(f"saga {id} has not begun; `workhorse jobs {desk.spec} show {id}` shows its job")
        desk.value({**_document(id, head), "steps": timeline.documents(journal)})
        now = time.time()
        desk.say(f"{id}  {head.task}  {head.status}  began {from_now(head.started, now)}{_besides(head)}")
        columns = ("entry>", "step", "state", "attempts>", "", "took>")
        desk.table(columns, timeline.lines(journal, now), empty="no step yet")
        for number, step, why in timeline.why(journal):
            desk.say(f"entry {number}, {step}: {why}")
        for line in _advice(desk, id, head):
            desk.say(line)

    desk.ask(look)


@sagas.command("resume")
@click.argument("id")
@desk
def resume(desk: Desk, id: str) -> None:
    """Make a saga go on that stopped: its code was mended, or what failed to be undone can be."""

    async def order(desk: Desk, engine: Engine) -> None:
        await desk.app.sagas.resume(id)
        _tell(desk, id, "goes on")

    desk.ask(order)


@sagas.command("cancel")
@click.argument("id")
@desk
def cancel(desk: Desk, id: str) -> None:
    """Undo what a saga did, newest first; it ends compensated."""

    async def order(desk: Desk, engine: Engine) -> None:
        if not await desk.app.sagas.cancel(id):
            raise JobNotFound(f"saga {id} has ended; nothing was undone")
        _tell(desk, id, "will be undone")

    desk.ask(order)


@sagas.command("skip")
@click.argument("id")
@click.argument("entry", type=int)
@desk
def skip(desk: Desk, id: str, entry: int) -> None:
    """Go on with undoing a saga and leave out one step, which you have put right by hand; `show` has its number."""

    async def order(desk: Desk, engine: Engine) -> None:
        await desk.app.sagas.skip(id, entry)
        _tell(desk, id, f"goes on without entry {entry}")

    desk.ask(order)


def _tell(desk: Desk, id: str, what: str) -> None:
    desk.value({"id": id, "saga": what})
    desk.say(f"saga {id} {what}, as soon as a worker comes to it")


def _document(id: str, head: Head) -> dict[str, Any]:
    error = head.error
    return {
        "id": id,
        "saga": head.task,
        "status": head.status,
        "version": head.version,
        "queue": head.queue,
        "started": iso(head.started),
        "ended": iso(head.ended or None),
        "wakes": iso(head.wakes or None),
        "cancelled": head.cancelled,
        "error": None if error is None else {"type": error.type, "message": error.message},
        "why": head.why,
    }


def _line(id: str, head: Head, now: float) -> list[object]:
    ended, wakes = (moment and from_now(moment, now) for moment in (head.ended, head.wakes))
    why = head.why or ("cancelled" if head.cancelled else head.error and f"{head.error.type}: {head.error.message}")
    return [id, head.task, head.status, from_now(head.started, now), ended or "", wakes or "", why or ""]


def _besides(head: Head) -> str:
    version = f", version {head.version}" if head.version > 1 else ""
    return f"{version}, cancelled" if head.cancelled else version


def _advice(desk: Desk, id: str, head: Head) -> list[str]:
    said = [f"why: {head.why}"] if head.why else []
    if head.status == "compensation_failed":
        said.append(f"`workhorse sagas {desk.spec} resume {id}` tries again, `skip {id} ENTRY` leaves the step out")
    if head.status == "mismatched":
        said.append(f"mend the code, then `workhorse sagas {desk.spec} resume {id}`")
    return said
