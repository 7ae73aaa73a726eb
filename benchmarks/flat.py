"""Flatness: what a job costs does not grow with what waits, what is scheduled, what is parked, how many queues there are, how long
a worker has lived."""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import processes
from peer import Peer
from plan import Plan
from stage import Failed, Stage
from workhorse import Workhorse
from workhorse.engine import Broker, Claim, Envelope, Lane, Succeeded, Unique

BATCH = 100
CHUNK = 1000
TOMORROW = 86_400.0
CONCURRENCY = 100
KEYS = 1000


def costs(peer: Peer, plan: Plan) -> dict[str, float]:
    """Microseconds of a claim and a settle, a job, by what else lies there; each line adds to those before it."""
    with Stage(peer) as stage:
        stage.empty()
        return asyncio.run(_costs(stage.server.url, plan))


async def _costs(url: str, plan: Plan) -> dict[str, float]:
    told: dict[str, float] = {}
    async with open_broker(url) as broker:
        waiting = 0
        for wanted in plan.waiting:
            await publish(broker, jobs(wanted - waiting))
            waiting = wanted
            told[f"{wanted:,} waiting"] = await _cost(broker, ["bench"], plan.batches)
        await publish(broker, jobs(plan.scheduled, priority=3, delay=TOMORROW))
        told[f"and {plan.scheduled:,} for tomorrow at a higher priority"] = await _cost(broker, ["bench"], plan.batches)
        await publish(broker, jobs(plan.parked, lane=Lane("bench/lane", ordered=True)))
        told[f"and {plan.parked:,} parked in one lane"] = await _cost(broker, ["bench"], plan.batches)
    return told


def queues(peer: Peer, plan: Plan) -> dict[str, float]:
    """The same cost for a worker of one queue, and of many."""
    told: dict[str, float] = {}
    with Stage(peer) as stage:
        for count in (1, plan.queues):
            stage.empty()
            told[f"{count} queue{'s' * (count > 1)}"] = asyncio.run(_queues(stage.server.url, plan, count))
    return told


async def _queues(url: str, plan: Plan, count: int) -> float:
    names = [f"queue-{number}" for number in range(count)]
    async with open_broker(url) as broker:
        for name in names:
            await publish(broker, jobs(2 * BATCH * plan.batches // count, queue=name))
        return await _cost(broker, names, plan.batches)


def keyed(peer: Peer, plan: Plan) -> dict[str, float]:
    """Microseconds of a publish, a claim and a settle, a job, by what the jobs carry."""
    kinds: dict[str, Callable[[int], dict[str, Any]]] = {
        "plain jobs, enqueued and run": lambda number: {},
        "each with a unique key": lambda number: {"unique": Unique(f"bench/{uuid4().hex}")},
        f"in {KEYS:,} lanes of five": lambda number: {"lane": Lane(f"bench/wide-{number % KEYS}", 5)},
        f"in {KEYS:,} ordered lanes": lambda number: {"lane": Lane(f"bench/ordered-{number % KEYS}", ordered=True)},
    }
    with Stage(peer) as stage:
        stage.empty()
        return asyncio.run(_keyed(stage.server.url, plan, kinds))


async def _keyed(url: str, plan: Plan, kinds: Mapping[str, Callable[[int], dict[str, Any]]]) -> dict[str, float]:
    told: dict[str, float] = {}
    async with open_broker(url) as broker:
        for what, said in kinds.items():
            spent = [await _through(broker, turn * KEYS, said) for turn in range(max(2, plan.batches // 4))]
            told[what] = statistics.median(spent) * 1e6
    return told


async def _through(broker: Broker, first: int, said: Callable[[int], dict[str, Any]]) -> float:
    """A thousand jobs, published at once and run a hundred at a time: seconds a job."""
    batch = [next(jobs(1, **said(number))) for number in range(first, first + KEYS)]
    begun = time.perf_counter()
    await broker.publish(batch)
    for _ in range(KEYS // BATCH):
        await broker.settle([Succeeded(claim) for claim in await broker.claim(["bench"], BATCH, 30)])
    return (time.perf_counter() - begun) / KEYS


@asynccontextmanager
async def open_broker(url: str) -> AsyncIterator[Broker]:
    async with Workhorse(url, name="bench", retain=0) as app:
        yield (await app.engine()).broker


async def _cost(broker: Broker, queues: Sequence[str], batches: int) -> float:
    """Microseconds, a batch after the other; for each job ended a new one comes, so that as many wait as before."""
    spent: list[float] = []
    for _ in range(batches):
        spent.append(await turn(broker, queues))
    return statistics.median(spent) * 1e6


async def turn(broker: Broker, queues: Sequence[str]) -> float:
    """One claim and one settle: seconds a job."""
    begun = time.perf_counter()
    claims = await broker.claim(queues, BATCH, 30)
    await broker.settle([Succeeded(claim) for claim in claims])
    spent = time.perf_counter() - begun
    if len(claims) < BATCH:
        raise Failed(f"expected {BATCH} jobs of a claim, got {len(claims)}")
    await broker.publish(list(like(claims)))
    return spent / BATCH


def jobs(count: int, **said: Any) -> Iterator[Envelope]:
    for _ in range(count):
        yield Envelope(uuid4().hex, "noop", b"x" * 100, **{"queue": "bench", **said})


def like(claims: Sequence[Claim]) -> Iterator[Envelope]:
    for claim in claims:
        yield from jobs(1, queue=claim.job.queue)


async def publish(broker: Broker, jobs: Iterator[Envelope]) -> None:
    while chunk := [job for _, job in zip(range(CHUNK), jobs, strict=False)]:
        await broker.publish(chunk)


def lifetime(peer: Peer, plan: Plan) -> list[dict[str, float]]:
    """One worker's memory after each tenth of its jobs, and how fast that tenth was, enqueued and run at once."""
    tenth, told = plan.lifetime // 10, list[dict[str, float]]()
    with Stage(peer) as stage:
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
