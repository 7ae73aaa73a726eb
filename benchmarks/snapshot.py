"""A stranger's transaction held open on PostgreSQL: no row version that ended since can be cleaned away, and claims must not walk
over them."""

import asyncio
import statistics
import time

import asyncpg

from flat import jobs, open_broker, publish, turn
from peer import Peer
from plan import Plan
from stage import Stage
from workhorse.engine import Broker

WAITING = 10_000
SLICES = 4


def snapshot(peer: Peer, plan: Plan) -> dict[str, float]:
    """Microseconds of a claim and a settle, a job: before, while it is held, and after it."""
    with Stage(peer) as stage:
        stage.empty()
        return asyncio.run(_snapshot(stage.server.url, plan.snapshot / SLICES))


async def _snapshot(url: str, seconds: float) -> dict[str, float]:
    async with open_broker(url) as broker:
        await publish(broker, jobs(WAITING))
        told = {"before": await _work(broker, seconds)}
        stranger = await asyncpg.connect(url, ssl=False)
        async with stranger.transaction(isolation="repeatable_read"):
            await stranger.execute("select count(*) from pg_class")  # the first statement takes the snapshot
            for number in range(1, SLICES + 1):
                told[f"held, until {number * seconds:.3g} s"] = await _work(broker, seconds)
        told["after"] = await _work(broker, seconds)
        await stranger.close()
    return told


async def _work(broker: Broker, seconds: float) -> float:
    end, spent = time.monotonic() + seconds, list[float]()
    while time.monotonic() < end:
        spent.append(await turn(broker, ["bench"]))
    return statistics.median(spent) * 1e6
