"""Waiting on Redis with the poll out of the way: a publish wakes one, a fact all, and nothing stays behind of whoever gave up."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio
import redis as driver

from servers import Redis
from servers.fixtures import Own
from workhorse.engine import ABSENT, Envelope, Put, Succeeded
from workhorse.engines.redis.engine import RedisEngine, redis

LONG = 3600.0
Opened = Callable[[], Awaitable[RedisEngine]]


def job(id: str, queue: str = "mail", **fields: float) -> Envelope:
    return Envelope(id=id, task="send", payload=b"{}", queue=queue, delay=fields.get("delay", 0))


@pytest.fixture
def server(own: Own) -> Redis:
    made: Redis = own(Redis, fast=True)
    return made


@pytest_asyncio.fixture
async def engine(server: Redis) -> AsyncIterator[Opened]:
    """Each is another process, as far as the server can tell."""
    async with AsyncExitStack() as stack:

        async def opened() -> RedisEngine:
            made = redis(server.url(prefix="app", poll=LONG))
            await made.open()
            stack.push_async_callback(made.close)
            return made

        yield opened


async def asleep(server: Redis, count: int) -> None:
    """Return when so many sleep at the server."""
    async with asyncio.timeout(10):
        while server.call("ZCARD", "{app}:asleep") != count:
            await asyncio.sleep(0.005)


def waiting(engine: RedisEngine, *queues: str) -> "asyncio.Task[None]":
    return asyncio.create_task(engine.broker.wait(queues or ("mail",), 10, LONG))


async def first(tasks: "list[asyncio.Task[None]]") -> "tuple[asyncio.Task[None], list[asyncio.Task[None]]]":
    done, rest = await asyncio.wait(tasks, timeout=10, return_when=asyncio.FIRST_COMPLETED)
    (one,) = done
    return one, list(rest)


async def test_a_publish_wakes_one_of_many(engine: Opened, server: Redis) -> None:
    engines = [await engine() for _ in range(3)]
    tasks = [waiting(each) for each in engines]
    await asleep(server, 3)
    await engines[0].broker.publish([job("a")])
    _, rest = await first(tasks)
    assert server.call("ZCARD", "{app}:asleep") == 2
    await engines[0].broker.publish([job("b")])
    _, rest = await first(rest)
    assert [task.done() for task in rest] == [False]


async def test_a_batch_wakes_one_worker_after_the_other(engine: Opened, server: Redis) -> None:
    engines = [await engine() for _ in range(3)]
    publisher = await engine()

    async def work(own: RedisEngine) -> int:
        await own.broker.wait(("mail",), 2, LONG)
        return len(await own.broker.claim(("mail",), 2, 30))

    tasks = [asyncio.create_task(work(each)) for each in engines]
    await asleep(server, 3)
    await publisher.broker.publish([job(f"{n}") for n in range(6)])
    assert await asyncio.wait_for(asyncio.gather(*tasks), 10) == [2, 2, 2]


async def test_where_nobody_sleeps_a_publish_leaves_no_trace_of_it(engine: Opened, server: Redis) -> None:
    own = await engine()
    await own.broker.publish([job("a")])
    await own.store.put([Put("a", b"1")])
    kinds = {key.split(":")[1] for key in server.call("KEYS", "*")}
    assert kinds.isdisjoint({"asleep", "sleepers", "ears", "wake"})


async def test_a_wait_that_is_cancelled_takes_its_sleeper_along(engine: Opened, server: Redis) -> None:
    own = await engine()
    waits = [waiting(own, "mail", "post"), asyncio.create_task(own.store.wait({"a": ABSENT, "b": ABSENT}, LONG))]
    await asleep(server, 2)
    for wait in waits:
        wait.cancel()
    await asleep(server, 0)
    async with asyncio.timeout(10):
        while left := [key for key in server.call("KEYS", "*") if "sleepers" in key or "ears" in key]:
            await asyncio.sleep(0.005)
    assert left == []


async def test_a_wait_that_is_cancelled_when_it_was_woken_passes_it_on(engine: Opened, server: Redis) -> None:
    first_engine, second = await engine(), await engine()
    patient = waiting(first_engine)
    await asleep(server, 1)
    hasty = waiting(second)
    await asleep(server, 2)
    publishing = asyncio.create_task(second.broker.publish([job("a")]))
    await asyncio.sleep(0)  # it is sent, and takes the one that lay down last, who gives up before he hears of it
    hasty.cancel()
    await publishing
    await asyncio.wait_for(patient, 10)


async def test_a_sleeper_whose_process_died_is_passed_over(engine: Opened, server: Redis) -> None:
    own = await engine()
    task = waiting(own)
    await asleep(server, 1)
    now = server.now() * 1e6
    for set_ in ("{app}:asleep", "{app}:sleepers:mail"):
        server.call("ZADD", set_, now - 1, "dead/1")
    server.call("ZADD", "{app}:sleepers:mail", now + 1e12, "gone/1")  # woken for another queue
    await (await engine()).broker.publish([job("a")])
    await asyncio.wait_for(task, 10)
    assert not server.call("EXISTS", "{app}:wake:dead", "{app}:wake:gone")


async def test_the_names_of_sleepers_are_used_again(engine: Opened, server: Redis) -> None:
    own, other = await engine(), await engine()
    for n in range(20):
        task = waiting(own, "mail", "post")
        await asleep(server, 1)
        await other.broker.publish([job(f"{n}", "mail" if n % 2 else "post")])
        await asyncio.wait_for(task, 10)
        claims = await own.broker.claim(("mail", "post"), 1, 30)
        await own.broker.settle([Succeeded(each) for each in claims])
    assert server.call("ZCARD", "{app}:sleepers:mail") <= 1
    assert server.call("ZCARD", "{app}:sleepers:post") <= 1


async def test_a_delayed_job_that_is_due_first_wakes_who_counted_on_a_later_one(engine: Opened, server: Redis) -> None:
    own, other = await engine(), await engine()
    await other.broker.publish([job("late", delay=600)])
    task = waiting(own)
    await asleep(server, 1)
    await other.broker.publish([job("soon", delay=60)])
    await asyncio.wait_for(task, 10)


async def test_all_who_wait_for_a_fact_are_woken(engine: Opened, server: Redis) -> None:
    engines = [await engine() for _ in range(3)]
    tasks = [
        asyncio.create_task(each.store.wait({"a": ABSENT, f"b{n}": ABSENT}, LONG)) for n, each in enumerate(engines)
    ]
    await asleep(server, 3)
    await engines[0].store.put([Put("a", b"1")])
    await asyncio.wait_for(asyncio.gather(*tasks), 10)


async def test_a_server_that_goes_wakes_all_who_wait(engine: Opened, server: Redis) -> None:
    own = await engine()
    tasks = [waiting(own), asyncio.create_task(own.store.wait({"a": ABSENT}, LONG))]
    await asleep(server, 2)
    server.restart()
    await asyncio.wait_for(asyncio.gather(*tasks), 10)


async def test_a_listener_whose_connection_is_cut_listens_on_another(engine: Opened, server: Redis) -> None:
    own, other = await engine(), await engine()
    task = waiting(own)
    await asleep(server, 1)
    with driver.Redis(port=server.port) as client:
        while not (blocked := [each["id"] for each in client.client_list() if each["cmd"] == "blpop"]):
            await asyncio.sleep(0.01)
        client.client_kill_filter(_id=blocked[0])
    await asyncio.wait_for(task, 10)
    task = waiting(own)
    await asleep(server, 1)
    await other.broker.publish([job("a")])
    await asyncio.wait_for(task, 10)


async def test_closing_ends_every_wait(engine: Opened, server: Redis) -> None:
    own = await engine()
    tasks = [waiting(own), asyncio.create_task(own.store.wait({"a": ABSENT}, LONG))]
    await asleep(server, 2)
    await own.close()
    await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 10)
