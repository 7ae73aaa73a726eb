"""What a process does that dies beside a spool: an app whose jobs are of one ordered lane and write a ledger, and the parts that such a
process plays."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import crashing_on
from crash_app import write
from crashing import CODE
from workhorse import Workhorse
from workhorse.core.instrument import Bus
from workhorse.durable.spool import lease, log
from workhorse.durable.spool.forwarder import Forwarder
from workhorse.engine import Broker
from workhorse.engines import open_engine

NOWHERE: Final = "redis://127.0.0.1:9"
SINGLE, MANY = 6, 30
LEASE: Final = 0.3
"""Seconds: whoever follows a dead forwarder waits for so long."""


def make(url: str, spool: str, ledger: str) -> Workhorse:
    """The app; every process makes its own."""
    app = Workhorse(url, name="crash", spool=spool, enqueue_timeout=5)

    @app.task(name="note", ordered_by="{lane}")
    async def note(n: int, lane: str = "one") -> None:
        write(ledger, "ran", n)

    return app


async def produce(app: Workhorse, spool: str, ledger: str) -> None:
    """One by one, then many at once: the engine is away."""
    async with app:
        for n in range(SINGLE):
            write(ledger, "asked", n)
            await app.enqueue(app.job("note", n))
            write(ledger, "acked", n)
        many = range(SINGLE, SINGLE + MANY)
        for n in many:
            write(ledger, "asked", n)
        await app.enqueue_many([app.job("note", n) for n in many])
        for n in many:
            write(ledger, "acked", n)


async def forward(app: Workhorse, spool: str, ledger: str) -> None:
    """All that waits, a few batches at a time."""
    log.LEAST = log.MOST = 2
    near = open_engine(f"sqlite:///{spool}")
    await near.open()
    assert near.store is not None
    place = log.Log(near.store, "crash", spool)

    async def far() -> Broker:
        broker = (await app.engine()).broker
        assert broker is not None
        return broker

    forwarder = Forwarder(place, far, Bus())
    await forwarder.run(burst=True)
    await near.close()
    await app.close()


def start(part: str, url: str, spool: Path, ledger: Path, **environment: str) -> "subprocess.Popen[str]":
    """A process with this part."""
    command = [sys.executable, __file__, part, url, str(spool), str(ledger)]
    return subprocess.Popen(command, env={**os.environ, **environment}, stderr=subprocess.PIPE, text=True)


def ended(child: "subprocess.Popen[str]", code: int = 0) -> None:
    """It ended so."""
    _, said = child.communicate(timeout=60)
    assert child.returncode == code, f"exit code {child.returncode}\n{said}"


def die(part: str, point: str, url: str, spool: Path, ledger: Path) -> None:
    """It is dead at this point."""
    mark = ledger.with_name(f"mark-{part}")
    ended(start(part, url, spool, ledger, CRASH_AT=point, CRASH_MARK=str(mark)), CODE)
    assert mark.exists(), f"{point} was never reached"


def said(ledger: Path, word: str) -> Sequence[int]:
    """The numbers behind this word, in their order."""
    lines = [line.split() for line in ledger.read_text().splitlines()] if ledger.exists() else []
    return [int(n) for it, n in lines if it == word]


async def run_all(url: str, spool: Path, ledger: Path) -> None:
    """A worker does all there is to do at the engine."""
    app = make(url, str(spool), str(ledger))
    await app.worker(burst=True, signals=()).run()
    await app.close()


if __name__ == "__main__":
    part, url, spool, ledger = sys.argv[1:]
    lease.LENGTH = LEASE
    crashing_on.install(url)
    if not url.startswith("sqlite:"):
        crashing_on.install("sqlite:")  # of the spool
    asyncio.run({"produce": produce, "forward": forward}[part](make(url, spool, ledger), spool, ledger))
