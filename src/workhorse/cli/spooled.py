"""What stands in an app's spool, looked at without its engine."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

import msgspec

from workhorse.app import Workhorse
from workhorse.cli.checkup import Finding
from workhorse.cli.times import span
from workhorse.core.errors import DeclarationError, WorkhorseError
from workhorse.durable.spool.log import Log, Trouble
from workhorse.engines import open_engine

SLOW: Final = 60.0
"""Seconds for which a job may wait there before the doctor says that it does not drain."""


class Standing(msgspec.Struct, frozen=True):
    """How many jobs wait, for how many seconds the first of them; how many were put aside; what is wrong; the store's clock."""

    waiting: int
    oldest: float | None
    refused: int
    trouble: Trouble | None
    now: float


@asynccontextmanager
async def opened(app: Workhorse) -> AsyncGenerator[Log]:
    """The app's spool, by itself. DeclarationError: it has none."""
    if app.spool is None:
        raise DeclarationError("this app has no spool; give it one: Workhorse(..., spool='spool.db')")
    engine = open_engine(app.spool.url)
    await engine.open()
    try:
        yield app.spool.log(engine)
    finally:
        await engine.close()


async def standing(log: Log) -> Standing:
    """As it is now."""
    now, (waiting, since) = await log.store.now(), await log.waiting()
    refused, after = 0, ""
    while page := await log.refused(after):
        refused, after = refused + len(page), page[-1][0]
    oldest = None if since is None else max(0.0, now - since)
    return Standing(waiting, oldest, refused, await log.trouble(), now)


async def findings(app: Workhorse, spec: str) -> list[Finding]:
    """For the doctor; nothing where there is no spool."""
    if app.spool is None:
        return []
    try:
        async with opened(app) as log:
            it = await standing(log)
    except (WorkhorseError, OSError) as error:
        return [Finding("bad", "spool", f"it does not open: {error}", "do what it says, then ask again")]
    found = [_of_waiting(app.spool.shown, it, spec)]
    if it.refused:
        fix = f"workhorse spool {spec} list --refused says why; retry puts them back, clear --refused drops them"
        found.append(Finding("warn", "spool", f"{it.refused:,} jobs that the engine did not take", fix))
    return found


def _of_waiting(where: str, it: Standing, spec: str) -> Finding:
    if it.oldest is None:
        return Finding("good", "spool", f"{where}, empty")
    text = f"{where}: {it.waiting:,} wait, the first for {span(it.oldest)}"
    if it.oldest < SLOW:
        return Finding("good", "spool", text)
    why = f"; {span(it.now - it.trouble.at)} ago: {it.trouble.error}" if it.trouble else ""
    return Finding("bad", "spool", f"{text}: it does not drain{why}", f"workhorse spool {spec} run sends them on")
