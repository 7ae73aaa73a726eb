"""Queues spread over the slots of a real cluster: the conformance suite where it is promised, and what is left to do elsewhere."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from itertools import count
from typing import NoReturn

import pytest
import pytest_asyncio

from servers import Redis
from servers.redis import cluster
from workhorse.engine import ABSENT, Broker, Engine, Envelope, Filter, Inspector, Put, Store, Succeeded
from workhorse.engines.redis.engine import redis
from workhorse.engines.redis.spread import redo
from workhorse.testing.conformance import Conformance

NUMBERS = count(1)


class TestSpread(Conformance):
    """`redis://NODE?slots=queue`, three masters."""

    without = ("statements", "transactions")
    nodes: list[Redis]

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def private_cluster(cls) -> Iterator[None]:
        with cluster(clock=True, fast=True) as cls.nodes:
            yield

    def engine(self, name: str) -> Engine:
        return redis(self.nodes[0].url(prefix=name, poll=0.05, slots="queue"))

    async def pass_time(self, seconds: float) -> None:
        for node in self.nodes:
            node.call("PING")  # what was sent before has been done by now
            node.clock.move(seconds)


@pytest.fixture(scope="module")
def nodes() -> Iterator[list[Redis]]:
    with cluster(clock=True, fast=True) as made:
        yield made


class Worker:
    """One process, as far as the servers can tell."""

    def __init__(self, engine: Engine) -> None:
        assert engine.broker is not None
        assert engine.store is not None
        assert engine.inspector is not None
        self.broker: Broker = engine.broker
        self.store: Store = engine.store
        self.inspector: Inspector = engine.inspector

    async def claimed(self, *queues: str) -> list[str]:
        return sorted([each.job.id for each in await self.broker.claim(queues, 10, 30)])


@pytest_asyncio.fixture
async def workers(nodes: list[Redis]) -> AsyncIterator[tuple[Worker, Worker]]:
    prefix = f"spread{next(NUMBERS)}"
    async with AsyncExitStack() as stack:
        engines = [redis(node.url(prefix=prefix, slots="queue")) for node in nodes[:2]]
        for engine in engines:
            stack.push_async_callback(engine.close)
            await engine.open()
        yield Worker(engines[0]), Worker(engines[1])


def job(id: str, queue: str = "mail") -> Envelope:
    return Envelope(id, "send", b"{}", queue)


async def settle_and_die(worker: Worker, monkeypatch: pytest.MonkeyPatch, outcome: Succeeded) -> None:
    """The job has ended, and its worker did not come to the rest."""

    async def die(*_: object) -> NoReturn:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(redo, "carry_out", die)
        with pytest.raises(ZeroDivisionError):
            await worker.broker.settle([outcome])


async def test_the_queues_of_an_app_share_the_nodes(nodes: list[Redis], workers: tuple[Worker, Worker]) -> None:
    before = [node.call("DBSIZE") for node in nodes]
    await workers[0].broker.publish([job(f"{n}", f"q{n}") for n in range(30)])
    assert all(node.call("DBSIZE") > had for node, had in zip(nodes, before, strict=True))
    assert await workers[1].claimed(*(f"q{n}" for n in range(30))) != []


async def test_what_a_dead_worker_left_to_do_is_done_by_the_next_claim_of_its_queue(
    nodes: list[Redis], workers: tuple[Worker, Worker], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = workers
    await first.broker.publish([job("a")])
    (held,) = await first.broker.claim(("mail",), 1, 30)
    outcome = Succeeded(held, writes=[Put("result/a", b"42", ttl=60)], publish=[job("a~1~0", "then")])
    await settle_and_die(first, monkeypatch, outcome)
    assert await second.claimed("mail", "then") == []
    for node in nodes:
        node.clock.move(6)
    assert await second.claimed("mail") == []
    assert await second.claimed("then") == ["a~1~0"]
    assert [key for key, _, _ in await second.store.scan("result/")] == ["result/a"]


async def test_it_is_not_done_again_by_who_comes_late(
    workers: tuple[Worker, Worker], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = workers
    await first.broker.publish([job("a")])
    (held,) = await first.broker.claim(("mail",), 1, 30)
    outcome = Succeeded(held, writes=[Put("mark", b"1")])
    await settle_and_die(first, monkeypatch, outcome)
    assert await second.broker.settle([outcome]) == [(outcome, "stale")]
    await second.store.put([Put("mark", b"2")])
    assert await first.broker.settle([outcome]) == [(outcome, "stale")]
    assert [value for _, value, _ in await first.store.scan("mark")] == [b"2"]


async def test_a_conflict_is_found_before_the_job_ends(workers: tuple[Worker, Worker]) -> None:
    first, second = workers
    await second.store.put([Put("journal/1", b"theirs")])
    await first.broker.publish([job("a")])
    (held,) = await first.broker.claim(("mail",), 1, 30)
    outcome = Succeeded(held, writes=[Put("journal/1", b"ours", ABSENT)], publish=[job("next")])
    assert await first.broker.settle([outcome]) == [(outcome, "conflict")]
    assert await first.broker.extend([held], 30) == ["kept"]
    assert await second.claimed("mail") == []


async def test_people_see_all_queues_as_one(workers: tuple[Worker, Worker]) -> None:
    first, second = workers
    await first.broker.publish([job(f"{n:02}", f"q{n % 4}") for n in range(20)])
    page = await second.inspector.list(Filter(after="04"), 5)
    assert [row.job.id for row in page] == ["05", "06", "07", "08", "09"]
    assert await second.inspector.count("status") == {"ready": {f"q{n}": 5 for n in range(4)}}
    await second.inspector.pause("q1")
    assert await second.inspector.paused() == ["q1"]
    assert await first.claimed("q0", "q1") == ["00", "04", "08", "12", "16"]
