"""The scripts on Redis: long lists, a server that forgot them, and costs that do not grow with what waits."""

from collections import Counter
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio

from servers import Redis
from workhorse.core.ids import new_id
from workhorse.engine import Broker, Dead, Lane, Put, Released, Retried, Succeeded, Unique
from workhorse.engines.redis.engine import RedisEngine, redis
from workhorse.engines.redis.scripts import CHUNK
from workhorse.testing.conformance.words import LEASE, QUEUE, claim, ids, job, publish, settle, value

MANY = 5_000
"""More than a script can unpack."""


@pytest_asyncio.fixture
async def engine(redis_url: str) -> AsyncIterator[RedisEngine]:
    made = redis(redis_url)
    await made.open()
    yield made
    await made.close()


def commands(server: Redis) -> Counter[str]:
    """How often each was called since the last `CONFIG RESETSTAT`."""
    return Counter({name[8:]: stat["calls"] for name, stat in server.call("INFO", "commandstats").items()})


async def test_thousands_of_jobs_go_through_each_verb_in_one_call(engine: RedisEngine) -> None:
    broker = engine.broker
    await publish(broker, *(job(f"{n}") for n in range(MANY)))
    held = await broker.claim([QUEUE], MANY, LEASE)
    assert len(held) == MANY
    assert await broker.extend(held, LEASE) == ["kept"] * MANY
    first, second = held[: MANY // 2], held[MANY // 2 :]
    await settle(broker, *(Succeeded(each, writes=[Put(f"result/{each.job.id}", b"1", ttl=60)]) for each in first))
    await settle(broker, *(Retried(each, trail=b"once") for each in second))
    assert [await value(engine.store, f"result/{each.job.id}") for each in first[::500]] == [b"1"] * 5
    again = await broker.claim([QUEUE], MANY, LEASE)
    assert Counter((each.job.attempt, each.job.trail) for each in again) == {(2, b"once"): MANY // 2}


async def test_one_lane_admits_thousands_at_once(engine: RedisEngine) -> None:
    lane = Lane("mail/ada", width=MANY)
    await publish(engine.broker, *(job(lane=Lane("mail/ada")) for _ in range(MANY)))
    await publish(engine.broker, job(lane=lane))
    assert len(await engine.broker.claim([QUEUE], 2 * MANY, LEASE)) == MANY


async def test_a_server_that_forgot_the_scripts_is_told_them_again(engine: RedisEngine, redis: Redis) -> None:
    await publish(engine.broker, job("a"))
    redis.call("SCRIPT", "FLUSH")
    await publish(engine.broker, job("b"), job("c", unique=Unique("key")))
    redis.call("SCRIPT", "FLUSH")
    held = await claim(engine.broker)
    redis.call("SCRIPT", "FLUSH")
    await settle(engine.broker, *(Succeeded(each) for each in held))
    assert sorted(each.job.id for each in held) == ["a", "b", "c"]


@pytest.mark.parametrize("prepared", [0, 20_000])
async def test_a_script_does_as_much_however_much_waits(engine: RedisEngine, redis: Redis, prepared: int) -> None:
    """The commands that one batch of each verb takes: as many with nothing else there as with a backlog at each level."""
    broker = engine.broker
    await publish(broker, *(job(priority=1 + n % 3, delay=3600 * (n % 2)) for n in range(prepared)))
    await publish(broker, *(job(queue="ours") for _ in range(CHUNK)))  # the server knows the scripts
    await settle(broker, *(Succeeded(each) for each in await broker.claim(["ours"], CHUNK, LEASE)))
    redis.call("CONFIG", "RESETSTAT")
    await publish(broker, *(job() for _ in range(CHUNK)))
    held = await broker.claim([QUEUE], CHUNK, LEASE)
    await broker.extend(held, LEASE)
    await settle(broker, *(Succeeded(each) for each in held))
    found = commands(redis)
    assert len(held) == CHUNK
    assert found["evalsha"] == 4
    assert sum(found[name] for name in ("hset", "zadd", "zrem", "hmget", "zrangebyscore", "zremrangebyrank")) <= 360
    assert found["hset"] + found["zremrangebyrank"] + found["zrangebyscore"] <= 30


async def test_a_script_takes_300_jobs_at_most(engine: RedisEngine, redis: Redis) -> None:
    await publish(engine.broker, job())
    redis.call("CONFIG", "RESETSTAT")
    await publish(engine.broker, *(job() for _ in range(1_200)))
    assert commands(redis)["evalsha"] == 4


async def test_a_claim_of_more_than_a_script_takes_goes_on_at_once(engine: RedisEngine, redis: Redis) -> None:
    """Plain jobs, and such as have a history, of which a script takes fewer: 500 are 500 in one call."""
    broker = engine.broker
    await publish(broker, *(job() for _ in range(500)))
    held = await broker.claim([QUEUE], 500, LEASE)
    await settle(broker, *(Retried(each, trail=b"once") for each in held))
    await publish(broker, *(job() for _ in range(200)))
    assert len(held) == 500
    assert len(await broker.claim([QUEUE], 800, LEASE)) == 700


async def test_a_claim_brings_few_of_large_jobs_and_all_in_the_end(engine: RedisEngine, redis: Redis) -> None:
    broker, sizes = engine.broker, list[int]()
    await publish(broker, *(job(payload=b"x" * 1_000_000, queue=f"{n % 2}") for n in range(40)), job(queue="0"))
    while held := await broker.claim(["0", "1"], 100, LEASE):
        sizes.append(len(held))
        await settle(broker, *(Succeeded(each, writes=[Put(each.job.id, each.job.payload, ttl=1)]) for each in held))
    assert sum(sizes) == 41
    assert max(sizes) <= 9
    await publish(broker, job(payload=b"x" * 30_000_000), job(payload=b"x" * 30_000_000))
    assert [len(await claim(broker)) for _ in range(3)] == [1, 1, 0]


async def test_what_a_waiting_job_takes(engine: RedisEngine, redis: Redis, say: Callable[[str], None]) -> None:
    count, size = 20_000, 200
    before = redis.call("INFO", "memory")["used_memory"]
    await publish(engine.broker, *(job(new_id(), payload=b"x" * size) for _ in range(count)))
    each = (redis.call("INFO", "memory")["used_memory"] - before) / count
    say(f"redis: a waiting job takes its payload and {each - size:.0f} bytes (aim: 250)")
    assert each - size < 320


HOSTILE = [
    "'; return redis.call('FLUSHALL') --",
    '"]] .. redis.call("FLUSHALL") .. [["',
    "a b\tc\r\n*1\r\n$8\r\nFLUSHALL\r\n",
    "{other}:due:2:mail",
    "%d %s %00 \\0",
    "\x00",
    "\u00e5\U0001f40e",
    "0000000000000000",
    "x" * 10_000,
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
async def test_names_are_never_more_than_names(engine: RedisEngine, redis: Redis, text: str) -> None:
    broker: Broker = engine.broker
    odd = job(
        text, task=text, queue=text, headers={text: text}, lane=Lane(text), unique=Unique(text), trail=text.encode()
    )
    await publish(broker, job("calm"), odd)
    (held,) = await claim(broker, text)
    assert (held.job.id, held.job.task, held.job.queue, dict(held.job.headers)) == (text, text, text, {text: text})
    assert (held.job.lane, held.job.unique, held.job.trail) == (Lane(text), Unique(text), text.encode())
    await broker.bind(text.replace("*", ""), text)
    await settle(broker, Released(held))
    (held,) = await claim(broker, text)
    await settle(broker, Dead(held, reason=text, writes=[Put(f"result/{text}", text.encode())]))
    assert await value(engine.store, f"result/{text}") == text.encode()
    assert await ids(broker) == ["calm"]
