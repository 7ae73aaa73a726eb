"""The app of the ledger's processes: its engines are watched, its tasks write down when they begin and how they end."""

import asyncio
import importlib
import itertools
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from account import FAILED, Cut, Failed, Finished, Started, label
from ledger import KEPT, LEASE
from ledger.journal import Journal, now
from ledger.watched import Fuse, Watched, die, fault_of_mine
from workhorse import Batch, Context, Failure, Fixed, Job, Retry, Success, Workhorse
from workhorse.app import places
from workhorse.engines import open_engine

PULSE = 0.1

journal = Journal(Path(os.environ.get("LEDGER_JOURNALS", ".")), os.environ.get("LEDGER_WHO", "nobody"))
fuse = Fuse(journal, os.environ.get("LEDGER_FUSE", ""))
places.open_engine = lambda url: Watched(open_engine(url), journal, fuse)

app = Workhorse(
    os.environ.get("LEDGER_URL", "memory://ledger"),
    name="ledger",
    retry=Retry(3, Fixed(0.1)),
    retain=KEPT,
    result_ttl=60,
)
_runs = itertools.count()
if "MUTANT" in os.environ:  # the ledger is to notice that the library is wrong in this way
    importlib.import_module("mutants").from_environment()


class Refusal(Exception):
    """What a task raises that is to fail."""


@contextmanager
def _on_record(job: str, attempt: int, got: tuple[str, ...] = ()) -> Iterator[str]:
    """What is yielded is the run's result, which is told to whoever follows it."""
    run, who = f"{os.getpid()}.{next(_runs)}", journal.who
    started = Started(at=now(), who=who, job=job, run=run, attempt=attempt, got=got)
    journal.note(started)
    try:
        yield label(started)
    except Exception as error:
        journal.note(Failed(at=now(), who=who, job=job, run=run, error=str(error)))
        raise
    except BaseException:
        journal.note(Cut(at=now(), who=who, job=job, run=run))
        raise
    journal.note(Finished(at=now(), who=who, job=job, run=run))


@app.task
async def work(ctx: Context, seconds: float, fails: int = 0, key: str = "") -> str:
    """Take so long; fail at the first attempts. `key` is for limits, order and uniqueness."""
    with _on_record(ctx.job.id, ctx.attempt) as run:
        await asyncio.sleep(seconds)
        if ctx.attempt <= fails:
            raise Refusal(f"attempt {ctx.attempt} is to fail")
        return run


@app.task(retry=Retry(2, Fixed(0.1)))
async def hopeless(ctx: Context) -> str:
    with _on_record(ctx.job.id, ctx.attempt):
        raise Refusal(f"attempt {ctx.attempt} always fails")


@app.task
def block(ctx: Context, seconds: float) -> None:
    """In a thread."""
    with _on_record(ctx.job.id, ctx.attempt):
        time.sleep(seconds)


@app.task(run_in="process")
def crunch(job: str, number: int) -> int:
    """In a process of the worker's pool; it never fails, so its attempt is the first."""
    with _on_record(job, 1):
        return sum(each * each for each in range(number))


@app.task(max_crashes=100)
async def outlast(ctx: Context, leases: float) -> None:
    """Longer than a lease; hence killed more often than others."""
    with _on_record(ctx.job.id, ctx.attempt):
        await asyncio.sleep(leases * LEASE)


@app.task(queue="risky")
async def poison(ctx: Context) -> None:
    """Kill the worker that runs it."""
    with _on_record(ctx.job.id, ctx.attempt):
        die(journal, "poison")


@app.task(batch=Batch(size=5, wait=0.05), retry=Retry(0))
async def together(items: list[tuple[str, bool]]) -> list[str | BaseException]:
    """Many at once, which know their ids, and whether they are to fail; none is tried again, so their attempt is the first."""
    return await asyncio.gather(*(_item(*item) for item in items), return_exceptions=True)


async def _item(job: str, fails: bool) -> str:
    with _on_record(job, 1) as run:
        await asyncio.sleep(0.01)
        if fails:
            raise Refusal("it is to fail, and nobody with it")
        return run


@app.task
async def follow(ctx: Context, result: str) -> None:
    """After a success."""
    with _on_record(ctx.job.id, ctx.attempt, (result,)):
        await asyncio.sleep(0.005)


@app.task
async def mourn(ctx: Context, dead: Job[Any]) -> None:
    """After a death."""
    with _on_record(ctx.job.id, ctx.attempt, (dead.id,)):
        await asyncio.sleep(0.005)


@app.task
async def collect(ctx: Context, ends: list[Success[str] | Failure]) -> None:
    """After all of a group."""
    with _on_record(ctx.job.id, ctx.attempt, tuple(it.value if it.successful else FAILED for it in ends)):
        await asyncio.sleep(0.005)


def _pulse() -> None:
    """A machine that does not let this process run costs it leases, and is no fault of anyone here: it goes on record."""
    while True:
        due = now() + PULSE
        time.sleep(PULSE)
        if now() - due > LEASE / 4:
            journal.note(fault_of_mine(journal, "starved", due))


if "LEDGER_WHO" in os.environ:
    threading.Thread(target=_pulse, name="ledger-pulse", daemon=True).start()
