"""What only ours is asked: tasks of a millisecond, and neighbours of busy workers on the same file."""

import asyncio
import random
import sqlite3
import statistics
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from typing import Any

from peer import Peer
from plan import Plan
from stage import Stage, quantile
from work import PAYLOAD
from workhorse import Workhorse

CONCURRENCY = 100
WORKERS = 3
PAUSE = "0.001"


def busy(peer: Peer, plan: Plan) -> dict[str, Any]:
    """Jobs that hold their loop for a millisecond: two processes are to be faster than one."""
    with Stage(peer, {"BENCH_PAUSE": PAUSE}) as stage:
        stage.empty()
        stage.enqueue("bulk", plan.busy_jobs, 60)
        stage.keep()
        return {
            f"processes_{count}": [
                stage.drain(plan.busy_jobs, plan.drain * 2, count, CONCURRENCY)["rate"] for _ in range(plan.rounds)
            ]
            for count in (1, 2)
        }


def neighbours(peer: Peer, plan: Plan) -> dict[str, Any]:
    """How long others wait while three worker processes empty a full queue: milliseconds."""
    with Stage(peer) as stage:
        stage.empty()
        stage.enqueue("bulk", plan.neighbour_jobs, 120)
        with closing(_connect(stage)) as con:
            con.execute("create table mine (id integer primary key, note text)")
        stage.keep()
        return {
            "enqueue": _beside(stage, plan, lambda: asyncio.run(_enqueues(stage, plan))),
            "insert": _beside(stage, plan, lambda: _inserts(stage, plan)),
        }


def _beside(stage: Stage, plan: Plan, probe: Callable[[], list[float]]) -> dict[str, float]:
    stage.again()
    stage.start(WORKERS, CONCURRENCY)
    stage.wait_for_jobs(1, 30)
    waits = sorted(probe())
    left = max(0, plan.neighbour_jobs - stage.ran)
    stage.stop()
    return {
        "samples": len(waits), "p50_ms": statistics.median(waits), "p99_ms": quantile(waits, 0.99), "worst_ms": waits[-1],
        "jobs_left": left,
    }  # fmt: skip


async def _enqueues(stage: Stage, plan: Plan) -> list[float]:
    """A single enqueue now and then, from this process."""
    async with Workhorse(stage.server.url, name="bench", retain=0) as app:
        job = app.remote("noop", result_ttl=0)
        waits: list[float] = []
        while len(waits) < plan.probes and stage.ran < plan.neighbour_jobs:
            waits.append(await _timed(lambda: job.enqueue(**PAYLOAD)))
            await asyncio.sleep(random.uniform(0.001, 0.005))
        return waits


async def _timed(call: Callable[[], Awaitable[object]]) -> float:
    begun = time.perf_counter()
    await call()
    return (time.perf_counter() - begun) * 1e3


def _inserts(stage: Stage, plan: Plan) -> list[float]:
    """The user's own table in the same file, by a connection that knows nothing of Workhorse."""
    waits: list[float] = []
    with closing(_connect(stage)) as con:
        while len(waits) < plan.probes and stage.ran < plan.neighbour_jobs:
            begun = time.perf_counter()
            con.execute("insert into mine (note) values (?)", (PAYLOAD["note"],))
            con.commit()
            waits.append((time.perf_counter() - begun) * 1e3)
            time.sleep(random.uniform(0.001, 0.005))
    return waits


def _connect(stage: Stage) -> sqlite3.Connection:
    return sqlite3.connect(stage.folder / "ours.db", timeout=60)
