"""A Redis whose memory is full takes nothing new and says so; what it has accepted is worked off all the same."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from servers import Redis
from servers.fixtures import KINDS, Own
from workhorse.core.errors import BrokerUnavailable
from workhorse.engine import Put, Released, Retried, Succeeded
from workhorse.engines.redis.engine import RedisEngine, redis
from workhorse.testing.conformance.words import LEASE, QUEUE, claim, ids, job, publish, value

pytestmark = pytest.mark.parametrize("server", KINDS["redis"], indirect=True)


@pytest.fixture
def server(own: Own, request: pytest.FixtureRequest) -> Redis:
    made: Redis = own(Redis, request.param, fast=True)
    return made


@pytest_asyncio.fixture
async def engine(server: Redis) -> AsyncIterator[RedisEngine]:
    made = redis(server.url(retain=60))
    await made.open()
    await publish(made.broker, *(job(f"{n}", payload=b"x" * 1000) for n in range(100)))
    yield made
    await made.close()


def fill(server: Redis) -> None:
    server.call("CONFIG", "SET", "maxmemory", 1_000_000)  # less than it needs when it is empty


async def test_nothing_new_is_accepted_and_the_error_says_what_to_do(server: Redis, engine: RedisEngine) -> None:
    fill(server)
    for jobs in ([job("new")], [job("new", queue="first"), job("new", queue="second")]):
        with pytest.raises(BrokerUnavailable, match=r"memory is full.*maxmemory"):
            await engine.broker.publish(jobs)
    with pytest.raises(BrokerUnavailable, match="memory is full"):
        await engine.store.put([Put("new", b"1")])
    server.call("CONFIG", "SET", "maxmemory", 0)
    assert await value(engine.store, "new") is None
    assert await ids(engine.broker, "first", "second") == []
    assert sorted(await ids(engine.broker)) == sorted(f"{n}" for n in range(100))


async def test_what_was_accepted_is_claimed_kept_and_settled(server: Redis, engine: RedisEngine) -> None:
    fill(server)
    broker = engine.broker
    held = await claim(broker)
    assert len(held) == 100
    assert await broker.extend(held, LEASE) == ["kept"] * 100
    follow = [job("follow", queue="then")]
    assert await broker.settle([Succeeded(held[0], writes=[Put("result/0", b"1", ttl=60)], publish=follow)]) == []
    assert await broker.settle([Succeeded(each, writes=[Put("done", b"1")]) for each in held[1:97]]) == []
    assert await broker.settle([Retried(held[97], trail=b"first"), Released(held[98])]) == []
    assert await ids(broker, "then") == ["follow"]
    assert sorted(await ids(broker)) == sorted(each.job.id for each in held[97:99])
    assert await broker.claim([QUEUE], 1, LEASE) == []
