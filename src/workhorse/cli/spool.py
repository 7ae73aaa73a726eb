"""`workhorse spool APP`: what waits on the local disk for an engine that is away; send it on, or drop it."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import click

from workhorse.cli import batches, spooled
from workhorse.cli.noun import noun
from workhorse.cli.shared import Desk, broker_of, desk, talkative_desk
from workhorse.cli.times import from_now, iso, span
from workhorse.core.contract import Broker, Envelope
from workhorse.core.loops import run as run_loop
from workhorse.durable.spool.forwarder import Forwarder
from workhorse.durable.spool.log import Log
from workhorse.worker.signals import Signals

T = TypeVar("T")


@noun("spool")
def spool() -> None:
    """See what waits on the local disk for an engine that is away; send it on, or drop it."""


@spool.command("list")
@click.option("--refused", is_flag=True, help="Those that the engine did not take, and why.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True, help="At most so many.")
@desk
def list_spool(desk: Desk, refused: bool, limit: int) -> None:
    """List the jobs that wait, in the order in which they go."""

    async def find(log: Log) -> None:
        now, found = await log.store.now(), await (_refused(log, limit) if refused else _waiting(log, limit))
        desk.value([_brief(*each) for each in found])
        rows = [(job.id, job.task, job.queue or job.topic, from_now(at, now), why) for job, at, why in found]
        desk.table(("id", "task", "queue", "came", ""), rows, empty="the spool is empty" if not refused else "none")

    _look(desk, find)


@spool.command("status")
@desk
def status(desk: Desk) -> None:
    """Show how many jobs wait and since when, the engine that they are for, and what was wrong last."""

    async def tell(log: Log) -> None:
        it, place = await spooled.standing(log), desk.app.spool
        assert place is not None
        desk.value(
            {
                "spool": place.shown,
                "engine": desk.app.url,
                "waiting": it.waiting,
                "limit": place.limit,
                "oldest": None if it.oldest is None else round(it.oldest, 3),
                "refused": it.refused,
                "error": it.trouble.error if it.trouble else None,
                "error_at": iso(it.trouble.at) if it.trouble else None,
            }
        )
        rows: list[tuple[str, object]] = [
            ("spool", place.shown),
            ("engine", desk.app.url),
            ("waiting", f"{it.waiting:,} of {place.limit:,}"),
            ("oldest", "" if it.oldest is None else span(it.oldest)),
            ("refused", f"{it.refused:,}"),
            ("last error", f"{from_now(it.trouble.at, it.now)}: {it.trouble.error}" if it.trouble else ""),
        ]
        desk.table(("", ""), rows)

    _look(desk, tell)


@spool.command("run")
@click.option("--burst", is_flag=True, help="End when nothing waits.")
@click.option(
    "--timeout", type=click.FloatRange(min=0), help="End after so many seconds; exit code 5 when jobs are left."
)
@talkative_desk
def run(desk: Desk, burst: bool, timeout: float | None) -> None:
    """Send on what waits, and what comes, until SIGTERM or SIGINT. Any number may run: one works at a time."""

    async def forward(log: Log) -> None:
        forwarder = Forwarder(log, lambda: _broker(desk), desk.app.bus)
        if timeout is not None:
            asyncio.get_running_loop().call_later(timeout, forwarder.stop)
        with Signals(None, forwarder.stop):
            desk.say(f"forwarder of {desk.spec} to {desk.app.url}")
            sys.stdout.flush()
            await forwarder.run(burst=burst)
        left, _ = await log.waiting()
        desk.value({"forwarded": forwarder.forwarded, "waiting": left})
        desk.say(f"{batches.jobs_text(forwarder.forwarded)} sent on, {left:,} wait")
        if left and timeout is not None:
            raise TimeoutError(f"{batches.jobs_text(left)} still wait in the spool after {timeout:g} s")

    _look(desk, forward)


@spool.command("retry")
@desk
def retry(desk: Desk) -> None:
    """Put what the engine did not take back among what waits, at its end."""

    async def order(log: Log) -> None:
        done = 0
        while page := await log.refused():
            await log.add([it.job for _, it in page])
            await log.drop_refused([key for key, _ in page])
            done += len(page)
        desk.value({"retried": done})
        desk.say(f"put back {batches.jobs_text(done)}")

    _look(desk, order)


@spool.command("clear")
@click.option("--refused", is_flag=True, help="Only those that the engine did not take.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@desk
def clear(desk: Desk, refused: bool, yes: bool) -> None:
    """Drop what waits, for good. What is on its way at that moment may still arrive."""

    async def order(log: Log) -> None:
        it = await spooled.standing(log)
        count = it.refused if refused else it.waiting
        if count and not yes:
            click.confirm(f"Drop {batches.jobs_text(count)} of the spool?", abort=True)
        done = await (_drop_refused(log) if refused else _drop_waiting(log))
        desk.value({"cleared": done})
        desk.say(f"dropped {batches.jobs_text(done)}")

    _look(desk, order)


def _look(desk: Desk, work: Callable[[Log], Awaitable[T]]) -> T:
    """With the spool open, and the app closed in the end."""

    async def looked() -> T:
        try:
            async with spooled.opened(desk.app) as log:
                return await work(log)
        finally:
            await desk.app.close()

    return run_loop(looked())


async def _broker(desk: Desk) -> Broker:
    return broker_of(await desk.app.engine())


Found = list[tuple[Envelope, float, str]]


async def _waiting(log: Log, limit: int) -> Found:
    found: Found = []
    after = ""
    while len(found) < limit and (page := await log.entries(after)):
        found += [(job, entry.batch.at, "") for entry in page for job in entry.batch.jobs]
        after = page[-1].key
    return found[:limit]


async def _refused(log: Log, limit: int) -> Found:
    found: Found = []
    after = ""
    while len(found) < limit and (page := await log.refused(after)):
        found += [(it.job, it.at, it.why) for _, it in page]
        after = page[-1][0]
    return found[:limit]


async def _drop_waiting(log: Log) -> int:
    done = 0
    while page := await log.page():
        await log.remove(page)
        done += sum(len(entry.batch.jobs) for entry in page)
    return done


async def _drop_refused(log: Log) -> int:
    done = 0
    while page := await log.refused():
        await log.drop_refused([key for key, _ in page])
        done += len(page)
    return done


def _brief(job: Envelope, at: float, why: str) -> dict[str, Any]:
    told = {"id": job.id, "task": job.task, "queue": job.queue or job.topic, "came": iso(at)}
    return {**told, "reason": why} if why else told
