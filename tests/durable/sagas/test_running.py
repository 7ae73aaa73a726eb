"""A saga's steps: each is run once, its outcome is journalled, and replays are told what is known."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

import pytest

from sagas import ONCE, Stage, drained, until_over
from workhorse import Context, Fixed, GiveUp, JobFailed, Retry, RetryLater, Saga, Skip, Workhorse, step
from workhorse.testing import in_memory


@pytest.fixture
def app() -> Workhorse:
    return Workhorse("memory://sagas")


@pytest.fixture
def stage() -> Stage:
    return Stage()


async def test_steps_run_in_order_and_the_saga_returns_what_its_code_returns(app: Workhorse, stage: Stage) -> None:
    a, b = stage.step("a"), stage.step("b")

    @app.saga
    async def both(saga: Saga, first: int) -> int:
        return await a(first) + await b(2)

    async with in_memory(app) as bench:
        handle = await both.enqueue(1)
        assert await drained(bench, handle) == "succeeded"
        assert await handle.result() == 30
        assert stage.told == ["a 1", "b 2"]
        assert [(it.step, it.state, it.attempts, it.result) for it in await handle.journal()] == [
            ("a", "done", 1, 10),
            ("b", "done", 1, 20),
        ]
        assert bench.results == [30]


async def test_a_step_outside_of_a_saga_is_just_its_function(stage: Stage) -> None:
    @step
    def double(number: int) -> int:
        return number * 2

    assert await stage.step("a")(1) == 10
    assert await double(2) == 4


async def test_a_step_inside_a_step_is_just_its_function(app: Workhorse, stage: Stage) -> None:
    inner = stage.step("inner")

    @step
    async def outer() -> int:
        return await inner(1)

    @app.saga
    async def nested(saga: Saga) -> int:
        return await outer()

    async with in_memory(app) as bench:
        handle = await nested.enqueue()
        assert await drained(bench, handle) == "succeeded"
        assert [it.step for it in await handle.journal()] == ["outer"]


async def test_a_completed_step_is_not_run_again_by_a_later_turn(app: Workhorse, stage: Stage) -> None:
    a, b = stage.step("a"), stage.step("b")

    @app.saga
    async def pausing(saga: Saga) -> int:
        first = await a(1)
        await saga.sleep(timedelta(days=3))
        return first + await b(2)

    async with in_memory(app) as bench:
        handle = await pausing.enqueue()
        assert await drained(bench, handle) == "waiting"
        assert stage.told == ["a 1"]
        bench.clock.advance(timedelta(days=3))
        assert await drained(bench, handle) == "succeeded"
        assert stage.told == ["a 1", "b 2"]
        assert await handle.result() == 30


async def test_a_sync_step_runs_in_a_thread(app: Workhorse) -> None:
    import threading

    @step
    def where() -> bool:
        return threading.current_thread() is threading.main_thread()

    @app.saga
    async def asking(saga: Saga) -> bool:
        return await where()

    async with in_memory(app) as bench:
        handle = await asking.enqueue()
        await bench.drain()
        assert await handle.result() is False


async def test_a_failing_step_is_tried_again_after_its_own_wait_without_a_worker(app: Workhorse, stage: Stage) -> None:
    flaky = stage.step("flaky", Retry(3, Fixed(100)))
    stage.fails["flaky"] = 2

    @app.saga
    async def patient(saga: Saga) -> int:
        return await flaky(1)

    async with in_memory(app) as bench:
        handle = await patient.enqueue()
        assert await drained(bench, handle) == "waiting"
        bench.clock.advance(99)
        await bench.drain()
        assert stage.told == ["flaky 1"]
        bench.clock.advance(1)
        await bench.drain()
        assert stage.told == ["flaky 1"] * 2
        bench.clock.advance(100)
        assert await drained(bench, handle) == "succeeded"
        (entry,) = await handle.journal()
        assert (entry.attempts, entry.state) == (3, "done")


async def test_a_retry_without_a_wait_follows_at_once(app: Workhorse, stage: Stage) -> None:
    flaky = stage.step("flaky", Retry(3, Fixed(0)))
    stage.fails["flaky"] = 3

    @app.saga
    async def hasty(saga: Saga) -> int:
        return await flaky(1)

    async with in_memory(app) as bench:
        handle = await hasty.enqueue()
        assert await drained(bench, handle) == "succeeded"
        assert stage.told == ["flaky 1"] * 4


async def test_a_step_that_failed_for_good_raises_job_failed_and_the_code_may_go_on(
    app: Workhorse, stage: Stage
) -> None:
    bad, other = stage.step("bad"), stage.step("other")
    stage.fails["bad"] = 1

    @app.saga
    async def catching(saga: Saga) -> str:
        try:
            await bad(1)
        except JobFailed as error:
            await saga.sleep(10)
            await other(2)
            return f"{error.type}: {error.message}"
        return "no"

    async with in_memory(app) as bench:
        handle = await catching.enqueue()
        assert await until_over(bench, handle) == "succeeded"
        assert await handle.result() == "ValueError: bad 1 failed"
        assert stage.told == ["bad 1", "other 2"]


async def test_a_step_may_say_itself_when_and_whether_it_is_tried_again(app: Workhorse) -> None:
    tries: list[str] = []

    @step(retry=Retry(1, Fixed(1000)))
    async def moody() -> str:
        tries.append("moody")
        if len(tries) < 4:
            raise RetryLater(after=5, counts=False)
        raise RetryLater(after=7)

    @step(retry=Retry(5, Fixed(0)))
    async def final() -> None:
        tries.append("final")
        raise GiveUp("no use")

    @step
    async def skipped() -> int:
        raise Skip("nothing new")

    @app.saga
    async def steered(saga: Saga) -> str:
        try:
            await moody()
        except JobFailed as error:
            tries.append(error.type)
        assert await skipped() is None
        await final()
        return "no"

    async with in_memory(app) as bench:
        handle = await steered.enqueue()
        for seconds in (0, 5, 5, 5, 7):
            bench.clock.advance(seconds)
            await bench.drain()
        assert tries == ["moody"] * 5 + ["RetryLater", "final"]
        with pytest.raises(JobFailed, match="GiveUp: no use"):
            await handle.result()


async def test_a_step_that_takes_too_long_has_failed(app: Workhorse) -> None:
    never = asyncio.Event()

    @step(timeout=0.01, retry=ONCE)
    async def slow() -> None:
        await never.wait()

    @app.saga
    async def waiting(saga: Saga) -> None:
        await slow()

    async with in_memory(app) as bench:
        handle = await waiting.enqueue()
        assert await drained(bench, handle) == "compensated"
        with pytest.raises(JobFailed, match=r"time-out of 0\.01 s"):
            await handle.result()


async def test_branches_run_side_by_side_and_are_journalled_in_the_order_of_the_call(
    app: Workhorse, stage: Stage
) -> None:
    met = asyncio.Barrier(2)

    @step
    async def meet(name: str) -> str:
        await met.wait()
        return name

    @app.saga
    async def pair(saga: Saga) -> list[str]:
        return list(await saga.gather(meet("x"), meet("y")))

    async with in_memory(app) as bench:
        handle = await pair.enqueue()
        assert await drained(bench, handle) == "succeeded"
        assert await handle.result() == ["x", "y"]
        assert [it.result for it in await handle.journal()] == ["x", "y"]


async def test_a_faster_branch_never_takes_the_place_of_another(app: Workhorse, stage: Stage) -> None:
    a, b, c, d = (stage.step(name) for name in "abcd")

    @app.saga
    async def branching(saga: Saga) -> int:
        async def left() -> int:
            await saga.sleep(100)
            return await a(1) + await b(2)

        async def right() -> int:
            return await c(3) + await d(4)

        done = await saga.gather(left(), right())
        await saga.sleep(1)
        return sum(done)

    async with in_memory(app) as bench:
        handle = await branching.enqueue()
        assert await until_over(bench, handle, pause=100) == "succeeded"
        assert await handle.result() == 100
        assert stage.told == ["c 3", "d 4", "a 1", "b 2"]


async def test_all_branches_end_before_the_first_error_is_raised(app: Workhorse, stage: Stage) -> None:
    bad, slow = stage.step("bad"), stage.step("slow")
    stage.fails["bad"] = 1

    @app.saga
    async def failing(saga: Saga) -> None:
        async def later() -> int:
            await saga.sleep(10)
            return await slow(2)

        await saga.gather(bad(1), later())

    async with in_memory(app) as bench:
        handle = await failing.enqueue()
        assert await until_over(bench, handle) == "compensated"
        assert stage.told == ["bad 1", "slow 2", "un-slow 2 20", "un-bad 1 None"]


async def test_time_chance_and_keys_are_the_same_on_every_replay(app: Workhorse) -> None:
    seen: list[list[object]] = []
    steps: list[str] = []

    @step
    async def keep(key: str) -> None:
        context = Context.current()
        assert context is not None
        steps.append(context.idempotency_key)

    @app.saga
    async def drawing(saga: Saga) -> int:
        drawn: list[object] = [saga.now(), saga.random(), saga.uuid(), saga.idempotency_key, saga.idempotency_key]
        seen.append(drawn)
        await keep(saga.idempotency_key)
        await saga.sleep(10)
        await keep(saga.idempotency_key)
        return 1

    async with in_memory(app) as bench:
        handle, other = await drawing.enqueue(), await drawing.enqueue()
        for each in (handle, other):
            assert await until_over(bench, each) == "succeeded"
        runs = {str(drawn): None for drawn in seen}
        assert (len(seen), len(runs)) == (4, 2)
        assert len({key for drawn in seen for key in map(str, drawn[1:])}) == 8
        assert len(set(steps)) == 4


@dataclass
class Reserve:
    """An action that keeps what its rollback needs."""

    user: int
    seat: int | None = None

    def execute(self) -> None:
        TOLD.append(f"reserve {self.user}")
        self.seat = self.user + 100

    async def rollback(self) -> None:
        TOLD.append(f"release {self.seat}")


TOLD: list[str] = []


async def test_an_action_comes_back_with_its_fields(app: Workhorse, stage: Stage) -> None:
    TOLD.clear()
    bad = stage.step("bad")
    stage.fails["bad"] = 1

    @app.saga
    async def booking(saga: Saga, user: int) -> int | None:
        seat = await saga.do(Reserve(user))
        await saga.sleep(10)
        if user == 2:
            await bad(1)
        return seat.seat

    async with in_memory(app) as bench:
        handle, failing = await booking.enqueue(1), await booking.enqueue(2)
        assert await until_over(bench, handle) == "succeeded"
        assert await handle.result() == 101
        assert await failing.status() == "compensated"
        assert TOLD == ["reserve 1", "reserve 2", "release 102"]
        assert (await handle.journal())[0].result == {"user": 1, "seat": 101}


async def test_a_result_that_cannot_be_kept_fails_its_step_with_the_reason(app: Workhorse) -> None:
    @step(retry=Retry(5))
    async def odd() -> object:
        return object()

    @step
    async def large() -> str:
        return "x" * (1 << 20)

    @app.saga
    async def keeping(saga: Saga) -> list[str]:
        told: list[str] = []
        for each in (odd, large):
            try:
                await each()
            except JobFailed as error:
                told.append(error.message)
        return told

    async with in_memory(app) as bench:
        handle = await keeping.enqueue()
        assert await drained(bench, handle) == "succeeded"
        first, second = await handle.result()
        assert "the result of odd cannot be kept" in first
        assert "1,048,590 bytes" in second or "bytes, and the most is 1,048,576" in second


async def test_arguments_that_cannot_travel_fail_before_anything_is_run(app: Workhorse, stage: Stage) -> None:
    a = stage.step("a")

    @app.saga
    async def wrong(saga: Saga) -> None:
        await a("one")  # type: ignore[arg-type]

    async with in_memory(app) as bench:
        handle = await wrong.enqueue()
        assert await drained(bench, handle) == "compensated"
        assert stage.told == []
        with pytest.raises(JobFailed, match="Unfit"):
            await handle.result()


async def test_the_debug_mode_replays_after_every_step(
    app: Workhorse, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKHORSE_REPLAY_SAGAS", "1")
    a, b = stage.step("a"), stage.step("b")
    plays: list[int] = []

    @app.saga
    async def replayed(saga: Saga) -> int:
        plays.append(1)
        return await a(1) + await b(2)

    async with in_memory(app) as bench:
        handle = await replayed.enqueue()
        assert await drained(bench, handle) == "succeeded"
        assert (len(plays), stage.told) == (3, ["a 1", "b 2"])


async def test_the_context_is_the_sagas_in_its_code_and_in_its_steps(app: Workhorse) -> None:
    seen: list[tuple[str, tuple[object, ...], int]] = []

    def look() -> None:
        context = Context.current()
        assert context is not None
        seen.append((context.job.id, context.job.args, context.attempt))

    @step(retry=Retry(1, Fixed(0)))
    async def looking() -> None:
        look()
        if len(seen) < 3:
            raise ValueError("once more")

    @app.saga
    async def asking(saga: Saga, number: int) -> None:
        await saga.sleep(1)
        look()
        await looking()

    async with in_memory(app) as bench:
        handle = await asking.enqueue(7)
        assert await until_over(bench, handle) == "succeeded"
        assert seen == [(handle.id, (7,), 1), (handle.id, (7,), 1), (handle.id, (7,), 2)]
