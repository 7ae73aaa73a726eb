"""Redis in cluster mode: all keys of an app are in one slot, which is found from any node, and followed where it goes."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio
import redis as driver

from servers import Redis
from servers.process import free_port
from servers.redis import cluster
from waiting import until
from workhorse.core.errors import EngineRefused
from workhorse.engine import Envelope, Filter, Put, Succeeded
from workhorse.engines.redis.engine import RedisEngine, redis

Nodes = list[Redis]


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    """Three masters."""
    with cluster() as made:
        yield made


@pytest_asyncio.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as made:
        yield made


async def opened(stack: AsyncExitStack, url: str) -> RedisEngine:
    engine = redis(url)
    stack.push_async_callback(engine.close)
    await engine.open()
    return engine


def job(id: str) -> Envelope:
    return Envelope(id, "send", b"{}", "mail")


def home(nodes: Nodes, prefix: str) -> Redis:
    """The node that has the slot of this prefix."""
    return next(node for node in nodes if is_home(node, prefix))


def is_home(node: Redis, prefix: str) -> bool:
    try:
        node.call("EXISTS", f"{{{prefix}}}:")
    except driver.exceptions.MovedError:
        return False
    return True


def move(nodes: Nodes, prefix: str, target: Redis) -> None:
    """Its slot, with all keys, to another node."""
    source = home(nodes, prefix)
    slot = source.call("CLUSTER", "KEYSLOT", f"{{{prefix}}}:")
    ids = {node: node.call("CLUSTER", "MYID") for node in nodes}
    target.call("CLUSTER", "SETSLOT", slot, "IMPORTING", ids[source])
    source.call("CLUSTER", "SETSLOT", slot, "MIGRATING", ids[target])
    while keys := source.call("CLUSTER", "GETKEYSINSLOT", slot, 100):
        source.call("MIGRATE", "127.0.0.1", target.port, "", 0, 5000, "KEYS", *keys)
    for node in (target, source, *nodes):
        node.call("CLUSTER", "SETSLOT", slot, "NODE", ids[target])
    until(lambda: is_home(target, prefix) and not is_home(source, prefix))


@pytest.mark.parametrize("prefix", ["one", "two", "three", "four"])
async def test_an_app_is_at_home_on_one_node_whichever_it_asks(
    nodes: Nodes, stack: AsyncExitStack, prefix: str
) -> None:
    engines = [await opened(stack, node.url(prefix=prefix)) for node in nodes]
    await engines[0].broker.publish([job("a"), job("b")])
    waiting = asyncio.create_task(engines[2].broker.wait(("other",), 1, 60))
    claims = await engines[1].broker.claim(("mail",), 10, 30)
    follow = Envelope("a~1~0", "send", b"{}", "other")
    settled = [Succeeded(claims[0], writes=[Put("result/a", b"1")], publish=[follow]), Succeeded(claims[1])]
    assert await engines[0].broker.settle(settled) == []
    await asyncio.wait_for(waiting, 10)
    assert [key for key, _, _ in await engines[1].store.scan("")] == ["result/a"]
    assert [row.status for row in await engines[2].inspector.list(Filter())] == ["succeeded", "ready", "succeeded"]
    used = [node for node in nodes if node.call("DBSIZE") and node.call("KEYS", f"{{{prefix}}}:*")]
    assert used == [home(nodes, prefix)]


async def test_a_slot_that_moves_is_followed(nodes: Nodes, stack: AsyncExitStack) -> None:
    engine = await opened(stack, nodes[0].url(prefix="moving"))
    await engine.broker.publish([job("a")])
    waiting = asyncio.create_task(engine.broker.wait(("other",), 1, 60))
    target = next(node for node in nodes if node is not home(nodes, "moving"))
    move(nodes, "moving", target)
    await engine.broker.publish([job("b"), Envelope("c", "send", b"{}", "other")])
    assert sorted([each.job.id for each in await engine.broker.claim(("mail",), 10, 30)]) == ["a", "b"]
    await asyncio.wait_for(waiting, 10)


async def test_a_url_may_name_several_nodes_and_one_of_them_is_enough(nodes: Nodes, stack: AsyncExitStack) -> None:
    hosts = f"127.0.0.1:{free_port()},{nodes[1].address}"
    engine = await opened(stack, f"redis://{hosts}/0?prefix=several")
    await engine.broker.publish([job("a")])
    assert dict(await engine.describe())["engine"] == f"redis://{hosts}/0"


async def test_a_cluster_has_one_database_only(nodes: Nodes, stack: AsyncExitStack) -> None:
    with pytest.raises(EngineRefused, match="database 1"):
        await opened(stack, f"redis://{nodes[0].address}/1")
