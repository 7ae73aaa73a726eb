"""A Redis whose memory is full: who waits goes on waiting, and people, and time, make room."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from servers import Redis
from servers.fixtures import KINDS, Own
from workhorse.engine import Envelope, Filter, Put
from workhorse.engines.redis.engine import RedisEngine, redis


def job(id: str, queue: str = "mail") -> Envelope:
    return Envelope(id, "send", b"x" * 1000, queue)


@pytest_asyncio.fixture(params=KINDS["redis"])
async def engine(own: Own, request: pytest.FixtureRequest) -> AsyncIterator[RedisEngine]:
    """One with jobs and a fact, and no room for more."""
    server: Redis = own(Redis, request.param, fast=True)
    made = redis(server.url())
    await made.open()
    await made.store.put([Put("old", b"1")])
    await made.broker.publish([job(f"held{n}", "held") for n in range(9)])
    assert isinstance(made, RedisEngine)
    await made.broker.publish([job(f"{n}") for n in range(200)])
    server.call("CONFIG", "SET", "maxmemory", 1_000_000)  # less than it needs when it is empty
    yield made
    await made.close()


async def test_idle_workers_go_on_waiting(engine: RedisEngine) -> None:
    waits = [
        asyncio.create_task(engine.broker.wait(("idle",), 1, 3600)),
        asyncio.create_task(engine.store.wait({"old": (await engine.store.scan(""))[0][2]}, 3600)),
    ]
    await engine.inspector.resume("idle")
    await engine.store.delete({"old": None})
    await asyncio.wait_for(asyncio.gather(*waits), 10)


async def test_people_may_make_room(engine: RedisEngine) -> None:
    assert await engine.inspector.cancel(Filter(ids=["0"])) == 1
    await engine.inspector.pause("mail")
    await engine.inspector.resume("mail")
    assert await engine.inspector.delete(Filter(queue="mail")) == 200
    assert await engine.inspector.count("queue") == {"held": {"ready": 9}}


async def test_what_is_kept_no_longer_is_pruned(engine: RedisEngine) -> None:
    await engine._pruner.prune()
