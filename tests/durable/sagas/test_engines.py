"""The main promises of sagas on every engine that is a store, with a real worker and real time."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from homes import HOMES, home
from sagas import Stage
from workhorse import Fixed, JobCancelled, JobFailed, Retry, Saga, Workhorse
from workhorse.durable.sagas import keys


@pytest.fixture(params=HOMES)
def app(request: pytest.FixtureRequest) -> Workhorse:
    return Workhorse(home(request, request.param), name="here")


@pytest.fixture
def stage() -> Stage:
    return Stage()


@asynccontextmanager
async def working(app: Workhorse) -> AsyncGenerator[None]:
    worker = app.worker(signals=(), lease=5)
    async with app:
        task = asyncio.create_task(worker.run())
        try:
            yield
        finally:
            worker.stop()
            await task


async def test_a_saga_sleeps_retries_waits_for_signals_and_calls_jobs(app: Workhorse, stage: Stage) -> None:
    flaky, last = stage.step("flaky", Retry(3, Fixed(0.1))), stage.step("last")
    stage.fails["flaky"] = 2

    @app.task
    async def double(number: int) -> int:
        return 2 * number

    @app.saga
    async def whole(saga: Saga, first: int) -> list[int]:
        got = await flaky(first)
        await saga.sleep(0.1)
        signalled, called = await saga.gather(saga.wait_for("go", int), saga.call(double, 7))
        late = await saga.wait_for("never", int, timeout=0.1)
        return [got, signalled, called, late or 0, await last(2)]

    async with working(app):
        handle = await whole.enqueue(1)
        await handle.signal("go", 5)
        assert await handle.result(timeout=60) == [10, 5, 14, 0, 20]
        assert await handle.status() == "succeeded"
        assert stage.told == ["flaky 1"] * 3 + ["last 2"]
        journal = {it.step: it for it in await handle.journal()}
        assert (journal["flaky"].attempts, journal["double"].result) == (3, 14)


async def test_a_failed_saga_is_undone(app: Workhorse, stage: Stage) -> None:
    a, b = stage.step("a"), stage.step("b")
    stage.fails["b"] = 1

    @app.saga
    async def failing(saga: Saga) -> None:
        await a(1)
        await saga.sleep(0.1)
        await b(2)

    async with working(app):
        handle = await failing.enqueue()
        with pytest.raises(JobFailed, match="b 2 failed"):
            await handle.result(timeout=60)
        assert stage.told == ["a 1", "b 2", "un-b 2 None", "un-a 1 10"]
        assert await handle.status() == "compensated"


async def test_a_sleeping_saga_is_cancelled(app: Workhorse, stage: Stage) -> None:
    a = stage.step("a")

    @app.saga
    async def sleeping(saga: Saga) -> None:
        await a(1)
        await saga.wait_for("nothing", int, timeout=100_000)

    async with working(app):
        handle = await sleeping.enqueue()
        store = (await app.engine()).store
        assert store is not None
        version = 0
        while (its := await app.sagas.head(handle.id)) is None or its.status != "waiting":
            await store.wait({keys.head(handle.id): version}, 10)
            (found,) = await store.get([keys.head(handle.id)])
            version = 0 if found is None else found[1]
        assert await handle.cancel()
        with pytest.raises(JobCancelled):
            await handle.result(timeout=60)
        assert stage.told == ["a 1", "un-a 1 10"]


async def test_many_sagas_run_at_once_and_are_listed(app: Workhorse, stage: Stage) -> None:
    a, b = stage.step("a"), stage.step("b")

    @app.saga
    async def summing(saga: Saga, number: int) -> int:
        return await a(number) + sum(await saga.gather(b(1), b(2)))

    async with working(app):
        handles = [await summing.enqueue(number) for number in range(40)]
        results = await asyncio.gather(*(handle.result(timeout=60) for handle in handles))
        assert results == [number * 10 + 30 for number in range(40)]
        assert len(stage.told) == 120
        first = await app.sagas.list("succeeded", limit=25)
        rest = await app.sagas.list("succeeded", after=first[-1][0], limit=100)
        assert [id for id, _ in [*first, *rest]] == sorted(handle.id for handle in handles)
        assert await app.sagas.list("waiting") == []
