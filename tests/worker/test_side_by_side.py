"""Jobs of a worker stand in nobody's way: threads, coroutines and processes run side by side, as many as were asked for."""

import asyncio
import threading

import pytest

from workhorse import Retry, Workhorse
from workhorse.testing import in_memory


class Meeting:
    """Who comes waits for all the others: a job that ran alone would wait for ever."""

    def __init__(self, size: int) -> None:
        self._barrier = threading.Barrier(size, timeout=20)
        self.inside = self.most = 0
        self._lock = threading.Lock()

    def attend(self) -> None:
        with self._lock:
            self.inside += 1
            self.most = max(self.most, self.inside)
        self._barrier.wait()
        with self._lock:
            self.inside -= 1


@pytest.mark.parametrize("concurrency", [1, 2, 7])
async def test_as_many_threads_as_asked_for_and_never_more(concurrency: int) -> None:
    app, meeting = Workhorse("memory://", name="q", retry=Retry(0)), Meeting(concurrency)

    @app.task(name="attend")
    def attend() -> None:
        meeting.attend()

    async with in_memory(app):
        await app.enqueue_many(attend.job() for _ in range(3 * concurrency))
        counts = await app.worker(concurrency=concurrency, burst=True, signals=()).run()
        assert (counts.succeeded, meeting.most) == (3 * concurrency, concurrency)


async def test_a_blocking_sync_task_does_not_hold_up_the_loop() -> None:
    app, gate = Workhorse("memory://", name="q", retry=Retry(0)), threading.Event()

    @app.task(name="block")
    def block() -> bool:
        return gate.wait(20)

    @app.task(name="open")
    async def open_gate() -> None:
        for _ in range(10):
            await asyncio.sleep(0)
        gate.set()

    async with in_memory(app) as bench:
        job = await block.enqueue()
        await open_gate.enqueue()
        await bench.drain()
        assert await job.result() is True


async def test_each_enqueue_of_a_task_is_a_job_with_a_result_of_its_own() -> None:
    app = Workhorse("memory://", name="q")

    @app.task(name="square")
    async def square(n: int) -> int:
        return n * n

    async with in_memory(app) as bench:
        jobs = await asyncio.gather(*(square.enqueue(n) for n in range(200)))
        await bench.drain()
        assert [await job.result() for job in jobs] == [n * n for n in range(200)]


async def test_two_workers_of_one_app_share_its_jobs_and_run_none_twice() -> None:
    app, ran = Workhorse("memory://", name="q"), list[int]()

    @app.task(name="note")
    async def note(n: int) -> None:
        ran.append(n)
        await asyncio.sleep(0)

    async with in_memory(app):
        await app.enqueue_many(note.job(n) for n in range(500))
        workers = [app.worker(concurrency=5, burst=True, signals=()) for _ in range(2)]
        counts = await asyncio.gather(*(worker.run() for worker in workers))
    assert sum(each.succeeded for each in counts) == 500
    assert sorted(ran) == list(range(500))
