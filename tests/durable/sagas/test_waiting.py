"""What a saga waits for holds no worker: time, signals, other jobs; and none of it is missed."""

import pytest

from sagas import Stage, drained, until_over
from workhorse import Fixed, JobFailed, Retry, Saga, Workhorse
from workhorse.core.contract import Filter
from workhorse.durable.sagas import signals
from workhorse.errors import EnqueueRefused, JobNotFound
from workhorse.testing import in_memory


@pytest.fixture
def app() -> Workhorse:
    return Workhorse("memory://sagas")


@pytest.fixture
def stage() -> Stage:
    return Stage()


async def test_a_signal_wakes_the_wait_of_its_name(app: Workhorse) -> None:
    @app.saga
    async def asking(saga: Saga) -> bool:
        return await saga.wait_for("approved", bool)

    async with in_memory(app) as bench:
        handle = await asking.enqueue()
        assert await drained(bench, handle) == "waiting"
        await handle.signal("denied", False)
        assert await drained(bench, handle) == "waiting"
        await handle.signal("approved", True)
        assert await drained(bench, handle) == "succeeded"
        assert await handle.result() is True


async def test_signals_are_kept_until_someone_waits_and_taken_in_their_order(app: Workhorse) -> None:
    @app.saga
    async def later(saga: Saga) -> list[int]:
        await saga.sleep(100)
        return [await saga.wait_for("number", int) for _ in range(3)]

    async with in_memory(app) as bench:
        handle = await later.enqueue()
        for number in range(3):
            await handle.signal("number", number)
        assert await until_over(bench, handle) == "succeeded"
        assert await handle.result() == [0, 1, 2]


async def test_a_signal_that_comes_before_the_saga_has_begun_is_kept(app: Workhorse) -> None:
    @app.saga
    async def delayed(saga: Saga) -> str:
        return await saga.wait_for("word", str)

    async with in_memory(app) as bench:
        handle = await delayed.options(delay=100).enqueue()
        await handle.signal("word", "early")
        assert await drained(bench, handle) == "scheduled"
        bench.clock.advance(100)
        assert await drained(bench, handle) == "succeeded"
        assert await handle.result() == "early"


async def test_a_wait_with_a_timeout_gives_none_when_nothing_came(app: Workhorse) -> None:
    @app.saga
    async def asking(saga: Saga) -> list[bool | None]:
        first = await saga.wait_for("approved", bool, timeout=100)
        return [first, await saga.wait_for("approved", bool, timeout=100)]

    async with in_memory(app) as bench:
        handle = await asking.enqueue()
        await bench.drain()
        bench.clock.advance(100)
        assert await drained(bench, handle) == "waiting"
        await handle.signal("approved", True)
        assert await drained(bench, handle) == "succeeded"
        assert await handle.result() == [None, True]


async def test_a_late_time_out_of_a_wait_that_is_over_changes_nothing(app: Workhorse) -> None:
    @app.saga
    async def asking(saga: Saga) -> list[object]:
        first = await saga.wait_for("word", str, timeout=100)
        await saga.sleep(1000)
        return [first]

    async with in_memory(app) as bench:
        handle = await asking.enqueue()
        await bench.drain()
        await handle.signal("word", "here")
        await bench.drain()
        bench.clock.advance(100)
        assert await drained(bench, handle) == "waiting"
        assert await until_over(bench, handle, pause=1000) == "succeeded"
        assert await handle.result() == ["here"]


async def test_a_signal_whose_value_does_not_fit_fails_the_wait(app: Workhorse) -> None:
    @app.saga
    async def asking(saga: Saga) -> str:
        try:
            await saga.wait_for("approved", bool)
        except JobFailed as error:
            return error.type
        return "no"

    async with in_memory(app) as bench:
        handle = await asking.enqueue()
        await handle.signal("approved", "perhaps")
        assert await drained(bench, handle) == "succeeded"
        assert await handle.result() == "Unfit"


async def test_a_signal_that_cannot_travel_or_whose_saga_is_unknown_or_over_is_refused(app: Workhorse) -> None:
    @app.saga
    async def quick(saga: Saga) -> None: ...

    async with in_memory(app) as bench:
        handle = await quick.enqueue()
        with pytest.raises(EnqueueRefused, match="cannot travel"):
            await handle.signal("name", object())
        await bench.drain()
        with pytest.raises(JobNotFound, match="has ended: succeeded"):
            await handle.signal("name")
        with pytest.raises(JobNotFound, match="nothing is known"):
            await quick.handle("nobody").signal("name")


async def test_signals_wait_up_to_a_bound(app: Workhorse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signals, "MOST", 3)

    @app.saga
    async def deaf(saga: Saga) -> None:
        await saga.sleep(1000)

    async with in_memory(app) as bench:
        handle = await deaf.enqueue()
        await bench.drain()
        for _ in range(3):
            await handle.signal("name")
            await bench.drain()
        with pytest.raises(EnqueueRefused, match="has 3 signals already"):
            await handle.signal("name")


async def test_a_called_job_is_awaited_without_a_worker(app: Workhorse, stage: Stage) -> None:
    @app.task
    async def resize(path: str) -> str:
        return f"{path}@256"

    @app.saga
    async def calling(saga: Saga) -> str:
        return await saga.call(resize, "cat.png")

    async with in_memory(app) as bench:
        handle = await calling.enqueue()
        assert await drained(bench, handle) == "succeeded"
        assert await handle.result() == "cat.png@256"
        assert [(it.step, it.state, it.result) for it in await handle.journal()] == [("resize", "done", "cat.png@256")]


async def test_a_called_job_that_keeps_no_result_still_gives_it(app: Workhorse) -> None:
    @app.task(result_ttl=0)
    async def secret() -> int:
        return 7

    @app.saga
    async def calling(saga: Saga) -> int:
        return await saga.call(secret)

    async with in_memory(app) as bench:
        handle = await calling.enqueue()
        await bench.drain()
        assert await handle.result() == 7


async def test_sagas_call_sagas(app: Workhorse, stage: Stage) -> None:
    a = stage.step("a")

    @app.saga
    async def inner(saga: Saga, number: int) -> int:
        await saga.sleep(10)
        return await a(number)

    @app.saga
    async def outer(saga: Saga) -> list[int]:
        return list(await saga.gather(saga.call(inner, 1), saga.call(inner, 2)))

    async with in_memory(app) as bench:
        handle = await outer.enqueue()
        assert await until_over(bench, handle) == "succeeded"
        assert await handle.result() == [10, 20]


async def test_a_called_job_that_is_dead_fails_its_step(app: Workhorse) -> None:
    @app.task(retry=Retry(1, Fixed(0)))
    async def bad() -> None:
        raise KeyError("it")

    @app.saga
    async def calling(saga: Saga) -> str:
        try:
            await saga.call(bad)
        except JobFailed as error:
            return error.type
        return "no"

    async with in_memory(app) as bench:
        handle = await calling.enqueue()
        assert await drained(bench, handle) == "succeeded"
        assert await handle.result() == "KeyError"


@pytest.mark.parametrize("how", ["cancel", "delete"])
async def test_a_called_job_that_is_cancelled_or_deleted_wakes_the_saga_too(app: Workhorse, how: str) -> None:
    @app.task
    async def idle() -> None: ...

    @app.saga
    async def calling(saga: Saga) -> str:
        try:
            await saga.call(idle.options(delay=100_000))
        except JobFailed as error:
            return error.type
        return "no"

    async with in_memory(app) as bench:
        handle = await calling.enqueue()
        await bench.drain()
        inspector = (await app.engine()).inspector
        assert inspector is not None
        (called,) = [row.job.id for row in await inspector.list(Filter(task="idle"))]
        await getattr(inspector, how)(Filter(ids=[called]))
        assert await until_over(bench, handle) == "succeeded"
        assert await handle.result() == {"cancel": "JobCancelled", "delete": "JobNotFound"}[how]


async def test_what_a_cancelled_saga_has_called_is_cancelled_too(app: Workhorse, stage: Stage) -> None:
    a = stage.step("a")

    @app.task
    async def idle() -> None:
        stage.say("idle")

    @app.saga
    async def inner(saga: Saga) -> None:
        await a(1)
        await saga.sleep(100_000)

    @app.saga
    async def outer(saga: Saga) -> None:
        await saga.gather(saga.call(inner), saga.call(idle.options(delay=50_000)))

    async with in_memory(app) as bench:
        handle = await outer.enqueue()
        assert await drained(bench, handle) == "waiting"
        assert stage.told == ["a 1"]
        await handle.cancel()
        assert await drained(bench, handle) == "compensated"
        assert stage.told == ["a 1", "un-a 1 10"]
        assert [head.status for _, head in await app.sagas.list()] == ["compensated", "compensated"]
        bench.clock.advance(50_000)
        await bench.drain()
        assert "idle" not in stage.told
