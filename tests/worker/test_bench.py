"""The testing kit: an app in memory by a manual clock, its recorder, and the pytest fixture."""

import asyncio
from datetime import timedelta

import pytest

from workhorse import Context, Fixed, GiveUp, Retry, Skip, Workhorse
from workhorse.testing import Bench, drain, in_memory


@pytest.fixture
def app() -> Workhorse:
    """What the fixture `bench` of the plugin puts in memory; a file that must not come to be."""
    made = Workhorse("sqlite:////nowhere/at/all.db", name="benched", retry=Retry(1, Fixed(3600)))

    @made.task(name="double")
    async def double(n: int) -> int:
        return 2 * n

    @made.task(name="fail")
    def fail(ctx: Context) -> None:
        raise GiveUp("on purpose") if ctx.attempt > 1 else ValueError("first")

    @made.task(name="idle")
    async def idle() -> None:
        raise Skip("nothing")

    @made.task(name="fan")
    async def fan(n: int) -> None:
        for each in range(n):
            await double.enqueue(each)

    return made


async def test_the_fixture_puts_the_app_of_the_fixture_app_in_memory(bench: Bench, app: Workhorse) -> None:
    await app.registry.find("fan").enqueue(3)
    assert (await bench.drain()).succeeded == 4
    assert sorted(result for result in bench.results if result is not None) == [0, 2, 4]
    await app.close()


def test_the_fixture_goes_with_synchronous_tests(bench: Bench, app: Workhorse) -> None:
    job = app.registry.find("double").enqueue_sync(4)
    app.run(bench.drain())
    assert app.run(job.result()) == 8
    app.run(app.close())


async def test_an_app_is_where_it_was_afterwards_and_two_benches_do_not_meet(app: Workhorse) -> None:
    before = app.url
    async with in_memory(app) as first:
        await app.registry.find("double").enqueue(1)
    async with in_memory(app) as second:
        assert (await second.drain()).succeeded == 0
        assert (first.results, second.results, len(first.jobs), second.jobs) == ([], [], 1, [])
    assert app.url == before


async def test_time_moves_only_when_told_or_to_the_retry_of_what_failed(app: Workhorse) -> None:
    async with in_memory(app) as bench:
        start = bench.clock.now()
        await app.registry.find("double").options(delay=timedelta(days=1)).enqueue(1)
        await bench.drain()
        assert (bench.clock.now(), bench.results) == (start, [])
        bench.clock.advance(timedelta(days=1))
        await bench.drain()
        assert bench.results == [2]
        job = await app.registry.find("fail").enqueue()
        assert (await bench.drain()).dead == 1
        assert bench.clock.now() - start == timedelta(days=1, hours=1)
        (dead,) = bench.dead
        assert (dead.id, dead.task, [str(each.value) for each in dead.attempts]) == (
            job.id, "fail", ["ValueError: first", "GiveUp: on purpose"],
        )  # fmt: skip


async def test_the_recorder_asserts_what_was_enqueued_and_says_what_came_instead(app: Workhorse) -> None:
    async with in_memory(app) as bench:
        bench.enqueued.nothing()
        double, idle = app.registry.find("double"), app.registry.find("idle")
        await app.enqueue_many([double.job(1), idle.job(), double.job(2)])
        assert [job.args for job in bench.enqueued.in_order("double", "idle", "double")] == [(1,), (), (2,)]
        assert bench.enqueued.in_any_order("double", "double", "idle") == bench.jobs
        for wrong in (
            bench.enqueued.nothing,
            lambda: bench.enqueued.in_order("double", "double", "idle"),
            lambda: bench.enqueued.in_order("double"),
            lambda: bench.enqueued.in_any_order("double", "idle"),
        ):
            with pytest.raises(AssertionError, match=r"got \['double'"):
                wrong()


async def test_what_skips_or_keeps_no_result_is_not_among_the_results(app: Workhorse) -> None:
    async with in_memory(app) as bench:
        await app.registry.find("idle").enqueue()
        await app.registry.find("double").options(result_ttl=0).enqueue(3)
        assert (await bench.drain()).succeeded == 2
        assert bench.results == []


async def test_a_task_is_called_by_hand_with_a_context_of_the_bench(app: Workhorse) -> None:
    async with in_memory(app) as bench:
        context = bench.context(state={"db": "a fake"})
        assert (context.attempt, context.state["db"]) == (1, "a fake")
        await context.progress(0.5, "heard by nobody")
        with pytest.raises(ValueError, match="first"):
            app.registry.find("fail").fn(context)


async def test_drain_runs_what_is_due_on_any_engine(database_url: str) -> None:
    app = Workhorse(database_url, name="file")

    @app.task(name="double")
    async def double(n: int) -> int:
        await asyncio.sleep(0)
        return 2 * n

    async with app:
        job = await double.enqueue(2)
        assert (await drain(app)).succeeded == 1
        assert await job.result() == 4
