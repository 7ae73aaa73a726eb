"""Pruning on Redis: what is no longer kept is gone from the server, in small batches, and nothing else is."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from servers import Redis
from servers.fixtures import Own
from workhorse.engine import Dead, Envelope, Filter, Lane, Put, Succeeded, Unique
from workhorse.engines.redis import pruning
from workhorse.engines.redis.engine import RedisEngine, redis
from workhorse.engines.redis.pruning import Pruner

ALWAYS = {"queues", "schema", "seq", "version"}
HOUR = 3600


@pytest.fixture
def server(own: Own) -> Redis:
    made: Redis = own(Redis, clock=True, fast=True)
    return made


@pytest_asyncio.fixture
async def engine(server: Redis) -> AsyncIterator[RedisEngine]:
    made = redis(server.url(prefix="app", dead_retain=HOUR))
    await made.open()
    yield made
    await made.close()


def keys(server: Redis) -> set[str]:
    return {key.removeprefix("{app}:") for key in server.call("KEYS", "*")}


def ours(n: int) -> str:
    return f"parent~1~{n}"  # not given by anybody: kept no longer than the policy says


async def run(engine: RedisEngine, *jobs: Envelope, dead: bool = False) -> None:
    await engine.broker.publish(jobs)
    while claims := await engine.broker.claim(("mail",), 1000, 30):
        await engine.broker.settle([Dead(each) if dead else Succeeded(each) for each in claims])


def job(n: int, **fields: object) -> Envelope:
    return Envelope(ours(n), "send", b"{}", "mail", **fields)  # type: ignore[arg-type]


async def pruned(engine: RedisEngine) -> None:
    await engine._pruner.prune()


async def test_whatever_is_kept_no_longer_leaves_nothing_behind(engine: RedisEngine, server: Redis) -> None:
    await run(engine, *(job(n, lane=Lane(f"mail/{n}", every=1)) for n in range(10)))
    await run(engine, *(job(n, unique=Unique(f"u{n}", within=60), trail=b"so far") for n in range(10, 20)))
    await run(engine, *(job(n) for n in range(20, 30)), dead=True)
    await engine.store.put([Put(f"f{n}", b"1", ttl=60) for n in range(10)])
    server.jump(HOUR + 1)
    await pruned(engine)
    assert keys(server) == ALWAYS


async def test_what_is_still_kept_stays(engine: RedisEngine, server: Redis) -> None:
    await run(engine, job(1, lane=Lane("mail/1"), unique=Unique("u", until="kept")))
    await engine.store.put([Put("short", b"1", ttl=60), Put("long", b"1", ttl=3 * HOUR), Put("ever", b"1")])
    server.jump(HOUR - 60)
    await pruned(engine)
    assert [row.job.id for row in await engine.inspector.list(Filter())] == [ours(1)]
    assert [key for key, _, _ in await engine.store.scan("")] == ["ever", "long"]
    (answer,) = await engine.broker.publish([Envelope("other", "send", b"{}", "mail", unique=Unique("u"))])
    assert answer.kind == "duplicate"


async def test_a_fact_that_was_written_anew_outlives_its_first_life(engine: RedisEngine, server: Redis) -> None:
    await engine.store.put([Put("a", b"1", ttl=60), Put("b", b"1", ttl=60)])
    await engine.store.put([Put("a", b"2"), Put("b", b"2", ttl=HOUR)])
    server.jump(61)
    await pruned(engine)
    assert [value for _, value, _ in await engine.store.scan("")] == [b"2", b"2"]


async def test_it_goes_in_small_batches_until_nothing_is_left(
    engine: RedisEngine, server: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruning, "BATCH", 10)
    await run(engine, *(job(n) for n in range(95)))
    await engine.store.put([Put(f"f{n}", b"1", ttl=60) for n in range(95)])
    server.jump(HOUR + 1)
    before = server.call("INFO", "commandstats")["cmdstat_evalsha"]["calls"]
    await pruned(engine)
    assert server.call("INFO", "commandstats")["cmdstat_evalsha"]["calls"] - before == 10
    assert keys(server) == {"queues", "schema", "version"}


async def test_enough_endings_start_it(engine: RedisEngine, server: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    await run(engine, *(job(n) for n in range(20)))
    server.jump(HOUR + 1)
    monkeypatch.setattr(pruning, "WORN", 21)
    await run(engine, job(100))
    task = engine._pruner._task
    assert task is not None
    await asyncio.wait_for(task, 10)
    assert server.call("HLEN", "{app}:jobs") == 1


async def test_a_minute_starts_it_where_nothing_ends(engine: RedisEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    pruner = Pruner(engine._link)
    pruner.wear()
    assert pruner._task is None
    monkeypatch.setattr(pruning, "EVERY", 0.0)
    pruner.wear()
    assert pruner._task is not None
    await asyncio.wait_for(pruner._task, 10)


async def test_a_server_that_is_away_does_not_end_it_loudly(engine: RedisEngine, server: Redis) -> None:
    server.kill()
    await engine._pruner._quietly()
