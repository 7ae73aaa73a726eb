"""Redis with its memory full, under a user who may too little, and behind sentinels that choose another master."""

import asyncio

import pytest

from served.stage import Shop, again, all_succeeded, parts, soon
from servers import Postgres, Redis
from servers.fixtures import KINDS, Own
from servers.redis import Sentinel
from waiting import until
from workhorse.engine import BrokerUnavailable, EngineRefused, Succeeded
from workhorse.engines import open_engine
from workhorse.testing.conformance.words import QUEUE, job


@pytest.mark.parametrize("kind", KINDS["redis"])
async def test_a_memory_that_is_full_takes_no_jobs_and_hinders_no_worker(own: Own, kind: str) -> None:
    server: Redis = own(Redis, kind, durable=True, maxmemory="8mb")
    engine = open_engine(server.url())
    await engine.open()
    broker, _, inspector = parts(engine)
    accepted: list[str] = []
    said = ""
    while not said:
        batch = [job(payload=b"x" * 2000) for _ in range(20)]
        try:
            assert {answer.kind for answer in await broker.publish(batch)} == {"accepted"}
        except BrokerUnavailable as error:
            said = str(error)
        else:
            accepted += [each.id for each in batch]
    assert "maxmemory" in said
    claims = await broker.claim([QUEUE], 100, 30)
    assert len(claims) == 100
    assert await broker.extend(claims, 30) == ["kept"] * 100
    assert await broker.settle([Succeeded(claim) for claim in claims]) == []
    while claims := await broker.claim([QUEUE], 100, 30):
        assert await broker.settle([Succeeded(claim) for claim in claims]) == []
    counts = await inspector.count("status")
    assert {status: sum(each.values()) for status, each in counts.items()} == {"succeeded": len(accepted)}
    server.call("CONFIG", "SET", "maxmemory", "64mb")
    assert [answer.kind for answer in await broker.publish([job()])] == ["accepted"]
    await engine.close()


async def test_a_worker_works_off_a_server_whose_memory_is_full_and_it_takes_jobs_again(own: Own) -> None:
    """Results take memory too: the jobs of this app keep none, and none that has ended."""
    server: Redis = own(Redis, durable=True, maxmemory="8mb")
    shop = Shop(server.url(), enqueue_timeout=0.2, result_ttl=0, retain=0)
    shop.gate.set()
    accepted = 0
    async with shop.app:
        while await _taken(shop, accepted):
            accepted += 100
        worker = shop.app.worker(signals=())
        working = asyncio.create_task(worker.run())
        await soon(lambda: len(set(shop.runs)) == accepted)
        again_jobs = [shop.gated.job(n) for n in range(accepted, accepted + 10)]
        await again(lambda: shop.app.enqueue_many(again_jobs))
        await soon(lambda: len(set(shop.runs)) == accepted + 10)
        worker.stop()
        counts = await working
    assert counts.succeeded == accepted + 10


async def test_a_user_who_may_not_do_it_is_told_what_to_grant(own: Own) -> None:
    server: Redis = own(Redis)
    server.call("ACL", "SETUSER", "reader", "on", ">reader-word", "+@read", "+@connection", "+info", "~*")
    url = f"redis://reader:reader-word@{server.address}/0"
    engine = open_engine(url)
    with pytest.raises(EngineRefused, match="grant") as caught:
        await engine.open()
    assert "reader-word" not in str(caught.value)
    await engine.close()


async def test_a_url_that_leads_to_something_else_is_told(own: Own) -> None:
    stranger: Postgres = own(Postgres)
    engine = open_engine(f"redis://{stranger.address}/0?timeout=1")
    async with asyncio.timeout(60):
        with pytest.raises((EngineRefused, BrokerUnavailable), match=stranger.address):
            await engine.open()


@pytest.mark.parametrize("kind", ["redis", "valkey"])
async def test_a_worker_follows_the_sentinels_to_another_master(own: Own, kind: str) -> None:
    """What only the old master knew is lost, as replicas follow it without being waited for: here they had the time."""
    master: Redis = own(Redis, kind, durable=True)
    replica: Redis = own(Redis, kind, durable=True, replicaof=("127.0.0.1", master.port))
    until(lambda: "master_link_status:up" in _replication(replica))
    sentinel: Sentinel = own(Sentinel, master, kind)
    until(lambda: f"{replica.port}" in str(sentinel.call("SENTINEL", "REPLICAS", "workhorse")))
    shop = Shop(f"redis+sentinel://{sentinel.address}/workhorse/0")
    async with shop.app:
        await shop.app.enqueue_many(shop.gated.job(n) for n in range(10))
        master.call("WAIT", 1, 10_000)
        worker = shop.app.worker(signals=())
        working = asyncio.create_task(worker.run())
        await soon(lambda: shop.inside == 10)
        until(lambda: _offset(master) == _offset(replica))
        master.kill()
        shop.gate.set()
        await soon(lambda: not worker.ready)
        await again(lambda: shop.app.enqueue(shop.gated.job(10)))
        await soon(lambda: len(set(shop.runs)) == 11)
        await again(lambda: all_succeeded(shop, 11))
        worker.stop()
        await working
    assert sorted(shop.runs) == list(range(11))


async def _taken(shop: Shop, first: int) -> bool:
    """A hundred jobs more, or none: there is no memory for them."""
    try:
        await shop.app.enqueue_many(shop.gated.job(n) for n in range(first, first + 100))
    except BrokerUnavailable as error:
        return "memory" not in str(error)
    return True


def _replication(server: Redis) -> str:
    found = server.call("INFO", "replication")
    return "\n".join(f"{key}:{value}" for key, value in found.items())


def _offset(server: Redis) -> str:
    return str(server.call("INFO", "replication")["master_repl_offset"])
