"""The worker as a whole: how many at once, how many in all, and how it ends."""

import asyncio
import os
import signal
import threading

import pytest

from workhorse import Context, Counts, Fixed, Retry, RetryLater, Workhorse
from workhorse.core.happenings import JobLost, LoopBlocked, ThreadAbandoned
from workhorse.errors import DeclarationError
from workhorse.testing import drain


class Gauge:
    """Counts who is inside."""

    def __init__(self) -> None:
        self.now = self.most = self.total = 0

    def __enter__(self) -> None:
        self.now += 1
        self.total += 1
        self.most = max(self.most, self.now)

    def __exit__(self, *_: object) -> None:
        self.now -= 1


def make(url: str = "memory://") -> tuple[Workhorse, Gauge, asyncio.Event]:
    app, gauge, gate = Workhorse(url, name="q", retry=Retry(0)), Gauge(), asyncio.Event()

    @app.task(name="quick")
    async def quick() -> None:
        with gauge:
            for _ in range(5):
                await asyncio.sleep(0)

    @app.task(name="gated")
    async def gated() -> str:
        with gauge:
            await gate.wait()
        return "through"

    @app.task(name="again", retry=Retry(1, Fixed(0.05)))
    async def again(ctx: Context) -> int:
        if ctx.attempt == 1:
            raise ValueError("once")
        return ctx.attempt

    @app.task(name="snooze")
    async def snooze() -> None:
        raise RetryLater(3600, counts=False)

    return app, gauge, gate


async def enqueue(app: Workhorse, name: str, n: int = 1) -> list[str]:
    return [handle.id for handle in await app.enqueue_many(app.registry.find(name).job() for _ in range(n))]


@pytest.mark.parametrize("concurrency", [1, 2, 7])
async def test_never_more_at_once_than_asked_for_and_as_many_as_that(database_url: str, concurrency: int) -> None:
    app, gauge, _ = make(database_url)
    async with app:
        await enqueue(app, "quick", 50)
        counts = await app.worker(concurrency=concurrency, burst=True, signals=()).run()
    assert counts.succeeded == gauge.total == 50
    assert gauge.most == concurrency


@pytest.mark.parametrize(("concurrency", "most"), [(1, 1), (1, 3), (10, 3), (100, 37)])
async def test_max_jobs_is_exact(concurrency: int, most: int) -> None:
    app, gauge, _ = make()
    async with app:
        await enqueue(app, "quick", 50)
        counts = await app.worker(concurrency=concurrency, max_jobs=most, signals=()).run()
    assert counts.succeeded == gauge.total == most


async def test_a_burst_waits_for_retries_and_not_for_what_is_delayed(database_url: str) -> None:
    app, _, _ = make(database_url)
    async with app:
        await enqueue(app, "again")
        await enqueue(app, "snooze")
        await app.registry.find("quick").options(delay=3600).enqueue()
        counts = await drain(app)
    assert (counts.succeeded, counts.retried, counts.released) == (1, 1, 1)


async def test_a_worker_without_tasks_returns_at_once() -> None:
    async with Workhorse("memory://") as app:
        assert await app.worker().run() == Counts()


async def started(gauge: Gauge, n: int) -> None:
    async with asyncio.timeout(10):
        while gauge.now < n:
            await asyncio.sleep(0)


async def test_stop_lets_running_jobs_finish_and_hands_back_the_rest() -> None:
    app, gauge, gate = make()
    async with app:
        ids = await enqueue(app, "gated", 5)
        worker = app.worker(concurrency=2, signals=())
        running = asyncio.create_task(worker.run())
        await started(gauge, 2)
        worker.stop()
        gate.set()
        counts = await running
        statuses = [await app.status(id) for id in ids]
    assert counts.succeeded == 2
    assert sorted(statuses) == ["ready"] * 3 + ["succeeded"] * 2


async def test_what_outlives_the_grace_is_handed_back_uncounted() -> None:
    app, gauge, _ = make()
    async with app:
        (id,) = await enqueue(app, "gated")
        worker = app.worker(grace=0.05, signals=())
        running = asyncio.create_task(worker.run())
        await started(gauge, 1)
        worker.stop()
        counts = await running
        assert counts.released == 1
        assert await app.status(id) == "ready"
        assert await app.history(id, bytes) == []


async def test_a_second_stop_is_at_once() -> None:
    app, gauge, _ = make()
    async with app:
        await enqueue(app, "gated")
        worker = app.worker(grace=3600, signals=())
        running = asyncio.create_task(worker.run())
        await started(gauge, 1)
        worker.stop()
        worker.stop()
        async with asyncio.timeout(10):
            assert (await running).released == 1


async def test_a_signal_stops_it_and_its_own_handlers_come_back() -> None:
    app, gauge, gate = make()
    before = signal.getsignal(signal.SIGUSR1)
    async with app:
        await enqueue(app, "gated")
        running = asyncio.create_task(app.worker(signals=[signal.SIGUSR1]).run())
        await started(gauge, 1)
        os.kill(os.getpid(), signal.SIGUSR1)
        gate.set()
        assert (await running).succeeded == 1
    assert signal.getsignal(signal.SIGUSR1) is before


async def test_a_cancelled_run_hands_back_and_passes_the_cancellation_on() -> None:
    app, gauge, _ = make()
    async with app:
        (id,) = await enqueue(app, "gated")
        running = asyncio.create_task(app.worker(signals=()).run())
        await started(gauge, 1)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert await app.status(id) == "ready"


async def test_a_running_job_that_is_cancelled_ends_cancelled() -> None:
    app, gauge, _ = make()
    async with app:
        (id,) = await enqueue(app, "gated")
        running = asyncio.create_task(app.worker(lease=0.3, max_jobs=1, signals=()).run())
        await started(gauge, 1)
        assert await app.cancel(id)
        assert (await running).cancelled == 1
        assert await app.status(id) == "cancelled"


async def test_a_job_whose_lease_went_to_another_is_dropped() -> None:
    app, gauge, _ = make("memory://")
    lost: list[JobLost] = []
    app.bus.listen(JobLost, lost.append)
    async with app:
        (id,) = await enqueue(app, "gated")
        worker = app.worker(lease=0.3, signals=())
        running = asyncio.create_task(worker.run())
        await started(gauge, 1)
        engine = await app.engine()
        assert engine.inspector is not None
        from workhorse.engine import Filter

        await engine.inspector.delete(Filter(ids=[id]))
        async with asyncio.timeout(10):
            while not lost:
                await asyncio.sleep(0)
        worker.stop()
        assert await running == Counts()


async def test_blocking_code_is_found_and_named() -> None:
    app = Workhorse("memory://")
    said, told = threading.Event(), []

    def tell(it: LoopBlocked) -> None:
        told.append(it)
        said.set()

    app.bus.listen(LoopBlocked, tell)

    @app.task(name="blocks")
    async def blocks() -> None:
        said.wait(20)

    async with app:
        job = await blocks.enqueue()
        await drain(app)
    assert (told[0].task, told[0].job) == ("blocks", job.id)
    assert "said.wait(20)" in told[0].stack


async def test_leases_are_kept_while_a_handler_blocks_the_loop() -> None:
    """A lease of 0.6 s; the loop stands still until another worker has tried for the job beside it, twice."""
    app = Workhorse("memory://shared-lease-test")
    other = Workhorse("memory://shared-lease-test")
    claims: list[int] = []

    def rival() -> None:
        async def claim() -> None:
            engine = await other.engine()
            assert engine.broker is not None
            for _ in range(4):
                await asyncio.sleep(0.1)
                claims.append(len(await engine.broker.claim(["default"], 10, 30)))

        asyncio.run(claim())

    @app.task(name="blocks")
    async def blocks() -> None:
        thread = threading.Thread(target=rival)
        thread.start()
        thread.join()

    async with app:
        await blocks.enqueue()
        counts = await app.worker(lease=0.3 * 2, burst=True, signals=()).run()
    assert claims == [0, 0, 0, 0]
    assert counts.succeeded == 1


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"concurrency": 0}, "concurrency"),
        ({"max_jobs": 0}, "max_jobs"),
        ({"lease": 0}, "lease"),
        ({"queues": ["a b"]}, "queue"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, object], said: str) -> None:
    with pytest.raises(DeclarationError, match=said):
        Workhorse("memory://").worker(**settings)


async def test_a_thread_that_cannot_be_stopped_costs_its_slot_and_the_last_slot_the_health() -> None:
    app, release = Workhorse("memory://", retry=Retry(0), timeout=0.05), threading.Event()

    @app.task(name="hangs")
    def hangs() -> None:
        release.wait(20)

    abandoned = asyncio.Event()
    app.bus.listen(ThreadAbandoned, lambda _: abandoned.set())
    async with app:
        worker = app.worker(concurrency=1, signals=())
        running = asyncio.create_task(worker.run())
        await hangs.enqueue()
        await abandoned.wait()
        assert not worker.healthy
        second = await hangs.enqueue()
        assert await second.status() == "ready"
        release.set()
        await second.result(timeout=10)  # the slot is free again
        assert worker.healthy
        worker.stop()
        assert (await running).dead == 1
