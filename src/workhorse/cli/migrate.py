"""`workhorse migrate APP`: print, check or apply what the tables of its engines are missing."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import click

from workhorse.app import urls
from workhorse.cli.exits import ERROR
from workhorse.cli.shared import Desk, desk
from workhorse.core.loops import run
from workhorse.core.migrations import Migrating, Migration, Migrations

VERBS = ("check", "print", "apply")


@click.command("migrate", short_help="Bring an engine's tables to what this release needs.")
@click.argument("app")
@click.argument("verb", type=click.Choice(VERBS), default="check")
@desk
def migrate(desk: Desk, verb: str) -> None:
    """Check what the tables of the app's engines are missing, print it as SQL, or apply it.

    A worker that starts does the same by itself, where it has the rights; this is for who wants to see it first, or to do
    it under another name. Exit code 1 when `check` finds something missing.
    """
    missing = run(_each(desk, verb))
    if verb == "check" and missing:
        click.get_current_context().exit(ERROR)


async def _each(desk: Desk, verb: str) -> int:
    """How many steps were missing, over all engines of the app."""
    missing, told = 0, list[dict[str, Any]]()
    async for shown, migrations in _engines(desk):
        before = await migrations.current()
        steps = await (migrations.apply() if verb == "apply" else migrations.pending())
        missing += len(steps)
        told.append(_document(shown, before, migrations.newest, steps))
        _tell(desk, verb, shown, before, migrations.newest, steps)
    desk.value(told)
    return missing


async def _engines(desk: Desk) -> AsyncIterator[tuple[str, Migrations]]:
    for url, engine in desk.app.places.apart():
        if isinstance(engine, Migrating):
            yield urls.shown(url), engine.migrations
        else:
            desk.say(f"{urls.shown(url)}: this engine has no tables to migrate")


def _document(shown: str, before: int, newest: int, steps: Sequence[Migration]) -> dict[str, Any]:
    return {
        "url": shown, "schema": before, "newest": newest,
        "steps": [{"version": it.version, "name": it.name, "sql": it.sql} for it in steps],
    }  # fmt: skip


def _tell(desk: Desk, verb: str, shown: str, before: int, newest: int, steps: Sequence[Migration]) -> None:
    if verb == "print":
        for step in steps:
            desk.text(f"-- {step.version}: {step.name}, for {shown}\n{step.sql.strip()}")
        return
    if not steps:
        desk.say(f"{shown}: schema {newest}, nothing is missing")
        return
    names = ", ".join(step.name for step in steps)
    done = "applied" if verb == "apply" else f"missing (`workhorse migrate {desk.spec} apply` applies it)"
    desk.say(f"{shown}: schema {before} of {newest}; {done}: {names}")
