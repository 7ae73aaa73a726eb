"""No script on Redis keeps the server from others for long: each does a bounded part of what there is to do at once.

Told by the commands that one script calls, of which a server does about a thousand in a millisecond."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from servers import Redis
from servers.fixtures import Own
from workhorse.engine import Claim, Dead, Envelope, Filter, Lane, Put, Retried, Succeeded, Unique
from workhorse.engines.redis.engine import RedisEngine, redis
from workhorse.engines.redis.link import Link
from workhorse.engines.redis.scripts import Script
from workhorse.testing.conformance.words import LEASE, QUEUE, ids, job, publish, settle

MANY = 3_000
MOST = 1_000
"""Commands of one script."""

LANE = Lane("mail/ada")
WIDE = Lane("mail/ada", width=MANY)


class Work:
    """The most commands that one call of each script made."""

    def __init__(self, server: Redis) -> None:
        self._server, self._alone = server, asyncio.Lock()
        self.most = Counter[str]()

    async def measured(self, link: Link, script: Script, *args: Any) -> Any:
        async with self._alone:
            before = self._called()
            answer = await RUN(link, script, *args)
            self.most[script.name] = max(self.most[script.name], self._called() - before)
        return answer

    def _called(self) -> int:
        return sum(stat["calls"] for stat in self._server.call("INFO", "commandstats").values())


RUN = Link.run


@pytest.fixture
def server(own: Own) -> Redis:
    made: Redis = own(Redis, clock=True, fast=True)
    return made


@pytest_asyncio.fixture
async def engine(server: Redis, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RedisEngine]:
    """At its end: no script did more than it may."""
    made, work = redis(server.url(retain=60)), Work(server)
    monkeypatch.setattr(Link, "run", lambda link, script, *args: work.measured(link, script, *args))
    await made.open()
    yield made
    await made.close()
    assert work.most.total() > 0
    assert {name: calls for name, calls in work.most.items() if calls > MOST} == {}


def jobs(count: int, **fields: Any) -> list[Envelope]:
    return [job(f"parent~1~{n}", **fields) for n in range(count)]


async def held(engine: RedisEngine, *jobs: Envelope) -> list[Claim]:
    await publish(engine.broker, *jobs)
    return await claimed(engine)


async def claimed(engine: RedisEngine) -> list[Claim]:
    """All that one call brings."""
    return await engine.broker.claim([QUEUE], 2 * MANY, LEASE)


async def slept(engine: RedisEngine) -> None:
    """A worker with nothing to do, until it really sleeps; what it claims on the way stays with it."""
    waiting = asyncio.create_task(engine.broker.wait([QUEUE], 1, 3600))
    while not await engine.link.ask("EXISTS", engine.link.key("asleep")):
        if waiting.done():
            await claimed(engine)
            waiting = asyncio.create_task(engine.broker.wait([QUEUE], 1, 3600))
    waiting.cancel()


async def test_a_lane_that_grows_by_thousands(engine: RedisEngine) -> None:
    assert len(await held(engine, *jobs(MANY, lane=LANE))) == 1
    assert len(await held(engine, job("last", lane=WIDE))) == MANY - 1
    assert (await engine.inspector.count("status"))["parked"] == {QUEUE: 1}


async def test_it_grows_on_though_nobody_ever_settles(engine: RedisEngine, server: Redis) -> None:
    """Its jobs are not due yet, so no claim finds any: who would sleep sees to the lane first."""
    await publish(engine.broker, *jobs(MANY, lane=Lane(LANE.key, ordered=True), delay=LEASE))
    await publish(engine.broker, job("last", lane=Lane(LANE.key, width=MANY, ordered=True)))
    await slept(engine)
    server.jump(LEASE + 1)
    assert len(await claimed(engine)) == MANY


async def test_thousands_parked_in_a_lane_that_becomes_ordered_and_stops_being_so(engine: RedisEngine) -> None:
    """By acceptance while it is ordered, by level before and after."""
    by_level = [job(f"{n}", lane=LANE, priority=1 + n % 3) for n in range(MANY)]
    (first,) = await held(engine, job("first", lane=LANE), *by_level)
    await publish(engine.broker, job("last", lane=Lane(LANE.key, ordered=True)))
    await settle(engine.broker, Succeeded(first))
    (second,) = await claimed(engine)
    await publish(engine.broker, job("very last", lane=LANE))
    await settle(engine.broker, Succeeded(second))
    (third,) = await claimed(engine)
    assert (second.job.id, third.job.id) == ("0", "2")


async def test_thousands_of_a_lane_come_due_at_once(engine: RedisEngine, server: Redis) -> None:
    await publish(engine.broker, *jobs(MANY, lane=LANE, delay=LEASE))
    server.jump(LEASE + 1)
    assert len(await claimed(engine)) == 1
    assert (await engine.inspector.count("status"))["parked"] == {QUEUE: MANY - 1}


async def test_thousands_come_due_in_a_lane_with_a_rate(engine: RedisEngine, server: Redis) -> None:
    await publish(engine.broker, *jobs(MANY, lane=Lane(LANE.key, width=None, every=1, burst=5), delay=LEASE))
    server.jump(LEASE + 1)
    assert len(await claimed(engine)) == 5


async def test_thousands_of_leases_run_out(engine: RedisEngine, server: Redis) -> None:
    assert len(await held(engine, *jobs(MANY))) == MANY
    await publish(engine.broker, *(job(f"other~1~{n}", queue="other") for n in range(MANY)))
    assert len(await engine.broker.claim(["other"], MANY, LEASE)) == MANY
    server.jump(LEASE + 1)
    found = await engine.broker.claim([QUEUE, "other"], 2 * MANY, LEASE)
    assert Counter(each.crashes for each in found) == {1: 2 * MANY}


@pytest.mark.parametrize("special", [{}, {"lane": WIDE}, {"trail": b"so far"}], ids=["plain", "lane", "trail"])
async def test_thousands_end_and_are_forgotten(engine: RedisEngine, server: Redis, special: dict[str, Any]) -> None:
    claims = await held(engine, *jobs(MANY, **special))
    outcomes = [Succeeded(each, writes=[Put(f"result/{each.job.id}", b"1", ttl=60)]) for each in claims]
    assert len(claims) == MANY
    await settle(engine.broker, *outcomes)
    server.jump(120)
    await engine._pruner.prune()
    assert await engine.link.ask("HLEN", engine.link.key("state")) == 0
    assert await engine.link.ask("HLEN", engine.link.key("facts")) == 0


async def test_thousands_of_unique_jobs_follow_from_others_and_end(engine: RedisEngine, server: Redis) -> None:
    claims = await held(engine, *jobs(MANY // 10))
    follow = [
        [job(f"{each.job.id}~{n}", unique=Unique(f"{each.job.id}{n}", within=60)) for n in range(10)] for each in claims
    ]
    await settle(engine.broker, *(Succeeded(each, publish=after) for each, after in zip(claims, follow, strict=True)))
    again = await claimed(engine)
    assert len(again) == MANY
    await settle(engine.broker, *(Succeeded(each) for each in again))
    server.jump(120)
    await engine._pruner.prune()
    assert await engine.link.ask("HLEN", engine.link.key("uniques")) == 0


async def test_thousands_are_put_off(engine: RedisEngine) -> None:
    claims = await held(engine, *jobs(MANY, lane=WIDE))
    await settle(engine.broker, *(Retried(each, trail=b"once") for each in claims))
    assert {each.job.attempt for each in await claimed(engine)} == {2}


async def test_people_put_back_cancel_and_delete_thousands(engine: RedisEngine) -> None:
    claims = await held(engine, *jobs(MANY, lane=WIDE))
    await settle(engine.broker, *(Dead(each, reason="why not") for each in claims))
    everything = Filter(queue=QUEUE)
    assert await engine.inspector.retry(everything) == MANY
    assert (await engine.inspector.count("task"))["send"] == {"ready": MANY}
    assert len(await engine.inspector.list(everything, MANY)) == MANY
    assert await engine.inspector.cancel(everything) == MANY
    assert await engine.inspector.delete(everything) == MANY
    assert await ids(engine.broker) == []
