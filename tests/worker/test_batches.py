"""Batches: one call for many jobs, and an end of its own for each of them."""

import asyncio
import threading
from collections.abc import Sequence
from typing import Any

import pytest

import process_tasks
from workhorse import (
    Batch,
    Context,
    Fixed,
    GiveUp,
    JobFailed,
    JobHandle,
    Retry,
    RetryLater,
    Skip,
    Workhorse,
)
from workhorse.core.envelope import encode_job
from workhorse.durable.progress import progress_of
from workhorse.engine import Filter
from workhorse.errors import DeclarationError
from workhorse.testing import in_memory
from workhorse.worker.running import Running
from workhorse.worker.worker import Worker

app = Workhorse("memory://", name="batches", retry=Retry(1, Fixed(0)))
calls: list[Any] = []


@pytest.fixture(autouse=True)
def _fresh() -> None:
    calls.clear()
    Gate.open = asyncio.Event()
    Gate.entered = asyncio.Event()


class Gate:
    """Where a handler waits until a test lets it go on."""

    open: asyncio.Event
    entered: asyncio.Event


@app.task(batch=Batch(size=10, wait=0.2))
async def index(docs: list[str]) -> None:
    calls.append(docs)


@app.task(batch=Batch(size=4, wait=0.2))
def measure(ctx: Context, words: list[str]) -> list[int | Exception]:
    calls.append((words, ctx.attempt, threading.current_thread() is threading.main_thread()))
    return [ENDS.get(word, len(word)) for word in words]


ENDS: dict[str, Any] = {
    "bad": ValueError("no word"),
    "hopeless": GiveUp("never"),
    "later": RetryLater(after=0),
    "skip": Skip("it is short"),
}


@app.task(batch=Batch(size=3, wait=0.2))
async def odd(ns: list[Any]) -> Any:
    return ns[0]


@app.task(batch=Batch(size=3, wait=0.2))
async def explode(ns: list[int]) -> None:
    calls.append(ns)
    raise ValueError("all of them")


@app.task(batch=Batch(size=3, wait=0.2), timeout=0.05, retry=Retry(0))
async def slow(ns: list[int]) -> None:
    calls.append(ns)
    await asyncio.Event().wait()


@app.task(batch=Batch(size=3, wait=0.2))
async def held(ctx: Context, ns: list[int]) -> Sequence[int]:
    calls.append(ns)
    await ctx.progress(0.5, "half way")
    Gate.entered.set()
    await Gate.open.wait()
    return ns


async def ends(jobs: Sequence[JobHandle[Any]]) -> list[Any]:
    return [await end(job) for job in jobs]


async def end(job: JobHandle[Any]) -> Any:
    try:
        return await job.result()
    except JobFailed as error:
        return str(error)


def worker(**options: Any) -> Worker:
    return app.worker(signals=(), **options)


async def test_callers_enqueue_one_and_the_handler_gets_many() -> None:
    async with in_memory(app) as bench:
        await app.enqueue_many(index.job(f"{n}") for n in range(25))
        assert (await bench.drain()).succeeded == 25
        assert sorted(map(len, calls)) == [5, 10, 10]
        assert sorted(int(doc) for docs in calls for doc in docs) == list(range(25))


async def test_each_item_has_a_result_or_a_failure_of_its_own() -> None:
    async with in_memory(app) as bench:
        jobs = await app.enqueue_many(measure.job(word) for word in ("cat", "bad", "skip", "hopeless"))
        counts = await bench.drain()
        assert (counts.succeeded, counts.retried, counts.dead) == (2, 1, 2)
        assert await ends(jobs) == [3, "ValueError: no word", None, "GiveUp: never"]
        assert calls == [(["cat", "bad", "skip", "hopeless"], 1, False), (["bad"], 2, False)]
        assert [len(await job.history()) for job in jobs] == [1, 2, 1, 1]


async def test_a_handler_that_raises_fails_all_of_its_items() -> None:
    async with in_memory(app) as bench:
        jobs = await app.enqueue_many(explode.job(n) for n in range(3))
        assert (await bench.drain()).dead == 3
        assert await ends(jobs) == ["ValueError: all of them"] * 3
        assert calls == [[0, 1, 2], [0, 1, 2]]


@pytest.mark.parametrize(
    ("returned", "told"),
    [([1], "got 1 results"), ([1, 2, 3, 4], "got 4 results"), ("abc", "got a str"), ({"a": 1}, "got a dict")],
)
async def test_a_wrong_number_of_results_is_a_dead_letter_of_each(returned: Any, told: str) -> None:
    async with in_memory(app) as bench:
        jobs = await app.enqueue_many([odd.job(returned), odd.job(2), odd.job(3)])
        counts = await bench.drain()
        assert (counts.dead, counts.retried) == (3, 0)
        expected = f"ValueError: expected nothing, or a list with a result for each of 3 items, {told}"
        assert await ends(jobs) == [expected] * 3


async def test_an_item_that_does_not_fit_does_not_keep_the_others() -> None:
    async with in_memory(app) as bench:
        broker = (await app.engine()).broker
        assert broker is not None
        await broker.publish([encode_job(app.job("measure", 3), None)])
        job = await measure.enqueue("cat")
        counts = await bench.drain()
        assert (counts.succeeded, counts.dead) == (1, 1)
        assert await job.result() == 3


async def test_an_item_may_be_passed_by_name() -> None:
    async with in_memory(app) as bench:
        job = await app.registry.find("measure").enqueue(words="cat")
        await bench.drain()
        assert await job.result() == 3


async def test_a_batch_of_processes() -> None:
    local = process_tasks.app
    async with in_memory(local) as bench:
        jobs = await local.enqueue_many(process_tasks.squares.job(n) for n in (2, 3, -1))
        await bench.drain()
        assert await ends(jobs) == [4, 9, "ValueError: negative"]


async def test_every_item_s_follow_ups_and_group_are_its_own() -> None:
    local = Workhorse("memory://", name="local", retry=Retry(0))
    told: list[Any] = []

    @local.task(batch=Batch(size=10, wait=0), result_ttl=0)
    async def halve(ns: list[int]) -> list[int | Exception]:
        return [ValueError("odd") if n % 2 else n // 2 for n in ns]

    @local.task
    async def note(n: int) -> None:
        told.append(n)

    @local.task
    async def total(ns: list[int]) -> int:
        return sum(ns)

    async with in_memory(local) as bench:
        await local.enqueue_many([halve.job(4), halve.then(note).job(8), halve.then(note).job(3)])
        handle = await local.group(halve.job(n) for n in (10, 20)).then(total).enqueue()
        await bench.drain()
        assert told == [4]
        assert await handle.result() == 15


# ---- one of many


async def test_a_cancelled_item_does_not_end_the_call_of_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    told = asyncio.Event()
    interrupt = Running.interrupt

    def interrupted(self: Running, why: Any) -> None:
        interrupt(self, why)
        told.set()

    monkeypatch.setattr(Running, "interrupt", interrupted)
    async with in_memory(app):
        jobs = await app.enqueue_many(held.job(n) for n in range(3))
        running = asyncio.create_task(worker(burst=True, lease=0.3).run())
        await Gate.entered.wait()
        assert await jobs[1].cancel()
        await told.wait()
        Gate.open.set()
        assert (await running).succeeded == 3
        assert await ends(jobs) == [0, 1, 2]


async def test_a_batch_of_which_all_are_cancelled_ends() -> None:
    async with in_memory(app):
        jobs = await app.enqueue_many(held.job(n) for n in range(3))
        running = asyncio.create_task(worker(burst=True, lease=0.3).run())
        await Gate.entered.wait()
        for job in jobs:
            await job.cancel()
        assert (await running).cancelled == 3


async def test_a_batch_that_is_too_slow_fails_each_of_its_items() -> None:
    async with in_memory(app) as bench:
        jobs = await app.enqueue_many(slow.job(n) for n in range(3))
        assert (await bench.drain()).dead == 3
        assert await ends(jobs) == ["TimeoutError: it ran over its time-out of 0.05 s"] * 3


async def test_progress_is_that_of_each_item() -> None:
    async with in_memory(app):
        jobs = await app.enqueue_many(held.job(n) for n in range(2))
        running = asyncio.create_task(worker(burst=True).run())
        await Gate.entered.wait()
        store = (await app.engine()).store
        assert store is not None
        said = [await progress_of(store, job.id) for job in jobs]
        assert [it.text if it else None for it in said] == ["half way"] * 2
        Gate.open.set()
        await running


async def test_a_stopped_worker_hands_back_what_runs_and_what_waits_for_company() -> None:
    async with in_memory(app):
        jobs = await app.enqueue_many([*(held.job(n) for n in range(3)), held.job(3)])
        one = worker(grace=0)
        running = asyncio.create_task(one.run())
        await Gate.entered.wait()
        one.stop()
        counts = await running
        assert (counts.released, counts.succeeded) == (4, 0)
        assert [await job.status() for job in jobs] == ["ready"] * 4


async def test_jobs_of_which_a_worker_died_go_alone() -> None:
    async with in_memory(app) as bench:
        await app.enqueue_many(index.job(f"{n}") for n in range(3))
        broker = (await app.engine()).broker
        assert broker is not None
        await broker.claim(["batches"], 2, 1.0)
        bench.clock.advance(2)
        assert (await bench.drain()).succeeded == 3
        assert sorted(calls) == [["0"], ["1"], ["2"]]


async def test_a_job_on_its_last_chance_is_a_batch_of_one() -> None:
    async with in_memory(app) as bench:
        await index.enqueue("suspect")
        broker = (await app.engine()).broker
        assert broker is not None
        for _ in range(2):
            await broker.claim(["batches"], 1, 1.0)
            bench.clock.advance(2)
        await app.enqueue_many(index.job(f"{n}") for n in range(3))
        assert (await bench.drain()).succeeded == 4
        assert ["suspect"] in calls


async def test_a_worker_of_one_slot_fills_its_batches(database_url: str) -> None:
    local = Workhorse(database_url, name="local")

    @local.task(batch=Batch(size=20, wait=3600))
    async def all_of(ns: list[int]) -> None:
        calls.append(ns)

    async with local:
        await local.enqueue_many(all_of.job(n) for n in range(20))
        assert (await local.worker(concurrency=1, burst=True, signals=()).run()).succeeded == 20
        assert calls == [list(range(20))]


async def test_other_tasks_run_while_a_batch_waits_for_company(database_url: str) -> None:
    local = Workhorse(database_url, name="local")
    done = asyncio.Event()
    got: list[Any] = []

    @local.task(batch=Batch(size=2, wait=3600))
    async def patient(ns: list[int]) -> None:
        got.append(ns)
        done.set()

    @local.task
    async def quick() -> None:
        await patient.enqueue(2)

    async with local:
        await patient.enqueue(1)
        one = local.worker(concurrency=1, signals=())
        running = asyncio.create_task(one.run())
        await quick.enqueue()
        await done.wait()
        one.stop()
        await running
        assert sorted(got[0]) == [1, 2]


async def test_a_cancelled_job_that_waits_for_company_is_not_run() -> None:
    async with in_memory(app) as bench:
        job = await index.enqueue("a")
        await job.cancel()
        assert (await bench.drain()).cancelled == 1
        assert calls == []
        inspector = (await app.engine()).inspector
        assert inspector is not None
        assert await inspector.list(Filter(status="ready")) == []


# ---- the door


def test_a_batch_of_a_size_or_a_wait_that_cannot_be_is_refused() -> None:
    with pytest.raises(DeclarationError, match=r"Batch: size: expected .* got 0"):
        Batch(size=0)
    with pytest.raises(DeclarationError, match="Batch: size: expected at most 10,000, got 10,001"):
        Batch(size=10_001)
    with pytest.raises(DeclarationError, match="Batch: wait"):
        Batch(wait=-1)


def test_a_batch_handler_takes_the_list_alone() -> None:
    local = Workhorse("memory://", name="local")
    for fn in (lambda: None, lambda a, b: None, lambda *a: None, lambda *, a: None):
        with pytest.raises(DeclarationError, match="a batch handler takes the list of its items alone, got"):
            local.task(name="f", batch=Batch())(fn)  # type: ignore[call-overload]


async def test_a_batch_handler_whose_parameter_is_no_list_is_an_error_when_the_app_opens() -> None:
    local = Workhorse("memory://", name="local")

    @local.task(batch=Batch())  # type: ignore[call-overload]
    async def one(n: int) -> None: ...

    async with in_memory(local):
        with pytest.raises(DeclarationError, match=r"task one: parameter 'n': a batch is a list: expected list\[...\]"):
            await local.engine()


def test_a_batch_task_is_still_its_function() -> None:
    assert measure(Context(), ["cat", "skip"])[0] == 3
