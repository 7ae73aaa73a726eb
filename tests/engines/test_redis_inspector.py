"""What people see on Redis, and their orders, go in chunks: many jobs, large ones, and jobs that move meanwhile."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from servers import Redis
from workhorse.engine import Dead, Envelope, Filter, Lane, Retried, Succeeded
from workhorse.engines.redis import search
from workhorse.engines.redis.engine import RedisEngine, redis

LANE = Lane("mail/send:ada")


@pytest_asyncio.fixture
async def engine(redis_url: str) -> AsyncIterator[RedisEngine]:
    made = redis(redis_url)
    await made.open()
    yield made
    await made.close()


def job(id: str, queue: str = "mail", payload: bytes = b"{}", task: str = "send", **fields: float) -> Envelope:
    return Envelope(id=id, task=task, payload=payload, queue=queue, delay=fields.get("delay", 0))


def many(count: int, queue: str = "mail") -> list[Envelope]:
    return [job(f"{n * 7919 % count:05}", queue) for n in range(count)]


def scripts(redis: Redis) -> int:
    """How many scripts the server has run."""
    return int(redis.call("INFO", "commandstats")["cmdstat_evalsha"]["calls"])


async def test_pages_of_many_jobs_are_in_the_order_of_ids(engine: RedisEngine) -> None:
    await engine.broker.publish(many(2000))
    seen: list[str] = []
    while page := await engine.inspector.list(Filter(after=seen[-1] if seen else ""), 300):
        seen += [row.job.id for row in page]
    assert seen == [f"{n:05}" for n in range(2000)]


async def test_a_page_by_status_is_in_the_order_of_ids_over_all_queues(engine: RedisEngine) -> None:
    await engine.broker.publish([*(job(f"{n:03}", f"q{n % 7}") for n in range(100)), job("000x", "q1", delay=60)])
    page = await engine.inspector.list(Filter(status="ready", after="010"), 5)
    assert [row.job.id for row in page] == ["011", "012", "013", "014", "015"]


async def test_an_order_for_many_goes_in_chunks(engine: RedisEngine, redis: Redis) -> None:
    await engine.broker.publish(many(2000))
    before = scripts(redis)
    assert await engine.inspector.cancel(Filter(task="send")) == 2000
    between = scripts(redis)
    assert await engine.inspector.delete(Filter(queue="mail")) == 2000
    assert between - before >= 2000 / (2 * search.CHUNK)
    assert scripts(redis) - between >= 2000 / (2 * search.CHUNK)
    assert await engine.inspector.count("status") == {}


async def test_an_order_for_many_ids_goes_in_chunks(engine: RedisEngine) -> None:
    await engine.broker.publish(many(1000))
    assert await engine.inspector.delete(Filter(ids=[f"{n:05}" for n in range(0, 2000, 2)])) == 500


async def test_the_larger_jobs_are_the_fewer_are_looked_at_in_one_script(
    engine: RedisEngine, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "BYTES", 1 << 17)
    await engine.broker.publish([job(f"{n:03}", payload=b"x" * (1 << 16)) for n in range(100)])
    before = scripts(redis)
    assert len(await engine.inspector.list(Filter(), 5)) == 5
    assert scripts(redis) - before > 30


async def test_a_text_is_found_in_the_trail_the_reason_and_the_task(engine: RedisEngine) -> None:
    await engine.broker.publish([job("a"), job("b"), job("c", task="mail.ÜBER")])
    held = {each.job.id: each for each in await engine.broker.claim(("mail",), 10, 30)}
    await engine.broker.settle([Dead(held["a"], reason="No Such Box"), Retried(held["b"], trail=b"Connection RESET")])
    for text, id in (("such box", "a"), ("reset", "b"), ("mail.", "c")):
        assert [row.job.id for row in await engine.inspector.list(Filter(text=text))] == [id]


async def test_the_parked_are_counted_for_their_queue(engine: RedisEngine) -> None:
    parked = [Envelope(f"{n}", "send", b"{}", "mail", lane=LANE) for n in range(5)]
    await engine.broker.publish([*parked, job("x", "post")])
    assert await engine.inspector.count("queue") == {"mail": {"parked": 4, "ready": 1}, "post": {"ready": 1}}
    assert await engine.inspector.count("status") == {"parked": {"mail": 4}, "ready": {"mail": 1, "post": 1}}
    assert [row.job.id for row in await engine.inspector.list(Filter(status="parked"))] == ["1", "2", "3", "4"]


async def test_a_whole_lane_can_be_deleted_at_once(engine: RedisEngine, redis: Redis) -> None:
    """The end of each admits the next, which is the next to go."""
    await engine.broker.publish([Envelope(f"{n}", "send", b"{}", "mail", lane=LANE) for n in range(50)])
    assert await engine.inspector.delete(Filter()) == 50
    assert await engine.broker.claim(("mail",), 10, 30) == []
    left = {key.split(":", 1)[1] for key in redis.call("KEYS", "*")}
    assert {name for name in left if not name.startswith("fact")} == {"queues", "seq", "version"}


async def test_all_dead_letters_of_an_unknown_lane_are_put_back_into_it(engine: RedisEngine) -> None:
    lane = Lane("mail/send:bob", width=2)
    await engine.broker.publish([Envelope(f"{n}", "send", b"{}", "mail", dead="why", lane=lane) for n in range(5)])
    assert await engine.inspector.retry(Filter(queue="mail")) == 5
    claims = await engine.broker.claim(("mail",), 10, 30)
    assert [(each.job.id, each.job.attempt) for each in claims] == [("0", 2), ("1", 2)]


async def test_jobs_that_are_worked_off_meanwhile_are_listed_once_or_not(engine: RedisEngine) -> None:
    await engine.broker.publish(many(2000))

    async def work() -> None:
        while claims := await engine.broker.claim(("mail",), 100, 30):
            await engine.broker.settle([Succeeded(each) for each in claims])

    working = asyncio.create_task(work())
    while not working.done():
        ids = [row.job.id for row in await engine.inspector.list(Filter(), 500)]
        assert ids == sorted(set(ids))
    await working
    assert await engine.inspector.count("status") == {"succeeded": {"mail": 2000}}
    assert await engine.inspector.count("task") == {"send": {"succeeded": 2000}}


async def test_who_deletes_by_status_does_not_meet_those_that_have_another_by_then(engine: RedisEngine) -> None:
    await engine.broker.publish(many(500))
    await engine.broker.claim(("mail",), 100, 30)
    assert await engine.inspector.delete(Filter(status="ready")) == 400
    assert await engine.inspector.count("status") == {"running": {"mail": 100}}


async def test_the_paused_queues_are_told(engine: RedisEngine) -> None:
    for queue in ("mail", "post", "mail"):
        await engine.inspector.pause(queue)
    assert sorted(await engine.inspector.paused()) == ["mail", "post"]
    await engine.inspector.resume("mail")
    assert await engine.inspector.paused() == ["post"]
