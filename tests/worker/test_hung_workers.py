"""Workers that hang and jobs that kill: leases are let go where they must be, and a suspect runs alone."""

import asyncio
import threading

import pytest

from faulty_engine import turns
from waiting import until
from workhorse import Fixed, Retry, Workhorse
from workhorse.core.happenings import JobLost, ThreadAbandoned
from workhorse.engine import Claim, Filter
from workhorse.engines import open_engine
from workhorse.testing import in_memory


class Rival:
    """Another worker in a thread and a loop of its own: it takes the first job whose lease ends."""

    def __init__(self, url: str) -> None:
        self.claims: list[Claim] = []
        self._url = url
        self._thread = threading.Thread(target=lambda: asyncio.run(self._take()), daemon=True)
        self._thread.start()

    async def _take(self) -> None:
        engine = open_engine(self._url)
        await engine.open()
        while not self.claims:
            await engine.broker.wait(["q"], 1, 1)
            self.claims += await engine.broker.claim(["q"], 1, 60)
        await engine.close()


async def test_a_worker_whose_loop_has_not_turned_for_a_lease_loses_its_jobs_and_overwrites_nothing() -> None:
    url = "memory://hung-loop"
    app, lost, rivals = Workhorse(url, name="q"), list[JobLost](), list[Rival]()
    app.bus.listen(JobLost, lost.append)

    @app.task(name="block")
    async def block() -> str:
        rivals.append(Rival(url))
        until(lambda: bool(rivals[0].claims), 20)  # blocking: nothing in this loop turns meanwhile
        return "too late"

    async with app:
        job = await block.enqueue()
        worker = app.worker(lease=0.4, signals=())
        working = asyncio.create_task(worker.run())
        await turns(lambda: lost)
        worker.stop()
        await working
        (claim,) = rivals[0].claims
        assert (claim.job.id, claim.crashes, lost[0].why) == (job.id, 1, "stale")
        assert await job.status() == "running"


async def test_a_job_past_its_time_out_loses_its_lease_though_the_worker_lives(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It swallows its cancellation, so that nothing ends it; the job beside it keeps its lease."""
    monkeypatch.setattr("workhorse.worker.leases.GRACE", 0.1)
    url = "memory://past-time-out"
    app, free, inside = Workhorse(url, name="q"), asyncio.Event(), list[str]()

    async def deaf() -> None:
        while not free.is_set():
            try:
                await free.wait()
            except asyncio.CancelledError:
                inside.append("cancelled")

    async def good() -> None:
        await free.wait()

    async with app:
        bad = await app.task(name="deaf", timeout=0.2)(deaf).enqueue()
        beside = await app.task(name="good")(good).enqueue()
        worker = app.worker(concurrency=2, lease=0.9, signals=())  # full: it cannot take its own job back
        working = asyncio.create_task(worker.run())
        try:
            await turns(lambda: inside)
            rival = Rival(url)
            await turns(lambda: rival.claims, 20)
        finally:
            free.set()  # else it would outlive its test
            worker.stop()
            await working
        assert [claim.job.id for claim in rival.claims] == [bad.id]
        assert await beside.status() == "succeeded"


async def test_a_thread_over_its_time_out_is_reported_and_counted_until_it_ends() -> None:
    app, gate, said = Workhorse("memory://", name="q", retry=Retry(0)), threading.Event(), list[ThreadAbandoned]()
    app.bus.listen(ThreadAbandoned, said.append)

    @app.task(name="hang", timeout=0.05)
    def hang() -> None:
        gate.wait(30)

    @app.task(name="quick")
    async def quick() -> int:
        return 1

    async with app:
        bad = await hang.enqueue()
        worker = app.worker(concurrency=1, signals=())
        working = asyncio.create_task(worker.run())
        await turns(lambda: said)
        good = await quick.enqueue()
        assert await bad.status() == "dead"
        gate.set()  # only now the one slot is free again
        assert await good.result(timeout=20) == 1
        worker.stop()
        await working
    assert [(it.task, it.job, it.slots) for it in said] == [("hang", bad.id, 1)]


async def test_suspects_run_one_at_a_time_and_others_wait_for_a_tenth_of_the_lease() -> None:
    app = Workhorse("memory://", name="q", retry=Retry(1, Fixed(0)))
    now, most = 0, 0

    @app.task(name="suspect")
    async def suspect() -> None:
        nonlocal now, most
        now += 1
        most = max(most, now)
        for _ in range(20):
            await asyncio.sleep(0)
        now -= 1

    async with in_memory(app) as bench:
        for _ in range(5):
            await suspect.enqueue()
        broker = (await app.engine()).broker
        for _ in range(2):  # two workers die with all of them
            assert len(await broker.claim(["q"], 10, 5)) == 5
            bench.clock.advance(6)
        released = succeeded = 0
        while succeeded < 5:
            counts = await app.worker(burst=True, lease=30, signals=()).run()
            released, succeeded = released + counts.released, succeeded + counts.succeeded
            bench.clock.advance(3)
        assert most == 1
        assert released > 0


async def test_a_job_on_an_earlier_chance_runs_beside_others() -> None:
    app = Workhorse("memory://", name="q")
    meeting = asyncio.Barrier(3)

    @app.task(name="meet")
    async def meet() -> None:
        await meeting.wait()

    async with in_memory(app) as bench:
        for _ in range(3):
            await meet.enqueue()
        await (await app.engine()).broker.claim(["q"], 10, 5)
        bench.clock.advance(6)
        async with asyncio.timeout(20):
            assert (await bench.drain()).succeeded == 3


async def test_a_worker_works_on_the_queues_of_its_tasks_unless_told() -> None:
    app = Workhorse("memory://", name="q")

    async def work() -> int:
        return 1

    here = app.task(name="here")(work)
    there = app.task(name="there", queue="there")(work)
    async with in_memory(app) as bench:
        jobs = [await task.enqueue() for task in (here, there, here.options(queue="nobodys"))]
        await app.worker(queues=["there"], burst=True, signals=()).run()
        assert [await job.status() for job in jobs] == ["ready", "succeeded", "ready"]
        await bench.drain()
        assert [await job.status() for job in jobs] == ["succeeded", "succeeded", "ready"]


async def test_a_burst_does_not_wait_for_what_is_paused() -> None:
    app = Workhorse("memory://", name="q")

    @app.task(name="work")
    async def work() -> int:
        return 1

    async with in_memory(app) as bench:
        job = await work.enqueue()
        inspector = (await app.engine()).inspector
        await inspector.pause("q")
        async with asyncio.timeout(20):
            assert (await bench.drain()).succeeded == 0
        await inspector.resume("q")
        assert (await bench.drain()).succeeded == 1
        assert await inspector.count("status") != {}
        assert [row.job.id for row in await inspector.list(Filter(status="succeeded"))] == [job.id]
