"""`workhorse worker APP`: run jobs, in this process or in several."""

import signal
import sys
import time
from contextlib import AsyncExitStack, suppress
from functools import partial
from typing import Any

import click

from workhorse.cli.about import release
from workhorse.cli.crew import Settings, hired, work
from workhorse.cli.quantities import address, memory, several
from workhorse.cli.shared import Desk, talkative_desk
from workhorse.core.errors import BrokerUnavailable, DeclarationError, WorkhorseError
from workhorse.core.names import did_you_mean
from workhorse.worker.budget import LocalBudget
from workhorse.worker.counts import Counts
from workhorse.worker.health import Probe, serving
from workhorse.worker.supervisor import supervise

Health = tuple[str, int] | None


@click.command("worker", short_help="Run jobs.")
@click.argument("app")
@click.option("--processes", type=click.IntRange(min=1), default=1, show_default=True, help="Worker processes.")
@click.option("--concurrency", type=click.IntRange(min=1), default=100, show_default=True, help="Jobs at once in each.")
@click.option(
    "--queues",
    metavar="NAMES",
    callback=several,
    help="Whose jobs, with commas between. Default: those of the app's tasks.",
)
@click.option("--burst", is_flag=True, help="End when nothing runs here and nothing is due.")
@click.option("--max-jobs", type=click.IntRange(min=1), help="End after exactly so many, over all processes.")
@click.option(
    "--grace", type=click.FloatRange(min=0), default=25, show_default=True, help="Seconds for running jobs at shutdown."
)
@click.option(
    "--lease", type=click.FloatRange(min=0.1), default=30, show_default=True,
    help="Seconds for which a silent worker keeps its jobs.",
)  # fmt: skip
@click.option(
    "--health", metavar="HOST:PORT", callback=address, help="Answer /livez and /readyz there, such as 127.0.0.1:8081."
)
@click.option("--max-memory", metavar="SIZE", callback=memory, help="Recycle a process that holds more, such as 512MB.")
@talkative_desk
def worker(
    desk: Desk, /, processes: int, max_jobs: int | None, health: Health, max_memory: int | None, **chosen: Any
) -> None:
    """Run jobs until SIGTERM or SIGINT: then claim no more, give running jobs --grace seconds, hand the rest back.

    A second signal stops at once. Each dead job is one line of the log.
    """
    app = desk.app
    _refuse_memory(app.url, processes, max_memory)
    chosen["queues"] = chosen["queues"] or app.registry.queues()
    settings = Settings(desk.spec, desk.level, desk.form, **chosen)
    began = time.monotonic()
    before = signal.signal(signal.SIGTERM, _stopped_early)
    try:
        counts = _work(desk, settings, processes, max_jobs, max_memory, health)
    finally:
        signal.signal(signal.SIGTERM, before)
    _farewell(desk, counts, time.monotonic() - began)


def _work(
    desk: Desk, settings: Settings, processes: int, max_jobs: int | None, max_memory: int | None, health: Health
) -> Counts:
    if processes == 1 and max_memory is None:
        return desk.use(lambda desk: _alone(desk, settings, max_jobs, health))
    desk.use(_ready)
    _welcome(desk, settings, processes)
    return supervise(
        partial(work, settings), processes=processes, grace=settings.grace, bus=desk.app.bus,
        max_memory=max_memory, max_jobs=max_jobs, health=health,
    )  # fmt: skip


async def _ready(desk: Desk) -> None:
    """A database that cannot be used is told once, before all else; one that is away is waited for."""
    with suppress(BrokerUnavailable):
        await desk.app.engine()


async def _alone(desk: Desk, settings: Settings, max_jobs: int | None, health: Health) -> Counts:
    await _ready(desk)
    hand = hired(desk.app, settings, LocalBudget(max_jobs))
    async with AsyncExitStack() as stack:
        if health is not None:
            try:
                await stack.enter_async_context(serving(*health, lambda: Probe(hand.healthy, hand.ready)))
            except OSError as error:
                raise WorkhorseError(f"--health: cannot listen on {health[0]}:{health[1]}: {error}") from error
        _welcome(desk, settings, 1)
        return await hand.run()


def _refuse_memory(url: str, processes: int, max_memory: int | None) -> None:
    if url.startswith("memory://") and (processes > 1 or max_memory is not None):
        what = f"--processes {processes}" if processes > 1 else "--max-memory"
        raise DeclarationError(
            f"{what}: expected an engine that several processes share, got {url}, which lives in one; "
            f"use a file: sqlite:///jobs.db"
        )


def _welcome(desk: Desk, settings: Settings, processes: int) -> None:
    app = desk.app
    tasks = [task.name for task in app.registry]
    start = {
        "app": desk.spec, "engine": app.url, "queues": settings.queues, "tasks": tasks, "processes": processes,
        "concurrency": settings.concurrency, "lease": settings.lease,
    }  # fmt: skip
    desk.value(start)
    desk.say(f"workhorse {release()}, worker of {desk.spec}")
    desk.say(f"  engine  {app.url}")
    desk.say(f"  queues  {', '.join(settings.queues) or 'none'}")
    desk.say(f"  tasks   {', '.join(tasks) or 'none: nothing to do'}")
    desk.say(
        f"  {processes} process{'es' * (processes > 1)}, {settings.concurrency} jobs at once, lease {settings.lease:g} s"
    )
    known = app.registry.queues()
    for queue in (queue for queue in settings.queues if queue not in known):
        desk.remark(f"note: no task here names the queue {queue!r}{did_you_mean(queue, known)}")
    sys.stdout.flush()


def _farewell(desk: Desk, counts: Counts, seconds: float) -> None:
    told = {name: getattr(counts, name) for name in ("succeeded", "retried", "released", "dead", "cancelled")}
    desk.value({**told, "seconds": round(seconds, 3)})
    words = {**told, "handed back": told.pop("released")}
    words.pop("released")
    desk.say(f"{', '.join(f'{number:,} {word}' for word, number in words.items())} in {seconds:.1f} s")


def _stopped_early(number: int, frame: object) -> None:
    """A signal that comes before the worker heeds signals: there is nothing to hand back yet."""
    sys.exit(0)
