"""What becomes of a job, by what its task does: each outcome as its user sees it, in memory and by a manual clock."""

import asyncio
import threading

import pytest

from workhorse import Context, Fixed, GiveUp, JobCancelled, JobFailed, Retry, RetryLater, Skip, Workhorse
from workhorse.core.envelope import encode_job
from workhorse.errors import EnqueueRefused, JobNotFound
from workhorse.testing import in_memory

app = Workhorse("memory://", name="outcomes")
calls: list[object] = []


@pytest.fixture(autouse=True)
def _fresh() -> None:
    calls.clear()


@app.task
async def resize(path: str, width: int = 256) -> str:
    return f"{path}@{width}"


@app.task(retry=Retry(2, Fixed(10)))
async def fail(text: str = "no luck") -> None:
    calls.append(text)
    raise ValueError(text)


async def test_a_job_succeeds_and_its_result_is_there() -> None:
    async with in_memory(app) as bench:
        job = await resize.enqueue("a.png", width=3)
        assert await job.status() == "ready"
        counts = await bench.drain()
        assert counts.succeeded == 1
        assert bench.results == ["a.png@3"]
        assert await job.status() == "succeeded"
        assert await job.result() == "a.png@3"
        (attempt,) = await job.history()
        assert (attempt.successful, attempt.value) == (True, "a.png@3")


async def test_a_failing_job_is_retried_and_dies_with_every_attempt_on_record() -> None:
    async with in_memory(app) as bench:
        job = await fail.enqueue()
        counts = await bench.drain()
        assert (counts.retried, counts.dead) == (2, 1)
        assert len(calls) == 3
        assert await job.status() == "dead"
        with pytest.raises(JobFailed, match="ValueError: no luck") as caught:
            await job.result()
        assert "raise ValueError(text)" in caught.value.traceback
        assert [type(attempt.value) for attempt in await job.history()] == [JobFailed] * 3
        (dead,) = bench.dead
        assert len(dead.attempts) == 3


async def test_a_retry_waits_as_long_as_its_retry_says() -> None:
    async with in_memory(app) as bench:
        before = bench.clock.time()
        await fail.enqueue()
        await bench.drain()
        assert bench.clock.time() - before == pytest.approx(20, abs=0.1)


async def test_a_dead_job_put_back_counts_on_with_a_fresh_budget() -> None:
    async with in_memory(app) as bench:
        job = await fail.enqueue()
        await bench.drain()
        engine = await app.engine()
        from workhorse.engine import Filter

        assert engine.inspector is not None
        assert await engine.inspector.retry(Filter(ids=[job.id])) == 1
        assert await job.status() == "ready"
        counts = await bench.drain()
        assert (counts.retried, counts.dead) == (2, 1)
        assert len(await job.history()) == 6


@app.task
async def give_up() -> None:
    raise GiveUp("bad address")


async def test_who_gives_up_is_dead_at_once() -> None:
    async with in_memory(app) as bench:
        job = await give_up.enqueue()
        assert (await bench.drain()).dead == 1
        with pytest.raises(JobFailed, match="bad address"):
            await job.result()


@app.task
async def skip() -> int:
    raise Skip("nothing new")


async def test_who_skips_has_succeeded_with_that_note() -> None:
    async with in_memory(app) as bench:
        job = await skip.enqueue()
        assert (await bench.drain()).succeeded == 1
        assert await job.result() is None
        assert bench.results == []


@app.task
async def later(ctx: Context, counts: bool) -> int:
    calls.append(ctx.attempt)
    if len(calls) < 3:
        raise RetryLater(after=30, counts=counts)
    return ctx.attempt


async def test_retry_later_is_an_attempt() -> None:
    async with in_memory(app) as bench:
        await later.enqueue(True)
        assert (await bench.drain()).retried == 2
        assert calls == [1, 2, 3]


async def test_a_snooze_is_none_and_nobody_waits_for_it() -> None:
    async with in_memory(app) as bench:
        job = await later.enqueue(False)
        assert (await bench.drain()).released == 1
        assert await job.status() == "scheduled"
        for _ in range(2):
            bench.clock.advance(31)
            await bench.drain()
        assert calls == [1, 1, 1]
        assert bench.results == [1]


@app.task(timeout=0.05, retry=Retry(0))
async def slow() -> None:
    await asyncio.Event().wait()


async def test_an_async_task_over_its_timeout_has_failed() -> None:
    async with in_memory(app) as bench:
        job = await slow.enqueue()
        assert (await bench.drain()).dead == 1
        with pytest.raises(JobFailed, match=r"TimeoutError: it ran over its time-out of 0\.05 s"):
            await job.result()


release = threading.Event()


@app.task(timeout=0.05, retry=Retry(0))
def slow_in_thread() -> None:
    release.wait(10)


async def test_a_thread_over_its_timeout_has_failed_and_is_let_go() -> None:
    async with in_memory(app) as bench:
        release.clear()
        await slow_in_thread.enqueue()
        assert (await bench.drain()).dead == 1
        release.set()


@app.task(retry=Retry(0))
async def own_timeout() -> None:
    raise TimeoutError("of its own")


async def test_a_timeout_error_of_its_own_is_an_ordinary_one() -> None:
    async with in_memory(app) as bench:
        job = await own_timeout.enqueue()
        await bench.drain()
        with pytest.raises(JobFailed, match="TimeoutError: of its own"):
            await job.result()


class Mute(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


RAISED: dict[str, BaseException] = {
    "SystemExit": SystemExit(3),
    "KeyboardInterrupt": KeyboardInterrupt(),
    "CancelledError": asyncio.CancelledError(),
    "Mute": Mute(),
    "StopIteration": StopIteration(1),
    "GeneratorExit": GeneratorExit(),
    "Surrogate": ValueError("\ud800"),
}


@app.task(retry=Retry(0))
async def raise_it(what: str) -> None:
    raise RAISED[what]


@app.task(retry=Retry(0))
def raise_it_in_thread(what: str) -> None:
    raise RAISED[what]


@pytest.mark.parametrize("task", [raise_it, raise_it_in_thread], ids=["async", "thread"])
@pytest.mark.parametrize("what", RAISED)
async def test_whatever_a_task_raises_is_its_own_failure_and_the_worker_goes_on(what: str, task: object) -> None:
    async with in_memory(app) as bench:
        bad = await task.enqueue(what)
        good = await resize.enqueue("a")
        counts = await bench.drain()
        assert (counts.dead, counts.succeeded) == (1, 1)
        assert await good.result() == "a@256"
        with pytest.raises(JobFailed):
            await bad.result()


@app.task
async def unencodable() -> object:
    calls.append(1)
    return threading.Lock()


async def test_a_result_that_cannot_travel_does_not_undo_the_work() -> None:
    async with in_memory(app) as bench:
        job = await unencodable.enqueue()
        assert (await bench.drain()).succeeded == 1
        with pytest.raises(JobNotFound, match="could not be kept"):
            await job.result()
        assert calls == [1]


async def test_an_unknown_task_is_handed_back_then_dead_never_lost() -> None:
    async with in_memory(app) as bench:
        job = await app.enqueue(app.job("nobody.knows", 1))
        counts = await bench.drain()
        assert (counts.released, counts.dead) == (1, 0)
        assert await job.status() == "scheduled"
        for _ in range(200):
            bench.clock.advance(61)
            if (await bench.drain()).dead:
                break
        assert await job.status() == "dead"
        with pytest.raises(JobFailed, match=r"no worker here knows the task 'nobody\.knows'"):
            await job.result()


async def test_a_job_that_waited_too_long_dies_expired() -> None:
    async with in_memory(app) as bench:
        job = await resize.options(expires=10).enqueue("a")
        bench.clock.advance(11)
        assert (await bench.drain()).dead == 1
        with pytest.raises(JobFailed, match="expired"):
            await job.result()


async def test_a_delayed_job_waits_for_its_time() -> None:
    async with in_memory(app) as bench:
        await resize.options(delay=60).enqueue("a")
        assert (await bench.drain()).succeeded == 0
        bench.clock.advance(61)
        assert (await bench.drain()).succeeded == 1


async def test_a_cancelled_job_does_not_run() -> None:
    async with in_memory(app) as bench:
        job = await resize.options(delay=60).enqueue("a")
        assert await job.cancel() is True
        assert (await bench.drain()).cancelled == 1
        assert await job.status() == "cancelled"
        with pytest.raises(JobCancelled):
            await job.result()
        assert await job.cancel() is False
        assert bench.results == []


async def test_no_result_is_kept_where_none_is_wanted() -> None:
    async with in_memory(app) as bench:
        job = await resize.options(result_ttl=0).enqueue("a")
        await bench.drain()
        with pytest.raises(JobNotFound, match="not kept"):
            await job.result()
        assert await job.status() == "succeeded"


async def test_a_broken_payload_dies_with_its_reason_and_its_bytes() -> None:
    from workhorse.engine import Envelope

    async with in_memory(app) as bench:
        engine = await app.engine()
        assert engine.broker is not None
        assert engine.inspector is not None
        await engine.broker.publish([Envelope("broken", "resize", b'{"v":1,', queue="outcomes")])
        await engine.broker.publish(
            [Envelope("newer", "resize", b'{"v":99,"crc":"00000000","job":{}}', queue="outcomes")]
        )
        await resize.enqueue("a")
        counts = await bench.drain()
        assert (counts.dead, counts.released, counts.succeeded) == (1, 1, 1)
        row = await engine.inspector.show("broken")
        assert row is not None
        assert (row.status, row.job.payload) == ("dead", b'{"v":1,')
        assert "malformed" in row.reason


async def test_arguments_that_do_not_fit_die_unrun() -> None:
    """Sent by a service that knows no signature; this app's own enqueue refuses them at the door."""
    async with in_memory(app) as bench:
        job = app.job("resize", 1, 2, 3)
        with pytest.raises(EnqueueRefused):
            await app.enqueue(job)
        engine = await app.engine()
        assert engine.broker is not None
        await engine.broker.publish([encode_job(job, None)])
        assert (await bench.drain()).dead == 1
        with pytest.raises(JobFailed, match="arguments do not fit"):
            await resize.handle(job.id).result()


@app.task
async def who_am_i(ctx: Context, x: int) -> str:
    current = Context.current()
    assert current is ctx
    await ctx.progress(0.5, "half way")
    return f"{ctx.job.id} {ctx.job.task} {ctx.job.args} {ctx.job.queue}"


@app.task
def who_am_i_in_thread(x: int) -> str:
    current = Context.current()
    assert current is not None
    return current.job.id


async def test_a_task_knows_its_job() -> None:
    async with in_memory(app) as bench:
        job = await who_am_i.enqueue(3)
        other = await who_am_i_in_thread.enqueue(3)
        await bench.drain()
        assert await job.result() == f"{job.id} who_am_i (3,) outcomes"
        assert await other.result() == other.id


@app.task(retry=Retry(1, lambda retry: -1))
async def bad_policy() -> None:
    raise ValueError("first")


async def test_a_retry_policy_that_fails_kills_its_job_and_says_so() -> None:
    async with in_memory(app) as bench:
        job = await bad_policy.enqueue()
        assert (await bench.drain()).dead == 1
        engine = await app.engine()
        assert engine.inspector is not None
        row = await engine.inspector.show(job.id)
        assert row is not None
        assert "its retry policy failed" in row.reason
