"""Flatness: what a job costs does not grow with what waits, what is scheduled, what is parked, how many queues there are, how long
a worker has lived."""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import uuid4

import environments
import processes
from plan import Plan
from registry import OURS
from stage import Stage
from workhorse import Workhorse
from workhorse.engine import Broker, Claim, Envelope, Lane, Succeeded

BATCH = 100
CHUNK = 1000
TOMORROW = 86_400.0
CONCURRENCY = 100


def costs(plan: Plan) -> dict[str, float]:
    """Microseconds of a claim and a settle, a job, by what else lies in the file; each line adds to those before it."""
    return asyncio.run(_costs(plan))


async def _costs(plan: Plan) -> dict[str, float]:
    told: dict[str, float] = {}
    with tempfile.TemporaryDirectory(dir=environments.disk()) as folder:
        async with Workhorse(f"sqlite:///{folder}/flat.db", name="bench", retain=0) as app:
            broker = (await app.engine()).broker
            waiting = 0
            for wanted in plan.waiting:
                await _publish(broker, _jobs(wanted - waiting))
                waiting = wanted
                told[f"{wanted:,} waiting"] = await _cost(broker, ["bench"], plan.batches)
            await _publish(broker, _jobs(plan.scheduled, priority=3, delay=TOMORROW))
            told[f"and {plan.scheduled:,} for tomorrow at a higher priority"] = await _cost(
                broker, ["bench"], plan.batches
            )
            await _publish(broker, _jobs(plan.parked, lane=Lane("bench/lane", ordered=True)))
            told[f"and {plan.parked:,} parked in one lane"] = await _cost(broker, ["bench"], plan.batches)
    return told


def queues(plan: Plan) -> dict[str, float]:
    """The same cost for a worker of one queue, and of many."""
    return asyncio.run(_queues(plan))


async def _queues(plan: Plan) -> dict[str, float]:
    told: dict[str, float] = {}
    for count in (1, plan.queues):
        names = [f"queue-{number}" for number in range(count)]
        with tempfile.TemporaryDirectory(dir=environments.disk()) as folder:
            async with Workhorse(f"sqlite:///{folder}/queues.db", name="bench", retain=0) as app:
                broker = (await app.engine()).broker
                for name in names:
                    await _publish(broker, _jobs(2 * BATCH * plan.batches // count, queue=name))
                told[f"{count} queue{'s' * (count > 1)}"] = await _cost(broker, names, plan.batches)
    return told


async def _cost(broker: Broker, queues: Sequence[str], batches: int) -> float:
    """Claims and settles a batch after the other; for each job ended a new one comes, so that as many wait as before."""
    spent: list[float] = []
    for _ in range(batches):
        begun = time.perf_counter()
        claims = await broker.claim(queues, BATCH, 30)
        await broker.settle([Succeeded(claim) for claim in claims])
        spent.append((time.perf_counter() - begun) / max(1, len(claims)))
        assert len(claims) == BATCH, f"expected {BATCH} jobs, got {len(claims)}"
        await broker.publish(list(_like(claims)))
    return statistics.median(spent) * 1e6


def _jobs(count: int, **said: Any) -> Iterator[Envelope]:
    for _ in range(count):
        yield Envelope(uuid4().hex, "noop", b"x" * 100, **{"queue": "bench", **said})


def _like(claims: Sequence[Claim]) -> Iterator[Envelope]:
    for claim in claims:
        yield from _jobs(1, queue=claim.job.queue)


async def _publish(broker: Broker, jobs: Iterator[Envelope]) -> None:
    while chunk := [job for _, job in zip(range(CHUNK), jobs, strict=False)]:
        await broker.publish(chunk)


def lifetime(plan: Plan) -> list[dict[str, float]]:
    """One worker's memory after each tenth of its jobs, and how fast that tenth was, enqueued and run at once."""
    tenth, told = plan.lifetime // 10, list[dict[str, float]]()
    with Stage(OURS) as stage:
        stage.empty()
        stage.start(1, CONCURRENCY)
        for number in range(1, 11):
            begun = time.monotonic()
            stage.enqueue("bulk", tenth, 600)
            stage.wait_for_jobs(number * tenth, 600)
            told.append({
                "jobs": number * tenth, "memory_mib": processes.memory(stage.groups, "VmRSS"),
                "rate": tenth / (time.monotonic() - begun),
            })  # fmt: skip
    return told
