"""Limits, rates and order as an app says them: never more at once, nobody starves, nothing is charged. The same on every engine."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator

import pytest

from homes import HOMES, home
from workhorse import Fixed, Limit, Retry, Workhorse
from workhorse.core.trail import load
from workhorse.engine import Claim, Filter, Row
from workhorse.testing import drain, in_memory


class Crowd:
    """Who is inside, by key, and the most there ever were."""

    def __init__(self) -> None:
        self.inside, self.most = defaultdict[str, int](int), defaultdict[str, int](int)
        self.order: list[tuple[str, int]] = []

    async def visit(self, key: str, number: int) -> None:
        self.inside[key] += 1
        self.most[key] = max(self.most[key], self.inside[key])
        for _ in range(5):
            await asyncio.sleep(0)
        self.inside[key] -= 1
        self.order.append((key, number))


def make(url: str, crowd: Crowd) -> Workhorse:
    app = Workhorse(url, name="shop", retry=Retry(3, Fixed(0)))

    @app.task(name="call", limit=Limit(concurrency=2, key="{tenant}"))
    async def call(tenant: str, number: int = 0) -> None:
        await crowd.visit(tenant, number)

    @app.task(name="post", ordered_by="{account}")
    async def post(account: str, number: int, fails: int = 0) -> None:
        await crowd.visit(account, number)
        if fails:
            raise ValueError("not this time")

    return app


@pytest.fixture
def crowd() -> Crowd:
    return Crowd()


@pytest.fixture(params=HOMES)
async def app(request: pytest.FixtureRequest, crowd: Crowd) -> AsyncIterator[Workhorse]:
    async with make(home(request, request.param), crowd) as app:
        yield app


async def rows(app: Workhorse) -> list[Row]:
    inspector = (await app.engine()).inspector
    assert inspector is not None
    return list(await inspector.list(Filter(), 10_000))


async def test_two_workers_together_run_no_more_at_once_than_the_limit(app: Workhorse, crowd: Crowd) -> None:
    call, other = app.registry.find("call"), make(app.places.url, crowd)
    await app.enqueue_many(call.job(tenant, number) for number in range(40) for tenant in ("a", "b", "c"))
    async with other:
        counts = await asyncio.gather(drain(app), drain(other))
        while any(row.status != "succeeded" for row in await rows(app)):  # what one admitted when the other had gone
            counts += [await drain(app)]
    assert sum(each.succeeded for each in counts) == 120
    assert dict(crowd.most) == {"a": 2, "b": 2, "c": 2}


async def test_a_limited_job_costs_no_attempt_and_no_hand_back(app: Workhorse) -> None:
    call = app.registry.find("call")
    await app.enqueue_many(call.job("a", number) for number in range(200))
    counts = await drain(app)
    assert (counts.succeeded, counts.released, counts.retried) == (200, 0, 0)
    assert {(row.job.attempt, row.crashes, load(row.job.trail).hand_backs) for row in await rows(app)} == {(1, 0, 0)}


async def test_one_job_of_another_key_does_not_wait_for_the_many_of_the_first(app: Workhorse) -> None:
    call = app.registry.find("call")
    await app.enqueue_many(call.job("big", number) for number in range(2_000))
    small = await call.enqueue("small")
    broker = (await app.engine()).broker
    assert broker is not None
    claims = await broker.claim(["shop"], 10, 30)
    assert small.id in [claim.job.id for claim in claims]
    assert len(claims) == 3  # two of the big one, by its limit


async def test_jobs_of_a_key_run_one_at_a_time_in_the_order_of_their_acceptance(app: Workhorse, crowd: Crowd) -> None:
    post = app.registry.find("post")
    await app.enqueue_many(post.job(account, number) for number in range(20) for account in ("x", "y"))
    await drain(app)
    for account in ("x", "y"):
        assert [number for key, number in crowd.order if key == account] == list(range(20))
    assert dict(crowd.most) == {"x": 1, "y": 1}


async def test_who_comes_after_waits_for_the_retries_of_who_came_before(app: Workhorse, crowd: Crowd) -> None:
    post = app.registry.find("post")
    await app.enqueue_many(post.job("x", number, fails=int(number == 1)) for number in range(3))
    await post.enqueue("y", 7)
    counts = await drain(app)
    assert (counts.succeeded, counts.retried, counts.dead) == (3, 3, 1)
    assert [number for key, number in crowd.order if key == "x"] == [0, 1, 1, 1, 1, 2]


async def test_a_dead_workers_slot_comes_back_with_its_job() -> None:
    app = Workhorse("memory://", name="shop")
    ran: list[int] = []

    @app.task(name="call", limit=Limit(concurrency=1), max_crashes=5)
    async def call(number: int) -> None:
        ran.append(number)

    async with in_memory(app) as bench:
        await app.enqueue_many(call.job(number) for number in range(3))
        broker = (await app.engine()).broker
        assert broker is not None
        assert len(await broker.claim(["shop"], 10, 30)) == 1
        assert (await bench.drain()).succeeded == 0
        bench.clock.advance(31)
        assert (await bench.drain()).succeeded == 3
    assert sorted(ran) == [0, 1, 2]


async def test_a_rate_is_kept_also_when_a_backlog_has_gathered() -> None:
    app = Workhorse("memory://", name="shop")
    app.task(name="call", limit=Limit(rate="60/min"))(lambda: None)
    async with in_memory(app) as bench:
        await app.enqueue_many(app.registry.find("call").job() for _ in range(100))
        bench.clock.advance(3600)
        broker = (await app.engine()).broker
        assert broker is not None
        claims: list[Claim] = []
        for second in range(1, 31):
            claims += await broker.claim(["shop"], 100, 300)
            claims += await broker.claim(["shop"], 100, 300)
            assert len(claims) == second
            bench.clock.advance(1)


async def test_a_job_with_a_lane_and_a_key_says_so_in_its_envelope(app: Workhorse) -> None:
    await app.registry.find("call").enqueue("a" * 500)
    (row,) = await rows(app)
    assert row.job.lane is not None
    assert (row.job.lane.width, row.job.lane.ordered) == (2, False)
    assert row.job.lane.key.startswith("shop/call:#")
    assert len(row.job.lane.key) < 100
