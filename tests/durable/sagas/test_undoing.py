"""A saga that fails, or is cancelled, is undone: every step that was started, newest first, each with its own retries."""

import asyncio

import pytest

from sagas import ONCE, Stage, drained, until_over
from workhorse import Fixed, JobCancelled, JobFailed, Retry, Saga, Workhorse, step
from workhorse.testing import Bench, in_memory


@pytest.fixture
def app() -> Workhorse:
    return Workhorse("memory://sagas")


@pytest.fixture
def stage() -> Stage:
    return Stage()


async def test_every_started_step_is_undone_newest_first_with_its_result_and_arguments(
    app: Workhorse, stage: Stage
) -> None:
    a, b, c = (stage.step(name) for name in "abc")
    stage.fails["c"] = 1

    @app.saga
    async def three(saga: Saga) -> None:
        await a(1)
        await b(2)
        await c(3)

    async with in_memory(app) as bench:
        handle = await three.enqueue()
        assert await drained(bench, handle) == "compensated"
        assert stage.told == ["a 1", "b 2", "c 3", "un-c 3 None", "un-b 2 20", "un-a 1 10"]
        assert [it.state for it in await handle.journal()] == ["undone"] * 3
        with pytest.raises(JobFailed, match="ValueError: c 3 failed"):
            await handle.result()
        (attempt,) = await handle.history()
        assert not attempt.successful
        assert str(attempt.value) == "ValueError: c 3 failed"


async def test_an_error_of_the_sagas_own_code_undoes_it(app: Workhorse, stage: Stage) -> None:
    a = stage.step("a")

    @app.saga
    async def broken(saga: Saga) -> None:
        await a(1)
        raise KeyError("no such thing")

    async with in_memory(app) as bench:
        handle = await broken.enqueue()
        assert await drained(bench, handle) == "compensated"
        assert stage.told == ["a 1", "un-a 1 10"]
        with pytest.raises(JobFailed, match="KeyError") as caught:
            await handle.result()
        assert "no such thing" in caught.value.traceback


async def test_a_step_without_an_undo_is_left_as_it_is(app: Workhorse, stage: Stage) -> None:
    bad = stage.step("bad")
    stage.fails["bad"] = 1

    @step
    async def keep() -> int:
        return 1

    @app.saga
    async def mixed(saga: Saga) -> None:
        await keep()
        await bad(1)

    async with in_memory(app) as bench:
        handle = await mixed.enqueue()
        assert await drained(bench, handle) == "compensated"
        assert [it.state for it in await handle.journal()] == ["done", "undone"]


async def test_an_undo_is_tried_again_with_its_own_retry(app: Workhorse, stage: Stage) -> None:
    @step(retry=ONCE)
    async def work(number: int) -> None:
        stage.say("work")

    @work.undo(retry=Retry(2, Fixed(100)), timeout=5)
    async def unwork(number: int) -> None:
        stage.say("unwork")

    stage.fails.update(work=1, unwork=2)

    @app.saga
    async def retried(saga: Saga) -> None:
        await work(1)

    async with in_memory(app) as bench:
        handle = await retried.enqueue()
        assert await drained(bench, handle) == "compensating"
        bench.clock.advance(100)
        assert await drained(bench, handle) == "compensating"
        bench.clock.advance(100)
        assert await drained(bench, handle) == "compensated"
        assert stage.told == ["work"] + ["unwork"] * 3


async def stuck(app: Workhorse, stage: Stage, bench: Bench) -> "object":
    a, b, c = (stage.step(name) for name in "abc")
    stage.fails.update({"c": 1, "un-b": 1})

    @app.saga
    async def three(saga: Saga) -> None:
        await a(1)
        await b(2)
        await c(3)

    handle = await three.enqueue()
    assert await drained(bench, handle) == "compensation_failed"
    assert stage.told == ["a 1", "b 2", "c 3", "un-c 3 None", "un-b 2 20"]
    assert [it.state for it in await handle.journal()] == ["done", "undo_failed", "undone"]
    with pytest.raises(JobFailed, match=r"c 3 failed .and it could not be undone: .*un-b 2 20 failed"):
        await handle.result()
    stage.told.clear()
    return handle


async def test_an_undo_that_fails_for_good_stops_the_saga_until_it_is_resumed(app: Workhorse, stage: Stage) -> None:
    async with in_memory(app) as bench:
        handle = await stuck(app, stage, bench)
        await handle.resume()  # type: ignore[attr-defined]
        assert await drained(bench, handle) == "compensated"  # type: ignore[arg-type]
        assert stage.told == ["un-b 2 20", "un-a 1 10"]


async def test_an_undo_that_fails_for_good_may_be_left_out(app: Workhorse, stage: Stage) -> None:
    async with in_memory(app) as bench:
        handle = await stuck(app, stage, bench)
        journal = await app.sagas.known(handle.id)  # type: ignore[attr-defined]
        (number,) = [act.number for act in journal.acts.values() if act.stuck]
        await app.sagas.skip(handle.id, number)  # type: ignore[attr-defined]
        assert await drained(bench, handle) == "compensated"  # type: ignore[arg-type]
        assert stage.told == ["un-a 1 10"]


async def test_an_undo_that_hangs_is_given_up(app: Workhorse, stage: Stage) -> None:
    @step(retry=ONCE)
    async def work() -> None:
        raise ValueError("no")

    @work.undo(retry=ONCE, timeout=0.01)
    async def unwork() -> None:
        await asyncio.Event().wait()

    @app.saga
    async def hanging(saga: Saga) -> None:
        await work()

    async with in_memory(app) as bench:
        handle = await hanging.enqueue()
        assert await drained(bench, handle) == "compensation_failed"


async def test_a_cancelled_saga_is_undone_while_it_sleeps(app: Workhorse, stage: Stage) -> None:
    a = stage.step("a")

    @app.saga
    async def sleeping(saga: Saga) -> None:
        await a(1)
        await saga.sleep(1000)

    async with in_memory(app) as bench:
        handle = await sleeping.enqueue()
        assert await drained(bench, handle) == "waiting"
        assert await handle.cancel()
        assert await drained(bench, handle) == "compensated"
        assert stage.told == ["a 1", "un-a 1 10"]
        with pytest.raises(JobCancelled):
            await handle.result()
        assert not await handle.cancel()
        bench.clock.advance(1000)
        await bench.drain()
        assert stage.told == ["a 1", "un-a 1 10"]


async def test_a_saga_cancelled_before_it_began_runs_nothing(app: Workhorse, stage: Stage) -> None:
    a = stage.step("a")

    @app.saga
    async def never(saga: Saga) -> None:
        await a(1)

    async with in_memory(app) as bench:
        handle = await never.options(delay=100).enqueue()
        assert await handle.cancel()
        assert await drained(bench, handle) == "compensated"
        with pytest.raises(JobCancelled):
            await handle.result()
        bench.clock.advance(100)
        await bench.drain()
        assert stage.told == []


async def test_an_inline_step_is_undone_by_the_function_beside_it(app: Workhorse, stage: Stage) -> None:
    def block(room: int, *, nights: int = 1) -> None:
        stage.say(f"block {room} {nights}")

    def free(room: int, *, nights: int = 1) -> None:
        stage.say(f"free {room} {nights}")

    @app.saga
    async def inline(saga: Saga) -> None:
        await step(block, undo=free)(room=7, nights=2)
        await saga.sleep(1)
        raise ValueError("no")

    async with in_memory(app) as bench:
        handle = await inline.enqueue()
        assert await until_over(bench, handle) == "compensated"
        assert stage.told == ["block 7 2", "free 7 2"]


async def test_nothing_new_is_begun_by_code_that_catches_what_undoes_it(app: Workhorse, stage: Stage) -> None:
    a, b = stage.step("a"), stage.step("b")

    @app.saga
    async def stubborn(saga: Saga) -> None:
        try:
            await a(1)
            await saga.sleep(1000)
        finally:
            await b(2)

    async with in_memory(app) as bench:
        handle = await stubborn.enqueue()
        assert await drained(bench, handle) == "waiting"
        await handle.cancel()
        assert await drained(bench, handle) == "compensated"
        assert stage.told == ["a 1", "un-a 1 10"]
