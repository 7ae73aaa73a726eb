"""Schedules at work: ticks become jobs, each once, by the engine's clock, and whatever becomes of a job the next tick comes."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from homes import HOMES, home
from workhorse import Context, Cron, Every, Fixed, Job, Retry, Router, Workhorse
from workhorse.core.envelope import encode_job
from workhorse.core.happenings import TicksMissed
from workhorse.core.schema import Unfit
from workhorse.durable import ticks
from workhorse.engine import Answer, Envelope, Store, Succeeded
from workhorse.engines.sqlite import memory
from workhorse.errors import BrokerUnavailable
from workhorse.testing import ManualClock, drain, in_memory
from workhorse.testing.conformance.skew import HOUR, wall_clock_off
from workhorse.testing.conformance.words import claim, job, publish
from workhorse.testing.faults import Away, Call, Fault, FaultyEngine, Lost, Script
from workhorse.worker import scheduler
from workhorse.worker.backoff import Backoff
from workhorse.worker.scheduler import Scheduler

NAME = "scheduler-of-a-test"
MINUTE = 60.0


@dataclass
class Shop:
    """An app on a clock that the test moves, and who sees to its schedules."""

    app: Workhorse
    clock: ManualClock
    script: Script

    async def scheduler(self) -> Scheduler:
        engine = FaultyEngine(await self.app.engine(), self.script)
        assert engine.broker is not None
        assert engine.store is not None
        return Scheduler(engine.broker, engine.store, self.app.scheduled(), self.app.bus, Backoff(self.app.bus))

    async def ran(self) -> int:
        return (await drain(self.app)).succeeded

    async def store(self) -> Store:
        store = (await self.app.engine()).store
        assert store is not None
        return store


@pytest.fixture
def shop() -> Iterator[Shop]:
    clock = ManualClock()
    memory.home(NAME, clock=clock)
    yield Shop(Workhorse(f"memory://{NAME}", name="shop", retry=Retry(0)), clock, Script())
    memory.forget(NAME)


def heartbeat(shop: Shop, schedule: Cron | Every) -> list[str]:
    """What ran, by id."""
    seen: list[str] = []

    @shop.app.task(schedule=schedule)
    async def beat(ctx: Context) -> None:
        seen.append(ctx.job.id)

    return seen


async def test_a_tick_is_a_job_of_its_task_by_the_name_of_its_moment(shop: Shop) -> None:
    seen = heartbeat(shop, Cron("0 4 * * *", timezone="Europe/Paris"))
    async with shop.app:
        assert await shop.ran() == 0
        shop.clock.advance(3 * HOUR)
        assert await shop.ran() == 1
        assert await shop.ran() == 0
    assert seen == ["tick~shop~beat~2030-01-01T03:00:00Z"]


async def test_a_look_says_how_long_it_is_until_the_next_tick_and_no_more_than_a_few_seconds(shop: Shop) -> None:
    heartbeat(shop, Every(minutes=1))
    async with shop.app:
        its = await shop.scheduler()
        assert await its.look() == scheduler.LOOK
        shop.clock.advance(58)
        assert await its.look() == 2
        shop.clock.advance(2)
        assert await its.look() == scheduler.LOOK


async def test_any_number_of_schedulers_publish_a_tick_once(shop: Shop) -> None:
    seen = heartbeat(shop, Every(minutes=1))
    async with shop.app:
        many = [await shop.scheduler() for _ in range(5)]
        for _ in range(4):
            for its in many:
                await its.look()
            await shop.ran()
            shop.clock.advance(MINUTE)
    assert len(seen) == len(set(seen)) == 3


@pytest.mark.parametrize("fault", [Away(), Lost()])
@pytest.mark.parametrize("verb", ["now", "get", "publish", "put"])
async def test_a_look_that_fails_at_any_verb_is_made_good_by_the_next(shop: Shop, verb: Any, fault: Any) -> None:
    seen = heartbeat(shop, Every(minutes=1))
    async with shop.app:
        its = await shop.scheduler()
        await its.look()
        shop.clock.advance(MINUTE)
        shop.script.next(verb, fault)
        with pytest.raises(BrokerUnavailable):
            await its.look()
        await its.look()
        assert await shop.ran() == 1
    assert len(seen) == 1


@pytest.mark.parametrize("off", [HOUR, -HOUR], ids=["ahead", "behind"])
async def test_a_worker_whose_clock_is_off_ticks_when_the_engine_says_so(shop: Shop, off: float) -> None:
    seen = heartbeat(shop, Every(minutes=10))
    async with shop.app:
        with wall_clock_off(off):
            assert await shop.ran() == 0
            shop.clock.advance(10 * MINUTE)
            assert await shop.ran() == 1
        shop.clock.advance(10 * MINUTE)
        assert await shop.ran() == 1
    assert [id[-20:] for id in seen] == ["2030-01-01T00:10:00Z", "2030-01-01T00:20:00Z"]


async def test_missed_ticks_are_skipped_and_told_of_once(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    missed: list[TicksMissed] = []
    shop.app.bus.listen(TicksMissed, missed.append)
    seen = heartbeat(shop, Every(minutes=10))
    async with shop.app:
        its, other = await shop.scheduler(), await shop.scheduler()
        await its.look()
        began = shop.clock.time()
        shop.clock.advance(2 * HOUR + 300)
        with caplog.at_level(logging.WARNING, "workhorse"):
            await its.look()
            await other.look()
        await shop.ran()
    assert seen == []
    assert missed == [TicksMissed("shop~beat", began + 600, began + 2 * HOUR)]
    assert "schedule shop~beat: nobody was there for its ticks from 2030-01-01T00:10:00" in caplog.text


async def test_missed_ticks_are_made_up_for_where_that_is_asked_for(shop: Shop) -> None:
    seen = heartbeat(shop, Every(minutes=10, catch_up=2))
    async with shop.app:
        await shop.ran()
        shop.clock.advance(HOUR + 300)
        assert await shop.ran() == 2
    assert [id[-9:] for id in seen] == ["00:50:00Z", "01:00:00Z"]


async def test_a_jitter_puts_a_tick_off_by_its_share(shop: Shop) -> None:
    seen = heartbeat(shop, schedule := Every(minutes=10, jitter=60))
    async with shop.app:
        its = await shop.scheduler()
        await its.look()
        shop.clock.advance(600)
        await its.look()
        id = ticks.id_of("shop~beat", shop.clock.time())
        lag = ticks.lag(schedule, id)
        assert lag > 2
        shop.clock.advance(lag - 1)
        assert await shop.ran() == 0
        shop.clock.advance(2)
        assert await shop.ran() == 1
    assert seen == [id]


async def test_retries_of_a_tick_come_before_the_next_and_a_dead_one_does_not_end_the_schedule() -> None:
    app, tried = Workhorse(name="shop"), list[tuple[str, int]]()

    @app.task(schedule=Every(minutes=1), retry=Retry(1, Fixed(1)))
    async def hopeless(ctx: Context) -> None:
        tried.append((ctx.job.id[-9:], ctx.attempt))
        raise ValueError("no")

    async with in_memory(app) as bench:
        await bench.drain()
        for seconds in (60, 59):  # a drain moves the clock by the second of the retry
            bench.clock.advance(seconds)
            counts = await bench.drain()
            assert (counts.retried, counts.dead) == (1, 1)
    assert tried == [("00:01:00Z", 1), ("00:01:00Z", 2), ("00:02:00Z", 1), ("00:02:00Z", 2)]


async def test_a_schedule_that_is_removed_from_the_code_stops(shop: Shop) -> None:
    seen = heartbeat(shop, Every(minutes=1))
    async with shop.app:
        await shop.ran()
    shop.app = Workhorse(f"memory://{NAME}", name="shop")

    @shop.app.task(name="beat")
    async def no_more() -> None:
        seen.append("ran")

    async with shop.app:
        shop.clock.advance(MINUTE)
        assert await shop.ran() == 0
    assert seen == []


async def test_an_app_without_schedules_asks_its_engine_nothing_for_them(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Scheduler, "__init__", lambda *_: pytest.fail("a scheduler was made"))

    @shop.app.task
    async def plain() -> None: ...

    async with shop.app:
        await plain.enqueue()
        assert await shop.ran() == 1


async def test_schedules_of_routers_and_of_two_services_keep_apart(shop: Shop) -> None:
    router, other = Router(prefix="house."), Workhorse(f"memory://{NAME}", name="billing")
    seen: list[str] = []

    @router.task(schedule=Every(minutes=1))
    async def clean(ctx: Context) -> None:
        seen.append(ctx.job.id[:-20])

    @other.task(name="house.clean", schedule=Every(minutes=1))
    async def clean_elsewhere(ctx: Context) -> None:
        seen.append(ctx.job.id[:-20])

    shop.app.include(router)
    async with shop.app, other:
        for _ in range(2):
            await drain(shop.app)
            await drain(other)
            shop.clock.advance(MINUTE)
    assert sorted(seen) == ["tick~billing~house.clean~", "tick~shop~house.clean~"]


async def test_what_is_said_of_the_task_holds_for_its_ticks(shop: Shop) -> None:
    seen: list[str] = []

    @shop.app.task(schedule=Every(minutes=1), queue="night", headers={"from": "cron"}, expires=30)
    def beat(ctx: Context, day: str = "today") -> None:
        seen.append(f"{ctx.job.queue} {ctx.job.headers['from']} {day}")

    async with shop.app:
        its = await shop.scheduler()
        await its.look()
        shop.clock.advance(MINUTE)
        await its.look()
        assert await shop.ran() == 1
        shop.clock.advance(MINUTE)
        await its.look()
        shop.clock.advance(31)
        assert (await drain(shop.app)).dead == 1  # it expired
    assert seen == ["night cron today"]


async def test_a_tick_that_is_not_accepted_is_told_of_and_the_schedule_goes_on(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    seen = heartbeat(shop, Every(minutes=1))
    async with shop.app:
        its = await shop.scheduler()
        await its.look()
        shop.clock.advance(MINUTE)
        shop.script.next("publish", Full())
        await its.look()
        shop.clock.advance(MINUTE)
        await its.look()
        await shop.ran()
    assert "beat tick~shop~beat~2030-01-01T00:01:00Z was not accepted: it is full; the schedule goes on" in caplog.text
    assert [id[-9:] for id in seen] == ["00:02:00Z"]


@dataclass(frozen=True)
class Full(Fault):
    """Nothing is taken."""

    async def meet(self, call: Call, /) -> list[Answer]:
        return [Answer("refused", reason="it is full") for _ in call.arguments[0]]


async def test_a_tick_that_cannot_be_made_keeps_no_other_back(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    seen = heartbeat(shop, Every(minutes=1))

    @shop.app.task(schedule=Every(minutes=1))
    async def odd() -> None: ...

    def encode(job: Job[Any], *rest: Any) -> Envelope:
        if job.task == "odd":
            raise Unfit("it does not travel")
        return encode_job(job, *rest)

    monkeypatch.setattr(scheduler, "encode_job", encode)
    async with shop.app:
        its = await shop.scheduler()
        await its.look()
        shop.clock.advance(MINUTE)
        await its.look()
        assert await shop.ran() == 1
    assert len(seen) == 1
    assert (
        "odd tick~shop~odd~2030-01-01T00:01:00Z was not accepted: it does not travel; the schedule goes on"
        in caplog.text
    )


async def test_a_bench_ticks_when_its_clock_is_moved() -> None:
    app = Workhorse(name="shop")

    @app.task(schedule=Every(hours=1))
    async def hourly() -> str:
        return "an hour"

    async with in_memory(app) as bench:
        await bench.drain()  # from now on it is seen
        bench.clock.advance(HOUR)
        await bench.drain()
        assert bench.results == ["an hour"]


async def test_a_worker_ticks_while_it_lives_and_ends_when_it_is_told_to() -> None:
    app, seen = Workhorse("memory://", name="shop"), list[str]()

    @app.task(schedule=Every(seconds=1))
    async def beat(ctx: Context) -> None:
        seen.append(ctx.job.id)
        if len(seen) == 3:
            worker.stop()

    worker = app.worker(signals=())
    async with app:
        assert (await worker.run()).succeeded == 3
    assert len(set(seen)) == 3


async def test_an_unexpected_error_of_one_look_ends_neither_the_worker_nor_the_schedules(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(scheduler, "LOOK", 0.01)
    heartbeat(shop, Every(minutes=1))
    async with shop.app:
        its = await shop.scheduler()
        shop.script.next("now", Away(RuntimeError("odd")))
        async with its:
            await its.looked.wait()
            store = await shop.store()
            while not await ticks.known(store):
                await store.wait({"tick/shop~beat": 0}, 1)
    assert "a look at the schedules failed, another follows: odd" in caplog.text


@pytest.mark.parametrize("kind", HOMES)
async def test_a_tick_that_has_ended_is_known_where_nothing_that_has_ended_is_kept(
    kind: str, request: pytest.FixtureRequest
) -> None:
    tick = job("tick~shop~beat~2030-01-01T00:01:00Z")
    async with Workhorse(home(request, kind), name="shop", retain=0) as app:
        broker = (await app.engine()).broker
        assert broker is not None
        for times in (1, 0):
            await publish(broker, tick)
            claims = await claim(broker)
            assert len(claims) == times
            await broker.settle([Succeeded(it) for it in claims])
