"""The engine goes away and comes back: nothing that runs is cut short, no outcome is lost, and none is told twice."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from faulty_engine import lined, turns
from workhorse import Context, Fixed, Retry, RetryLater, Workhorse
from workhorse.core.happenings import BrokerBack, BrokerLost, JobLost
from workhorse.engine import Claim, Dead, Engine, Outcome
from workhorse.engines import open_engine
from workhorse.errors import BrokerUnavailable, EngineRefused, JobFailed
from workhorse.testing import drain
from workhorse.testing.faults import Away, Call, Lost, Script


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch) -> Script:
    return lined(monkeypatch, Script())


class Shop:
    """An app whose jobs wait for a gate, and what its bus says of the engine."""

    def __init__(self, url: str, **settings: object) -> None:
        self.app = Workhorse(url, name="shop", retry=Retry(0), **settings)
        self.gate, self.inside, self.runs = asyncio.Event(), 0, list[int]()
        self.lost, self.back, self.dropped = list[BrokerLost](), list[BrokerBack](), list[JobLost]()
        self.app.bus.listen(BrokerLost, self.lost.append)
        self.app.bus.listen(BrokerBack, self.back.append)
        self.app.bus.listen(JobLost, self.dropped.append)

        @self.app.task(name="gated")
        async def gated(ctx: Context, n: int) -> str:
            self.inside += 1
            self.runs.append(n)
            await self.gate.wait()
            await ctx.progress(1, "through")
            return f"{n} at attempt {ctx.attempt}"

        @self.app.task(name="later")
        async def later() -> None:
            raise RetryLater(3600, counts=False)

        self.gated, self.later = gated, later


async def test_what_runs_is_finished_its_outcome_kept_and_settled_when_the_engine_is_back(
    line: Script, database_url: str
) -> None:
    shop = Shop(database_url)
    async with shop.app:
        jobs = [await shop.gated.enqueue(n) for n in range(5)]
        working = asyncio.create_task(shop.app.worker(max_jobs=5, signals=()).run())
        await turns(lambda: shop.inside == 5)
        line.cut()
        shop.gate.set()
        await turns(lambda: shop.lost and line.calls.count("settle") >= 2)
        line.heal()
        counts = await working
        assert counts.succeeded == 5
        assert [await job.result() for job in jobs] == [f"{n} at attempt 1" for n in range(5)]
    assert sorted(shop.runs) == list(range(5))
    assert (len(shop.lost), len(shop.back), shop.dropped) == (1, 1, [])


async def test_an_idle_worker_reconnects_and_runs_what_comes_then(line: Script) -> None:
    shop = Shop("memory://")
    shop.gate.set()
    async with shop.app:
        worker = shop.app.worker(max_jobs=1, signals=())
        working = asyncio.create_task(worker.run())
        await turns(lambda: worker.ready)
        line.cut()
        enqueueing = asyncio.create_task(shop.gated.enqueue(1))  # tries again until the line is whole
        await turns(lambda: line.calls.count("publish") >= 2)
        assert not working.done()
        line.heal()
        job = await enqueueing
        assert (await working).succeeded == 1
        assert await job.status() == "succeeded"


async def test_a_worker_that_cannot_reach_the_engine_is_not_ready_and_tries_on(line: Script) -> None:
    shop = Shop("memory://")
    shop.gate.set()
    async with shop.app:
        job = await shop.gated.enqueue(1)
        line.cut()
        worker = shop.app.worker(max_jobs=1, signals=())
        working = asyncio.create_task(worker.run())
        await turns(lambda: shop.lost)
        assert not worker.ready
        assert worker.healthy
        line.heal()
        await working
        assert await job.status() == "succeeded"


async def test_a_settle_whose_answer_is_lost_is_settled_again_and_done_once(line: Script) -> None:
    shop = Shop("memory://")
    shop.gate.set()
    async with shop.app:
        job = await shop.gated.enqueue(1)
        line.always(Lost(), "settle")
        working = asyncio.create_task(drain(shop.app))
        await turns(lambda: line.calls.count("settle") >= 2)
        line.heal()
        await working
        assert await job.result() == "1 at attempt 1"
    assert shop.runs == [1]


async def test_extensions_whose_answers_are_lost_keep_their_jobs_all_the_same(line: Script) -> None:
    shop, rival = Shop("memory://deaf-leases"), open_engine("memory://deaf-leases")
    await rival.open()
    async with shop.app:
        job = await shop.gated.enqueue(1)
        line.always(Lost(), "extend")
        working = asyncio.create_task(shop.app.worker(max_jobs=1, lease=0.5, signals=()).run())
        await turns(lambda: line.calls.count("extend") >= 6)  # a third of a lease apart, so for two leases
        assert await rival.broker.claim(["shop"], 1, 30) == []
        shop.gate.set()
        assert (await working).succeeded == 1
        assert await job.result() == "1 at attempt 1"
    await rival.close()
    assert (shop.runs, shop.dropped) == ([1], [])


async def test_what_another_worker_has_taken_meanwhile_is_not_overwritten(line: Script) -> None:
    shop, rival = Shop("memory://away-and-taken"), open_engine("memory://away-and-taken")
    async with shop.app:
        job = await shop.gated.enqueue(1)
        working = asyncio.create_task(shop.app.worker(lease=0.3, signals=()).run())
        await turns(lambda: shop.inside == 1)
        line.cut()
        shop.gate.set()
        await turns(lambda: shop.lost)
        claim = await taken(rival)
        await rival.broker.settle([Dead(claim, reason="the rival's word")])
        line.heal()
        await turns(lambda: shop.dropped)
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
        assert (claim.job.id, claim.crashes, shop.dropped[0].why) == (job.id, 1, "stale")
        with pytest.raises(JobFailed, match="the rival's word"):
            await job.result()
    await rival.close()


async def taken(engine: Engine) -> Claim:
    """The first job that this engine can claim: as soon as its lease is over."""
    await engine.open()
    while not (claims := await engine.broker.claim(["shop"], 1, 30)):
        await engine.broker.wait(["shop"], 1, 5)
    return claims[0]


async def test_a_worker_that_is_stopped_meanwhile_ends_and_its_jobs_come_again(
    line: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workhorse.worker.worker.LAST", 0.1)
    shop = Shop("memory://")
    async with shop.app:
        job = await shop.gated.enqueue(1)
        worker = shop.app.worker(lease=0.3, grace=0, signals=())
        working = asyncio.create_task(worker.run())
        await turns(lambda: shop.inside == 1)
        line.cut()
        shop.gate.set()
        await turns(lambda: shop.lost)
        worker.stop()
        async with asyncio.timeout(20):
            await working
        line.heal()
        assert await job.status() in ("running", "ready")
        await shop.app.worker(max_jobs=1, signals=()).run()
        assert await job.result() == "1 at attempt 1"


async def test_an_absent_engine_does_not_fail_an_attempt_that_only_tells_its_progress(line: Script) -> None:
    shop = Shop("memory://")
    async with shop.app:
        job = await shop.gated.enqueue(1)
        working = asyncio.create_task(shop.app.worker(max_jobs=1, signals=()).run())
        await turns(lambda: shop.inside == 1)
        line.always(Away(), "put")
        shop.gate.set()
        assert (await working).succeeded == 1
        assert len(await job.history()) == 1


async def test_enqueueing_again_after_no_answer_is_safe(line: Script) -> None:
    shop = Shop("memory://", enqueue_timeout=0.05)
    shop.gate.set()
    async with shop.app:
        line.always(Lost(), "publish")
        made = shop.gated.job(1)
        with pytest.raises(BrokerUnavailable) as caught:
            await shop.app.enqueue(made)
        assert caught.value.jobs == (made,)
        line.heal()
        await shop.app.enqueue(made)
        assert (await drain(shop.app)).succeeded == 1
    assert shop.runs == [1]


async def test_of_many_those_that_are_not_known_to_be_enqueued_come_with_the_error(
    line: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workhorse.app.bulk.CHUNK", 2)
    shop = Shop("memory://", enqueue_timeout=0.05)
    shop.gate.set()
    async with shop.app:
        jobs = [shop.gated.job(n) for n in range(5)]

        line.next("publish", None)
        line.always(Away(), "publish")
        with pytest.raises(BrokerUnavailable) as caught:
            await shop.app.enqueue_many(jobs)
        assert caught.value.jobs == tuple(jobs[2:])
        line.heal()
        await shop.app.enqueue_many(jobs)
        assert (await drain(shop.app)).succeeded == 5


@dataclass(frozen=True)
class Choking:
    """The engine cannot take what this job wrote."""

    id: str

    async def meet(self, call: Call, /) -> Any:
        outcomes: Sequence[Outcome] = call.arguments[0]
        if any(outcome.claim.job.id == self.id and outcome.writes for outcome in outcomes):
            raise OverflowError("too large for a column")
        return await call.do()


async def test_an_outcome_that_the_engine_chokes_on_does_not_keep_the_others_from_their_settle(line: Script) -> None:
    """It is dead with that reason: run again it would choke the engine again."""
    shop = Shop("memory://")
    async with shop.app:
        jobs = [await shop.gated.enqueue(n) for n in range(10)]
        bad = jobs[3].id

        line.always(Choking(bad), "settle")
        working = asyncio.create_task(drain(shop.app))
        await turns(lambda: shop.inside == 10)
        shop.gate.set()
        async with asyncio.timeout(20):
            counts = await working
        assert (counts.succeeded, counts.dead) == (9, 1)
        row = await shop.app._answers._row(bad)
        assert row.reason == "its outcome was refused: OverflowError: too large for a column"


async def test_an_engine_that_refuses_to_go_on_ends_the_worker_with_its_error(line: Script) -> None:
    shop = Shop("memory://")
    async with shop.app:
        await shop.gated.enqueue(1)
        line.always(Away(EngineRefused("the file is of a newer version")), "claim")
        with pytest.raises(EngineRefused, match="newer version"):
            await drain(shop.app)


async def test_a_sign_of_life_that_cannot_be_written_hurts_nobody(line: Script) -> None:
    line.always(Away(), "put")
    shop = Shop("memory://")
    shop.gate.set()
    async with shop.app:
        await shop.gated.options(result_ttl=0).enqueue(1)
        assert (await drain(shop.app)).succeeded == 1


async def test_a_hand_back_while_the_engine_is_away_counts_for_nothing(line: Script) -> None:
    shop = Shop("memory://")
    async with shop.app:
        job = await shop.later.options(retry=Retry(0, Fixed(0))).enqueue()
        working = asyncio.create_task(drain(shop.app))
        line.always(Away(), "settle")
        await turns(lambda: line.calls.count("settle") >= 2)
        line.heal()
        assert (await working).released == 1
        assert await job.status() == "scheduled"
        assert await job.history() == []
