"""Moving house between engines of every kind: each job once, as it was, in the order of its lane; under live workers, and
however often the move is killed."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from random import Random
from typing import Any

import msgspec
import pytest

from homes import MANY_TIMES, PAIRS, home
from workhorse import Workhorse
from workhorse.core.ids import new_id
from workhorse.durable import paging
from workhorse.durable.moving import Account, moving
from workhorse.engine import (
    Answer,
    Broker,
    Claim,
    Engine,
    Envelope,
    Features,
    Filter,
    Inspector,
    Lane,
    Released,
    Retried,
    Row,
    Store,
    Succeeded,
    Unique,
)
from workhorse.engines import open_engine
from workhorse.engines.postgres import inspector
from workhorse.engines.postgres.link import Link
from workhorse.errors import JobNotFound, WorkhorseError
from workhorse.testing.faults import FaultyEngine, Nemesis
from workhorse.testing.faults.fault import Call

QUEUES = ["shop", "mail"]
LATER = 4_000_000_000.0


class House:
    """An open engine, with words for the tests."""

    def __init__(self, url: str, engine: Engine) -> None:
        self.url, self.engine = url, engine

    @property
    def broker(self) -> Broker:
        assert self.engine.broker is not None
        return self.engine.broker

    @property
    def inspector(self) -> Inspector:
        assert self.engine.inspector is not None
        return self.engine.inspector

    @property
    def store(self) -> Store:
        assert self.engine.store is not None
        return self.engine.store

    async def publish(self, *jobs: Envelope) -> None:
        assert {answer.kind for answer in await self.broker.publish(jobs)} <= {"accepted"}

    async def claim(self, limit: int = 100) -> list[Claim]:
        return await self.broker.claim(QUEUES, limit, 30)

    async def work(self) -> list[str]:
        """Run all that is due; the ids, in order."""
        ran: list[str] = []
        while claims := await self.claim():
            assert await self.broker.settle([Succeeded(claim) for claim in claims]) == []
            ran += [claim.job.id for claim in claims]
        return ran

    async def rows(self) -> dict[str, Row]:
        return {row.job.id: row for row in await self.inspector.list(Filter(), 10_000)}

    async def states(self) -> dict[str, int]:
        return dict(Counter(row.status for row in (await self.rows()).values()))


@pytest.fixture(params=PAIRS)
async def houses(request: pytest.FixtureRequest) -> AsyncIterator[tuple[House, House]]:
    """Where jobs move from, and where to."""
    async with AsyncExitStack() as stack:
        opened: list[House] = []
        for kind, side in zip(request.param.split("-"), ("from", "to"), strict=True):
            url = home(request, kind, side)
            engine = open_engine(url)
            stack.push_async_callback(engine.close)
            await engine.open()
            opened.append(House(url, engine))
        yield opened[0], opened[1]


def job(id: str = "", **fields: Any) -> Envelope:
    fields = {"task": "count", "payload": b'{"n":1}', "queue": "shop", **fields}
    return Envelope(id or new_id(), **fields)


async def moved(a: House | Engine, b: House | Engine, **options: Any) -> Account:
    source, target = (each.engine if isinstance(each, House) else each for each in (a, b))
    move = moving(source, target, options.pop("queues", None), **options)
    await move.round(lambda count: None)
    return move.account


def everything() -> list[Envelope]:
    """One of every kind that can wait."""
    line = Lane("shop/line", 1, ordered=True)
    return [
        job("plain"),
        job("rich", headers={"team": "shop"}, priority=3, attempt=2, trail=b'{"budget":1}', task="other", queue="mail"),
        job("large", payload=b"x" * 100_000),
        job("later", at=LATER),
        job("mortal", expires=3600, delay=60),
        *(job(f"line-{n}", lane=line) for n in range(3)),
        job("limited-1", lane=Lane("shop/limit", 1)),
        job("limited-2", lane=Lane("shop/limit", 1)),
        job("only", unique=Unique("shop/key")),
        job("letter", dead="GiveUp: no", attempt=4, trail=b'{"hand_backs":2}', queue="mail"),
    ]


async def test_every_kind_of_job_moves_as_it_was(houses: tuple[House, House]) -> None:
    a, b = houses
    await a.publish(*everything())
    before = await a.rows()
    account = await moved(a, b)
    assert account.whole, account
    assert (account.count, account.verified, account.unseen) == (len(before), len(before), 0)
    assert await a.rows() == {}
    after = await b.rows()
    assert {id: row.status for id, row in after.items()} == {id: row.status for id, row in before.items()}
    for id, row in before.items():
        there = after[id]
        kept = ("task", "payload", "queue", "headers", "priority", "attempt", "trail")
        assert [getattr(there.job, name) for name in kept] == [getattr(row.job, name) for name in kept], id
        assert there.reason == row.reason
        if row.status == "scheduled":
            assert there.due == pytest.approx(row.due, abs=0.01)
        if not row.job.unique and row.status != "dead":
            assert there.job.lane == row.job.lane
    assert 3500 < (after["mortal"].job.expires or 0) <= 3600


async def test_a_unique_key_is_held_at_the_new_place(houses: tuple[House, House]) -> None:
    a, b = houses
    await a.publish(job("only", unique=Unique("shop/key")))
    await moved(a, b)
    (answer,) = await b.broker.publish([job("second", unique=Unique("shop/key"))])
    assert answer == Answer("duplicate", of="only")


@pytest.mark.parametrize("page", [1, 3, 500])
async def test_an_ordered_lane_keeps_its_order_over_pages_and_batches(
    houses: tuple[House, House], page: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "PAGE", page)
    a, b = houses
    names = [f"{number:03}" for number in range(12)]
    Random(5).shuffle(names)
    lanes = [Lane(f"shop/{n}", 1, ordered=True) for n in range(2)]
    await a.publish(*(job(name, lane=lanes[index % 2]) for index, name in enumerate(names)))
    assert (await moved(a, b)).count == 12
    ran = await b.work()
    assert [name for name in ran if name in names[::2]] == names[::2]
    assert [name for name in ran if name in names[1::2]] == names[1::2]


async def test_what_runs_stays_with_its_ordered_lane_and_goes_when_it_has_ended(houses: tuple[House, House]) -> None:
    a, b = houses
    line = Lane("shop/line", 1, ordered=True)
    await a.publish(job("first", lane=line), job("second", lane=line))
    (held,) = await a.claim()
    await a.publish(job("free"))
    move = moving(a.engine, b.engine, None)
    assert await move.round(lambda count: None)
    assert {why: stayed.ids for why, stayed in move.account.stayed.items()} == {
        "it runs at the source": ["first"],
        "its lane is ordered, and a job of it runs at the source": ["second"],
    }
    assert set(await b.rows()) == {"free"}
    assert await a.broker.settle([Retried(held, after=0)]) == []
    assert await move.round(lambda count: None)
    assert move.account.whole
    assert not await move.round(lambda count: None)
    assert await a.rows() == {}
    assert [id for id in await b.work() if id != "free"] == ["first", "second"]


async def test_nothing_runs_at_the_source_once_a_move_has_begun(houses: tuple[House, House]) -> None:
    a, b = houses
    await a.publish(job("one"), job("two", queue="mail"))
    account = await moved(a, b, queues=["shop"])
    assert account.paused == ["shop"]
    await a.publish(job("late"))
    assert await a.work() == ["two"]
    assert await b.work() == ["one"]
    await a.inspector.resume("shop")
    assert await a.work() == ["late"]


async def test_a_dry_run_counts_and_moves_and_pauses_nothing(houses: tuple[House, House]) -> None:
    a, b = houses
    await a.publish(*everything())
    before = await a.rows()
    account = await moved(a, b, dry=True)
    assert account.moved == dict(Counter(row.status for row in before.values()))
    assert (account.verified, account.paused) == (0, [])
    assert await a.rows() == before
    assert await b.rows() == {}
    assert "plain" in await a.work()


async def test_one_that_was_asked_to_cancel_is_cancelled_at_the_new_place(houses: tuple[House, House]) -> None:
    a, b = houses
    await a.publish(job("unwanted", delay=600))
    await a.inspector.cancel(Filter(ids=["unwanted"]))
    assert (await moved(a, b)).whole
    (held,) = await b.claim()
    assert (held.job.id, held.cancel) == ("unwanted", True)


async def test_what_the_target_will_not_have_stays_and_is_named(houses: tuple[House, House]) -> None:
    a, b = houses
    await b.publish(job("holder", unique=Unique("shop/key")), job("same", payload=b"another"))
    await a.publish(
        job("only", payload=b"new", unique=Unique("shop/key", conflict="replace")), job("same"), job("good")
    )
    account = await moved(a, b)
    assert {why: stayed.ids for why, stayed in account.stayed.items()} == {
        "its unique key is taken at the target, by holder": ["only"],
        "another job of this id stands at the target": ["same"],
    }
    assert set(await a.rows()) == {"only", "same"}
    assert (await b.rows())["holder"].job.payload == b'{"n":1}'


class Poor:
    """An engine that does less, and perhaps cannot be listed."""

    def __init__(self, engine: Engine, *, listed: bool = True, counted: bool = True, **less: Any) -> None:
        self._engine, self._less = engine, less
        self.store, self.statements = engine.store, engine.statements
        self.inspector = engine.inspector if listed or counted else None
        self.broker = self

    def __getattr__(self, verb: str) -> Any:
        return getattr(self._engine.broker, verb)

    @property
    def features(self) -> Features:
        assert self._engine.broker is not None
        return msgspec.structs.replace(self._engine.broker.features, **self._less)

    async def open(self) -> None: ...

    async def close(self) -> None: ...


async def test_what_the_target_cannot_do_is_not_tried(houses: tuple[House, House]) -> None:
    a, b = houses
    await a.publish(*everything())
    poor: Any = Poor(b.engine, lanes=False, unique=False, max_delay=900.0, max_size=50_000)
    account = await moved(a, poor)
    reasons = {id: why for why, stayed in account.stayed.items() for id in stayed.ids}
    assert {id: why.rpartition(", and it ")[2] for id, why in reasons.items()} == {
        "later": "is due later",
        "large": "has more",
        "only": "has one",
        **{f"line-{n}": "has one" for n in range(3)},
        "limited-1": "has one",
        "limited-2": "has one",
    }
    assert set(await a.rows()) == reasons.keys()


@pytest.mark.parametrize("counted", [True, False])
async def test_from_an_engine_that_cannot_be_listed_due_jobs_are_claimed_over(
    houses: tuple[House, House], counted: bool
) -> None:
    a, b = houses
    await a.publish(
        job("one", attempt=2), job("two", headers={"a": "b"}), job("later", delay=600), job("huge", payload=b"x" * 999)
    )
    await a.inspector.cancel(Filter(ids=["two"]))
    blind: Any = Poor(a.engine, listed=False, counted=counted, inspectable=False)
    poor: Any = Poor(b.engine, max_size=500)
    with pytest.raises(WorkhorseError, match="--queues"):
        moving(blind, poor, None)
    move = moving(blind, poor, QUEUES)
    assert await move.total() == (4 if counted else None)
    assert await move.round(lambda count: None)
    assert move.account.moved == {"ready": 1}
    assert [stayed.ids for stayed in move.account.stayed.values()] == [["huge"]]
    assert {id: row.status for id, row in (await a.rows()).items()} == {
        "one": "succeeded", "two": "cancelled", "later": "scheduled", "huge": "scheduled",
    }  # fmt: skip
    assert (await b.rows())["one"].job.attempt == 2
    assert (await a.store.get(["result/one"])) == [None]


async def test_a_worker_that_claims_at_a_paused_queue_keeps_its_job_and_the_target_gives_it_back(
    houses: tuple[House, House], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No engine does that; if one did, the job must not run twice, and if it does, it must be said."""
    a, b = houses
    publish, run = b.broker.publish, list[str]()

    async def slow(jobs: Sequence[Envelope], /) -> list[Answer]:
        answers = await publish(jobs)
        await a.inspector.resume("shop")
        run.extend(claim.job.id for claim in await a.claim())
        run.extend(claim.job.id for claim in await b.claim(1))
        return answers

    await a.publish(job("one"), job("two"))
    monkeypatch.setattr(b.broker, "publish", slow)
    account = await moved(a, b)
    assert sorted(run)[::2] == ["one", "two"]
    (twice,) = {id for id, count in Counter(run).items() if count == 2}
    assert account.doubled == [twice]
    assert [stayed.ids for stayed in account.stayed.values()] == [[id for id in ("one", "two") if id != twice]]
    assert set(await b.rows()) == {twice}


async def test_who_waits_at_the_source_is_told_and_a_job_that_comes_back_is_not_absent(
    houses: tuple[House, House],
) -> None:
    a, b = houses
    first, second = (Workhorse(house.url, name="shop") for house in houses)

    async def one() -> int:
        return 1

    at_first = first.task(name="one")(one)
    second.task(name="one")(one)
    async with first, second:
        handle = await at_first.enqueue()
        await moved(a, b)
        with pytest.raises(JobNotFound, match="moved to another engine"):
            await handle.result(timeout=5)
        await moved(b, a)
        await b.inspector.resume("shop")
        await a.inspector.resume("shop")
        with pytest.raises(TimeoutError):
            await handle.result(timeout=0.01)
        await first.worker(burst=True, signals=()).run()
        assert await handle.result(timeout=5) == 1


@pytest.mark.parametrize("houses", MANY_TIMES, indirect=True)
async def test_under_live_workers_at_both_places_every_job_runs_once(
    houses: tuple[House, House], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "PAGE", 7)
    runs: list[tuple[str, int]] = []
    first, second = (Workhorse(house.url, name="shop") for house in houses)
    for place, app in (("from", first), ("to", second)):

        async def count(n: int, place: str = place) -> None:
            runs.append((place, n))

        app.task(name="count", result_ttl=0)(count)
    async with first, second:
        jobs = [first.registry.find("count").options(delay=n % 3 / 10).job(n) for n in range(300)]
        await first.enqueue_many(jobs)
        async with AsyncExitStack() as stack:
            for app in (first, second):
                worker = app.worker(signals=(), concurrency=4)
                running = asyncio.create_task(worker.run())
                stack.push_async_callback(_awaited, running)
                stack.callback(worker.stop)
            move = moving(houses[0].engine, houses[1].engine, None)
            while await move.round(lambda count: None):
                await move.rest()
            assert move.account.whole
            while len(runs) < 300:
                await move.rest()
    assert sorted(n for _, n in runs) == list(range(300))
    assert {place for place, _ in runs} >= {"to"}


async def _awaited(task: Any) -> None:
    await task


class Killed(BaseException):
    """The process is gone at this point."""


class Killing(Nemesis):
    """Kills whoever calls a verb for the n-th time: before it takes effect, or after."""

    def __init__(self, number: int, *, after: bool) -> None:
        super().__init__()
        self._number, self._after = number, after

    async def meet(self, call: Call) -> Any:
        self.calls.append(call.verb)
        answer = None if len(self.calls) == self._number and not self._after else await call.do()
        if len(self.calls) >= self._number:
            raise Killed
        return answer


async def killed_at(number: int, after: bool, houses: tuple[House, House]) -> bool:
    """Whether the move came so far."""
    nemesis = Killing(number, after=after)
    try:
        await moved(*(FaultyEngine(house.engine, nemesis) for house in houses))
    except Killed:
        return True
    return False


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("houses", MANY_TIMES, indirect=True)
async def test_killed_at_any_step_the_move_goes_on_and_every_job_runs_once(
    houses: tuple[House, House], after: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Step by step: publish, let the move be killed there, let workers of both places run what they find, move on. PostgreSQL is looked
    at over its pool: a connection of its own for each look takes most of the time."""
    monkeypatch.setattr(paging, "PAGE", 2)
    monkeypatch.setattr(inspector, "aside", Link.fetch)
    a, b = houses
    line = Lane("shop/line", 1, ordered=True)
    number = 0
    while True:
        number += 1
        names = [f"{number}-{name}" for name in ("line-0", "x", "line-2", "line-1", "dead")]
        await a.publish(
            *(job(id, lane=line if "line" in id else None, dead="x" if "dead" in id else "") for id in names)
        )
        alive = await killed_at(number, after, houses)
        ran = [*await a.work(), *await b.work()]
        account = await moved(a, b)
        assert account.whole, (number, account)
        ran += [*await a.work(), *await b.work()]
        assert sorted(ran) == sorted(names[:-1]), number
        assert [id for id in ran if "line" in id] == [id for id in names if "line" in id], number
        assert (await b.rows())[names[-1]].status == "dead"
        assert not (await a.states()).keys() & {"ready", "scheduled", "parked", "running", "dead"}
        await b.inspector.delete(Filter())
        for queue in QUEUES:
            await a.inspector.resume(queue)
        if not alive:
            break
    assert number > 20


async def test_a_job_that_is_handed_back_during_the_move_goes_in_the_next_round(houses: tuple[House, House]) -> None:
    a, b = houses
    await a.publish(job("one"))
    (held,) = await a.claim()
    move = moving(a.engine, b.engine, None)
    await move.round(lambda count: None)
    await a.broker.settle([Released(held, trail=b'{"hand_backs":1}')])
    await move.round(lambda count: None)
    (again,) = await b.claim()
    assert (again.job.id, again.job.attempt, again.job.trail) == ("one", 1, b'{"hand_backs":1}')
