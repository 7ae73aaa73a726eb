"""What is promised of every job, a test a promise: what counts as an attempt and what does not, what comes back, what stays."""

import json
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from workhorse import Context, Fixed, JobFailed, Priority, Retry, RetryLater, Workhorse
from workhorse.core import trail
from workhorse.core.happenings import JobEnded
from workhorse.engine import Claim, Engine, Filter, Released, Retried, Row, Succeeded
from workhorse.errors import DeclarationError, JobNotFound
from workhorse.testing import in_memory
from workhorse.testing.bench import Bench

app = Workhorse("memory://", name="kept", retry=Retry(2, Fixed(10)))
ran: list[tuple[str, int]] = []


@pytest.fixture(autouse=True)
def _fresh() -> None:
    ran.clear()


@app.task
async def tell(ctx: Context, what: str = "") -> int:
    ran.append((what, ctx.attempt))
    return ctx.attempt


@app.task
async def fail(ctx: Context, until: int = 99) -> int:
    ran.append(("fail", ctx.attempt))
    if ctx.attempt < until:
        raise ValueError(f"attempt {ctx.attempt}")
    return ctx.attempt


async def engine() -> Engine:
    return await app.engine()


async def row(id: str) -> Row:
    found = await (await engine()).inspector.show(id)
    assert found is not None
    return found


async def claimed(lease: float = 30) -> Claim:
    """As a worker would that is about to vanish."""
    (claim,) = await (await engine()).broker.claim(["kept"], 10, lease)
    return claim


# ---- attempts


async def test_attempts_count_from_one_and_only_failures_count() -> None:
    async with in_memory(app) as bench:
        job = await fail.enqueue(3)
        await bench.drain()
        assert ran == [("fail", 1), ("fail", 2), ("fail", 3)]
        history = await job.history()
        assert [attempt.successful for attempt in history] == [False, False, True]
        assert [str(attempt.value) for attempt in history] == ["ValueError: attempt 1", "ValueError: attempt 2", "3"]
        assert all(attempt.started <= attempt.ended for attempt in history)


async def test_a_hand_back_a_crash_and_a_snooze_count_for_nothing() -> None:
    async with in_memory(app) as bench:
        job = await tell.enqueue("at last")
        broker = (await engine()).broker
        await broker.settle([Released(await claimed())])  # a shutdown
        await claimed(lease=5)  # a worker dies of it
        bench.clock.advance(6)
        assert (await row(job.id)).job.attempt == 1
        await bench.drain()
        assert ran == [("at last", 1)]
        assert len(await job.history()) == 1


@app.task(retry=Retry(1, Fixed(0)))
async def snooze(ctx: Context, times: int) -> int:
    ran.append(("snooze", ctx.attempt))
    if len(ran) <= times:
        raise RetryLater(60, counts=False)
    return ctx.attempt


async def test_one_may_snooze_more_often_than_one_may_fail() -> None:
    async with in_memory(app) as bench:
        job = await snooze.enqueue(10)
        for _ in range(11):
            await bench.drain()
            bench.clock.advance(61)
        assert await job.result() == 1
        assert len(ran) == 11


async def test_a_failure_is_not_told_as_the_result_while_a_retry_follows() -> None:
    async with in_memory(app) as bench:
        job = await fail.enqueue()
        broker = (await engine()).broker
        claim = await claimed()
        await broker.settle([Retried(claim, after=3600)])
        with pytest.raises(TimeoutError, match="has not ended"):
            await job.result(timeout=0.01)
        bench.clock.advance(3601)
        await bench.drain()
        with pytest.raises(JobFailed):
            await job.result()


async def test_a_traceback_is_cut_to_8_kib_and_of_many_attempts_the_first_and_the_last_are_kept() -> None:
    local = Workhorse("memory://", name="deep")

    @local.task(name="dig", retry=Retry(50, Fixed(1)))
    async def dig(ctx: Context) -> None:
        raise ValueError(f"{ctx.attempt} " + "é" * 20_000)

    async with in_memory(local) as bench:
        job = await dig.enqueue()
        assert (await bench.drain()).retried == 50
        history = await job.history()
        texts = [attempt.value.message.split()[0] for attempt in history]
        assert texts == ["1", *(str(n) for n in range(33, 52))]
        assert all(len(attempt.value.traceback.encode()) <= 8192 for attempt in history)
        assert len(history[0].value.message) <= 2048


async def test_the_defaults_are_three_retries_ten_minutes_and_three_crashes() -> None:
    settings = Workhorse("memory://").task(name="t")(tell.fn).settings
    assert (settings.retry, settings.retry.retries) == (Retry(), 3)
    assert (settings.timeout, settings.max_crashes) == (600, 3)


# ---- workers that die, hang, or come late


async def test_a_job_that_three_workers_died_of_is_dead_with_that_reason_unrun() -> None:
    async with in_memory(app) as bench:
        job = await tell.enqueue("killer")
        for crashes in range(3):
            assert (await claimed(lease=5)).crashes == crashes
            bench.clock.advance(6)
        await bench.drain()
        assert ran == []
        assert (await row(job.id)).reason == "crashed: 3 workers died or hung under it, and max_crashes is 3"
        with pytest.raises(JobFailed, match="3 workers died or hung under it"):
            await job.result()


async def test_a_job_may_say_how_many_crashes_it_is_allowed() -> None:
    async with in_memory(app) as bench:
        await tell.options(max_crashes=1).enqueue("once")
        await claimed(lease=5)
        bench.clock.advance(6)
        assert (await bench.drain()).dead == 1


async def test_crashes_are_forgotten_with_the_attempt_and_with_a_dead_letter_put_back() -> None:
    async with in_memory(app) as bench:
        job = await tell.options(max_crashes=1).enqueue("again")
        await claimed(lease=5)
        bench.clock.advance(6)
        await bench.drain()
        await (await engine()).inspector.retry(Filter(ids=[job.id]))
        assert (await bench.drain()).succeeded == 1


async def test_a_worker_that_wakes_late_overwrites_nothing() -> None:
    async with in_memory(app) as bench:
        job = await tell.enqueue("mine")
        late = await claimed(lease=5)
        bench.clock.advance(6)
        await bench.drain()
        outcome = Succeeded(late, ())
        assert [why for _, why in await (await engine()).broker.settle([outcome])] == ["stale"]
        assert await (await engine()).broker.extend([late], 30) == ["lost"]
        assert await job.result() == 1


async def test_a_job_that_ran_out_of_time_before_it_was_claimed_is_dead_unrun_and_time_counts_from_acceptance() -> None:
    async with in_memory(app) as bench:
        made = tell.options(expires=10).job("late")
        bench.clock.advance(3600)  # making it is not yet enqueueing it
        job = await app.enqueue(made)
        bench.clock.advance(9)
        in_time = await tell.options(expires=10).enqueue("in time")
        bench.clock.advance(2)
        await bench.drain()
        assert (await job.status(), await in_time.status()) == ("dead", "succeeded")
        assert (ran, (await row(job.id)).reason) == ([("in time", 1)], "expired")


# ---- rolling deploys


async def test_a_task_that_is_unknown_is_handed_back_with_growing_waits_and_seen_as_such() -> None:
    waits: list[float] = []
    end = app.bus.listen(JobEnded, lambda it: waits.append(getattr(it.outcome, "after", -1)))
    async with in_memory(app) as bench:
        job = await app.enqueue(app.job("of.tomorrow", 1))
        begun = bench.clock.time()
        while await job.status() != "dead":
            await bench.drain()
            found = await row(job.id)
            if found.status == "scheduled":
                told = trail.load(found.job.trail)
                assert told.hand_backs == len(waits)
                assert "no worker here knows the task 'of.tomorrow'" in told.note
                bench.clock.advance(max(0, (found.due or 0) - bench.clock.time()))
        assert waits == [*sorted(waits[:-1]), -1]
        assert (waits[0], max(waits)) == (1, 60)
        assert bench.clock.time() - begun == pytest.approx(3600, abs=61)
        assert "nor has any for 3600 s" in (await row(job.id)).reason
        assert (await row(job.id)).job.attempt == 1
    end()


async def test_a_worker_that_knows_it_runs_it_at_its_first_attempt_with_its_arguments() -> None:
    local = Workhorse("memory://", name="kept", unknown_for=60)
    async with in_memory(local) as bench:
        job = await local.enqueue(local.job("of.tomorrow", Decimal("1.10"), when=date(2030, 1, 1)))
        local.task(name="here")(tell.fn)
        assert (await bench.drain()).released == 1

        @local.task(name="of.tomorrow")
        async def of_tomorrow(ctx: Context, price: Decimal, *, when: date) -> list[object]:
            return [ctx.attempt, str(price), when.year]

        bench.clock.advance(2)
        await bench.drain()
        assert await job.result() == [1, "1.10", 2030]


async def test_unknown_for_is_the_apps_own() -> None:
    local = Workhorse("memory://", name="kept", unknown_for=0)
    local.task(name="here")(tell.fn)
    async with in_memory(local) as bench:
        await local.enqueue(local.job("of.tomorrow"))
        assert (await bench.drain()).dead == 1


# ---- what stays


async def test_a_job_with_a_given_id_is_one_job_for_as_long_as_it_is_remembered() -> None:
    async with in_memory(app) as bench:
        only = tell.options(id="resize-cat")
        first, second = await only.enqueue("first"), await only.enqueue("second")
        await bench.drain()
        third = await only.enqueue("third")
        assert {first.id, second.id, third.id} == {"resize-cat"}
        await bench.drain()
        assert ran == [("first", 1)]
        bench.clock.advance(timedelta(days=2))
        await only.enqueue("another day")
        await bench.drain()
        assert ran == [("first", 1), ("another day", 1)]


@pytest.mark.parametrize("id", ["", "a/b", "a~1", "a@b", "a b", "a\n", "x" * 201, "é", 5, None])
def test_an_id_that_could_be_taken_for_one_of_ours_or_harm_is_refused(id: Any) -> None:
    with pytest.raises(DeclarationError, match="id: expected"):
        tell.options(id=id)


async def test_dead_letters_stay_until_someone_purges_them_with_arguments_attempts_and_reason() -> None:
    async with in_memory(app) as bench:
        job = await fail.enqueue(until=7)
        await bench.drain()
        bench.clock.advance(timedelta(days=3650))
        await tell.enqueue()
        await bench.drain()
        found = await row(job.id)
        assert (found.status, found.reason) == ("dead", "ValueError: attempt 3")
        assert json.loads(found.job.payload)["job"]["kwargs"] == {"until": 7}
        assert len(await job.history()) == 3


async def test_ended_jobs_are_kept_for_retain_or_for_their_results_and_then_go() -> None:
    local = Workhorse("memory://", name="kept", retain=100)
    task = local.task(name="tell")(tell.fn)
    async with in_memory(local) as bench:
        local_engine = await local.engine()
        short, long = await task.options(result_ttl=10).enqueue(), await task.options(result_ttl=5000).enqueue()
        await bench.drain()
        bench.clock.advance(4000)
        assert await local_engine.inspector.show(long.id) is not None
        assert await long.result() == 1
        with pytest.raises(JobNotFound):
            await short.result(timeout=1)


async def test_what_one_job_said_beats_its_task_and_travels() -> None:
    async with in_memory(app) as bench:
        job = await fail.options(retry=Retry(0), timeout=None, headers={"team": "shop"}).enqueue()
        assert (await bench.drain()).retried == 0
        found = await row(job.id)
        assert dict(found.job.headers) == {"team": "shop"}
        assert msgspec.json.decode(found.job.payload)["job"]["options"]["timeout"] is None


async def test_higher_priorities_and_earlier_moments_go_first() -> None:
    async with in_memory(app) as bench:
        await _three(bench)
        await app.worker(concurrency=1, burst=True, signals=()).run()
        assert [what for what, _ in ran] == ["high", "first", "second", "low"]


async def _three(bench: Bench) -> None:
    await tell.options(priority=Priority.LOW).enqueue("low")
    await tell.options(delay=10).enqueue("second")
    await tell.options(delay=5).enqueue("first")
    await tell.options(priority=Priority.HIGH, delay=20).enqueue("high")
    bench.clock.advance(21)
