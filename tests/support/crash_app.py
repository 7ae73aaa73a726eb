"""What a process does that dies at a crash point: an app whose tasks write a ledger, and the parts that such a process plays."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Final

import crashing
import crashing_on
from workhorse import Context, Fixed, GiveUp, Retry, Workhorse
from workhorse.core.happenings import ProcessDied
from workhorse.core.instrument import Bus
from workhorse.engine import Filter
from workhorse.worker.link import Link
from workhorse.worker.supervisor import supervise
from workhorse.worker.worker import Worker

LEASE: Final = 2.0
"""Of a worker that dies. The test moves the clock past it."""

PRUNED_AT: Final = 3
TICKETS: Final = 6
SLOTS: Final = 2

doomed: list[Worker] = []
"""This process's own worker, if it is to die."""


def write(ledger: str, word: str, job: object) -> None:
    """Append a line; one write, so that no death tears it."""
    file = os.open(ledger, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, f"{word} {job}\n".encode())
    os.close(file)


def make(url: str, ledger: str) -> Workhorse:
    """The app; every process makes its own."""
    app = Workhorse(url, name="crash", retry=Retry(1, Fixed(0)))

    @app.task(name="note")
    async def note(n: int, padding: str = "") -> int:
        write(ledger, "start", n)
        crashing.cross("handler.middle")
        write(ledger, "done", n)
        return n

    @app.task(name="fail_once")
    async def fail_once(ctx: Context, n: int) -> int:
        write(ledger, "start", n)
        if ctx.attempt == 1:
            raise ValueError("the first attempt fails")
        write(ledger, "done", n)
        return n

    @app.task(name="give_up")
    async def give_up(n: int) -> None:
        write(ledger, "start", n)
        raise GiveUp("hopeless")

    @app.task(name="speak")
    async def speak(ctx: Context, n: int) -> int:
        write(ledger, "start", n)
        await ctx.progress(0.5, "half way")
        write(ledger, "done", n)
        return n

    @app.task(name="forget", result_ttl=0)
    async def forget(n: int, padding: str) -> None:
        write(ledger, "start", n)
        write(ledger, "done", n)

    @app.task(name="linger")
    async def linger(n: int, stop: bool) -> int:
        """For ever, in a worker that is to die; it stops that worker itself, if told."""
        write(ledger, "start", n)
        if doomed:
            if stop:
                doomed[0].stop()
            await asyncio.Event().wait()
        write(ledger, "done", n)
        return n

    return app


async def work(app: Workhorse, ledger: str) -> None:
    doomed.append(app.worker(concurrency=SLOTS, burst=True, lease=LEASE, grace=0, signals=()))
    await doomed[0].run()


async def work_and_prune(app: Workhorse, ledger: str) -> None:
    crashing_on.prune_at(app.url, PRUNED_AT)
    await work(app, ledger)


async def produce(app: Workhorse, ledger: str) -> None:
    for n in range(5):
        job = app.job("note", n)
        write(ledger, "asked", f"{n} {job.id}")
        await app.enqueue(job)
        write(ledger, "acked", f"{n} {job.id}")


async def cancel(app: Workhorse, ledger: str) -> None:
    inspector = (await app.engine()).inspector
    assert inspector is not None
    await inspector.cancel(Filter(task="note"))


async def retry(app: Workhorse, ledger: str) -> None:
    inspector = (await app.engine()).inspector
    assert inspector is not None
    await inspector.retry(Filter(status="dead"))


async def migrate(app: Workhorse, ledger: str) -> None:
    await app.engine()


PARTS: Final[dict[str, Callable[[Workhorse, str], Awaitable[None]]]] = {
    part.__name__: part for part in (work, work_and_prune, produce, cancel, retry, migrate)
}


def one_of_several(url: str, ledger: str, link: Link) -> object:
    """A worker process under a supervisor."""
    crashing_on.install(url)
    worker = make(url, ledger).worker_of(link.budget, concurrency=SLOTS, lease=LEASE, signals=link.signals)
    return link.run(worker)


def lead(url: str, ledger: str) -> None:
    """Two of them; whoever dies is written down."""
    bus = Bus()
    bus.listen(ProcessDied, lambda it: write(ledger, "died", it.code))
    supervise(partial(one_of_several, url, ledger), processes=2, grace=5, bus=bus, max_jobs=TICKETS)


async def play(part: str, url: str, ledger: str) -> None:
    app = make(url, ledger)
    await PARTS[part](app, ledger)
    await app.close()


def main(part: str, url: str, ledger: str) -> None:
    """Play the part until death."""
    if part == "lead":
        lead(url, ledger)
        return
    crashing_on.install(url)
    asyncio.run(play(part, url, ledger))


def command(part: str, url: str, ledger: Path) -> list[str]:
    """What starts a process with this part."""
    return [sys.executable, __file__, part, url, str(ledger)]


if __name__ == "__main__":
    import crash_app  # under its own name, so that processes of a supervisor find it

    crash_app.main(*sys.argv[1:])
