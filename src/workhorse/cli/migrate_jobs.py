"""`workhorse migrate-jobs FROM TO`: jobs move from one engine to another."""

from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import click
import msgspec

from workhorse.app import urls
from workhorse.cli.batches import jobs_text
from workhorse.cli.exits import ERROR
from workhorse.cli.quantities import several
from workhorse.cli.shared import Desk, desk
from workhorse.core.contract import Engine
from workhorse.core.errors import DeclarationError
from workhorse.core.loops import run
from workhorse.durable.moving import Account, moving
from workhorse.engines import open_engine

SHORT_LIVED: Final = "dead_retain="


@click.command("migrate-jobs", short_help="Move jobs from one engine to another.")
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
@click.option(
    "--queues", callback=several, metavar="NAME,NAME", help="Only these queues; needed where FROM cannot be listed."
)
@click.option("--dry-run", is_flag=True, help="Say what would move, and move nothing.")
@click.option("--until-empty", is_flag=True, help="Go on until nothing waits or runs in these queues at FROM.")
@desk
def migrate_jobs(
    desk: Desk, source: str, target: str, queues: list[str] | None, dry_run: bool, until_empty: bool
) -> None:
    """Move what waits, is scheduled, parked or dead from the URL FROM to the URL TO, once each.

    Its queues are paused at FROM, and stay so. What runs there is left and named; --until-empty waits for it. Each job is
    looked up at TO, and its payload and due compared, before it is given up at FROM. Killed half way, the same command goes on.
    Exit code 1 when anything stayed at FROM.
    """
    _check(source, target)
    account = run(
        _moved(desk, source, target, lambda a, b: moving(a, b, queues, dry=dry_run), until_empty and not dry_run)
    )
    desk.value(msgspec.to_builtins(account))
    _tell(desk, account, dry_run)
    if not account.whole:
        click.get_current_context().exit(ERROR)


def _check(source: str, target: str) -> None:
    if _place(source) == _place(target):
        raise DeclarationError("FROM and TO: expected two places, got the same one twice")
    if SHORT_LIVED in source:
        raise DeclarationError("FROM: leave dead_retain= out: dead letters must not go while they move")
    for url in (source, target):
        urls.check(url)


def _place(url: str) -> tuple[str, str | None]:
    """Where it leads, whatever is said of how."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{parts.path}", dict(parse_qsl(parts.query)).get("prefix")


async def _moved(
    desk: Desk, source: str, target: str, made: Callable[[Engine, Engine], Any], until_empty: bool
) -> Account:
    async with AsyncExitStack() as stack:
        engines = [open_engine(source), open_engine(target)]
        for engine in engines:
            stack.push_async_callback(engine.close)
            await engine.open()
        move = made(*engines)
        with desk.progress("moving", await move.total()) as step:
            while await move.round(step) and until_empty:
                await move.rest()
        account: Account = move.account
        return account


def _tell(desk: Desk, account: Account, dry: bool) -> None:
    by_state = ", ".join(f"{count:,} {state}" for state, count in account.moved.items())
    desk.say(f"{'would move' if dry else 'moved'} {jobs_text(account.count)}{by_state and f': {by_state}'}")
    if not dry:
        seen = f"; {account.unseen:,} accepted there and not seen" if account.unseen else ""
        desk.say(f"verified at TO: {account.verified:,} by id, payload, attempt and due{seen}")
    for why, stayed in account.stayed.items():
        named = ", ".join(stayed.ids) + (", ..." if stayed.count > len(stayed.ids) else "")
        desk.say(f"stayed at FROM: {stayed.count:,} ({why}): {named}")
    if account.doubled:
        desk.say(f"at both places, look at these: {', '.join(account.doubled)}")
    if account.paused:
        desk.say(f"paused at FROM: {', '.join(account.paused)}; `workhorse queues APP resume QUEUE` opens one again")
    if account.remains is None:
        desk.say("FROM cannot count its jobs: what is due later is still there, and moves with --until-empty")
        return
    remains = {queue: held for queue, held in account.remains.items() if held}
    desk.table(
        ("at FROM", "state", "jobs>"), [(q, s, f"{n:,}") for q, held in remains.items() for s, n in held.items()]
    )
