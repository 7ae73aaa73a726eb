"""The schema of the keys on Redis: written by who comes first, read by all who open, refused if it is newer."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from servers import Redis
from servers.fixtures import KINDS, Own
from workhorse import Workhorse
from workhorse.core.errors import EngineRefused
from workhorse.engines.redis import schema
from workhorse.engines.redis.engine import RedisEngine, redis
from workhorse.testing.conformance.words import ids, job, publish


@pytest_asyncio.fixture
async def engine(redis_url: str) -> AsyncIterator[RedisEngine]:
    made = redis(redis_url)
    await made.open()
    yield made
    await made.close()


async def write(engine: RedisEngine, found: object) -> None:
    await engine.link.ask("SET", engine.link.key("schema"), str(found))


@pytest.mark.parametrize("redis_url", KINDS["redis"], indirect=True)
async def test_who_comes_first_writes_it_down(engine: RedisEngine) -> None:
    assert await engine.link.ask("GET", engine.link.key("schema")) == str(schema.NEWEST).encode()
    assert dict(await engine.describe())["schema"].endswith(f", version {schema.NEWEST}")


@pytest.mark.parametrize("found", [schema.NEWEST + 1, "2b", ""])
async def test_a_newer_one_is_refused_and_left_as_it_was(engine: RedisEngine, redis_url: str, found: object) -> None:
    await publish(engine.broker, job("a"))
    await write(engine, found)
    with pytest.raises(
        EngineRefused, match=f"expected schema {schema.NEWEST} or older, got {found}: a newer Workhorse"
    ):
        await redis(redis_url).open()
    assert await schema.version(engine.link) == str(found)
    assert await ids(engine.broker) == ["a"]


async def test_the_app_refuses_it_too(engine: RedisEngine, redis_url: str) -> None:
    await write(engine, schema.NEWEST + 1)
    with pytest.raises(EngineRefused, match="Upgrade this installation"):
        async with Workhorse(redis_url):
            pass


async def test_an_older_one_is_not_written_over(engine: RedisEngine, redis_url: str) -> None:
    await write(engine, 0)
    again = redis(redis_url)
    await again.open()
    await again.close()
    assert await schema.version(engine.link) == "0"


async def test_another_prefix_on_the_same_server_has_its_own(engine: RedisEngine, redis_url: str) -> None:
    await write(engine, schema.NEWEST + 1)
    other = redis(f"{redis_url.partition('?')[0]}?prefix=other-than-any")
    await other.open()
    assert await schema.version(other.link) == str(schema.NEWEST)
    await other.link.ask("DEL", other.link.key("schema"))
    await other.close()


async def test_a_first_look_at_a_server_whose_memory_is_full_writes_it_all_the_same(own: Own) -> None:
    server: Redis = own(Redis, fast=True)
    server.call("CONFIG", "SET", "maxmemory", 1_000_000)
    engine = redis(server.url())
    await engine.open()
    assert await schema.version(engine.link) == str(schema.NEWEST)
    await engine.close()
