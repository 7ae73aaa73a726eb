"""Sentinel URLs: the master is asked for at each connect, and a failover is followed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio
import redis as driver

from servers import Redis
from servers.fixtures import Own
from servers.process import free_port
from servers.redis import Sentinel
from waiting import until
from workhorse.core.errors import BrokerUnavailable, DeclarationError, EngineRefused
from workhorse.engine import Envelope
from workhorse.engines import open_engine
from workhorse.engines.redis import urls
from workhorse.engines.redis.engine import RedisEngine, redis

JOB = Envelope("a", "send", b"{}", "mail")


@pytest.fixture
def master(own: Own) -> Redis:
    made: Redis = own(Redis, durable=True)
    return made


@pytest.fixture
def sentinel(own: Own, master: Redis) -> Sentinel:
    made: Sentinel = own(Sentinel, master)
    return made


def url(sentinel: Sentinel, master: str = "workhorse", first: str = "") -> str:
    return f"redis+sentinel://{first}{sentinel.address}/{master}/0?timeout=5"


@pytest_asyncio.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as made:
        yield made


async def opened(stack: AsyncExitStack, url: str) -> RedisEngine:
    engine = redis(url)
    stack.push_async_callback(engine.close)
    await engine.open()
    return engine


def watched(own: Own, master: Redis) -> tuple[Redis, Sentinel]:
    """A replica in step, and a sentinel that knows of it."""
    replica: Redis = own(Redis, durable=True, replicaof=("127.0.0.1", master.port))
    until(lambda: replica.call("INFO", "replication")["master_link_status"] == "up")
    until(lambda: master.call("INFO", "replication")["slave0"]["state"] == "online")
    sentinel: Sentinel = own(Sentinel, master)
    until(lambda: promotable(sentinel))
    return replica, sentinel


def promotable(sentinel: Sentinel) -> bool:
    known = sentinel.call("SENTINEL", "REPLICAS", "workhorse")
    return [(each["flags"], each["master-link-status"]) for each in known] in ([({"slave"}, "ok")], [("slave", "ok")])


def role(server: Redis) -> str:
    try:
        return str(server.call("INFO", "replication")["role"])
    except driver.ConnectionError:  # it drops everybody as it changes
        return ""


async def accepted(engine: RedisEngine, job: Envelope) -> None:
    """Published, as soon as somebody takes it."""
    async with asyncio.timeout(60):
        while True:
            try:
                assert [answer.kind for answer in await engine.broker.publish([job])] == ["accepted"]
                return
            except BrokerUnavailable:
                await asyncio.sleep(0.05)


async def test_the_master_is_found_by_its_name(stack: AsyncExitStack, sentinel: Sentinel, master: Redis) -> None:
    engine = await opened(stack, url(sentinel))
    await engine.broker.publish([JOB])
    assert master.call("HLEN", "{workhorse}:jobs") == 1
    assert dict(await engine.describe())["engine"] == f"redis+sentinel://{sentinel.address}/workhorse/0"


async def test_a_sentinel_that_is_away_is_passed_over(stack: AsyncExitStack, sentinel: Sentinel) -> None:
    engine = await opened(stack, url(sentinel, first=f"127.0.0.1:{free_port()},"))
    await engine.broker.publish([JOB])


async def test_a_failover_is_followed_with_all_that_was_replicated(
    stack: AsyncExitStack, master: Redis, own: Own
) -> None:
    replica, sentinel = watched(own, master)
    engine = await opened(stack, url(sentinel))
    await engine.broker.publish([JOB])
    assert master.call("WAIT", 1, 10_000) == 1
    master.kill()
    await accepted(engine, Envelope("b", "send", b"{}", "mail"))
    assert sorted(replica.call("HKEYS", "{workhorse}:jobs")) == ["a", "b"]
    assert sorted([each.job.id for each in await engine.broker.claim(("mail",), 10, 30)]) == ["a", "b"]


async def test_a_master_that_became_a_replica_is_left(stack: AsyncExitStack, master: Redis, own: Own) -> None:
    """It stays connected and refuses every write: whoever went on with it would wait for ever."""
    replica, sentinel = watched(own, master)
    engine = await opened(stack, url(sentinel))
    sentinel.call("SENTINEL", "FAILOVER", "workhorse")
    until(lambda: int(sentinel.call("SENTINEL", "get-master-addr-by-name", "workhorse")[1]) == replica.port)
    until(lambda: role(master) == "slave")
    await accepted(engine, JOB)
    assert replica.call("HLEN", "{workhorse}:jobs") == 1


async def test_a_name_that_no_sentinel_knows_is_refused(stack: AsyncExitStack, sentinel: Sentinel) -> None:
    with pytest.raises(EngineRefused, match="knows no master 'other'"):
        await opened(stack, url(sentinel, "other"))


async def test_no_sentinel_is_unavailable(stack: AsyncExitStack) -> None:
    port = free_port()
    with pytest.raises(BrokerUnavailable, match="no sentinel tells the master"):
        await opened(stack, f"redis+sentinel://127.0.0.1:{port}/workhorse")


def test_a_url_names_sentinels_master_and_database() -> None:
    place = urls.place("rediss+sentinel://ada:pw@one,two:26380/main/3?sentinel_password=s3cret")
    assert place.hosts == (("one", 26379), ("two", 26380))
    assert (place.master, place.database, place.user, place.password.read()) == ("main", 3, "ada", "pw")
    assert place.tls is not None
    assert place.name == "rediss+sentinel://one:26379,two:26380/main/3"
    assert "s3cret" not in repr(place)


@pytest.mark.parametrize("path", ["", "/", "/main/x", "/main/1/2"])
def test_a_url_without_a_master_or_with_a_strange_database_is_refused(path: str) -> None:
    with pytest.raises(DeclarationError, match="expected"):
        open_engine(f"redis+sentinel://one:26379{path}")


def test_an_option_of_sentinels_is_none_of_a_servers() -> None:
    with pytest.raises(DeclarationError, match="sentinel_password"):
        open_engine("redis://one?sentinel_password=x")
