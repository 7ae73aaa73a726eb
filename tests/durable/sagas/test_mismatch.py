"""Code that no longer matches its journal stops its saga, with both named; nothing is run, and it goes on once it is right."""

import pytest

from sagas import Stage, drained
from workhorse import JobFailed, Saga, SagaHandle, Workhorse
from workhorse.core.contract import Filter, Put
from workhorse.durable.sagas import keys
from workhorse.errors import DeclarationError, SagaMismatch
from workhorse.testing import Bench, in_memory


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture
def app() -> Workhorse:
    return Workhorse("memory://sagas")


Calls = list[tuple[str, int]]
BEFORE: Calls = [("a", 1), ("b", 2), ("sleep", 10), ("c", 3)]


def deploying(app: Workhorse, stage: Stage) -> "tuple[object, Calls]":
    now = list(BEFORE)
    steps = {name: stage.step(name) for name in "abcx"}

    @app.saga
    async def changing(saga: Saga) -> int:
        total = 0
        for name, number in list(now):
            if name == "sleep":
                await saga.sleep(number)
            else:
                total += await steps[name](number)
        return total

    return changing, now


@pytest.mark.parametrize(
    ("after", "why"),
    [
        ([("a", 1), ("x", 2), ("sleep", 10), ("c", 3)], "step 'b', and the code calls step 'x' there"),
        ([("b", 2), ("a", 1), ("sleep", 10), ("c", 3)], "step 'a', and the code calls step 'b' there"),
        ([("a", 1), ("b", 5), ("sleep", 10), ("c", 3)], "step 'b' with other arguments"),
        ([("a", 1), ("sleep", 10), ("b", 2), ("c", 3)], "step 'b', and the code calls a sleep there"),
        ([("a", 1)], "step 'b', and the code ends without it"),
        ([("x", 1), ("a", 1)], "step 'a', and the code calls step 'x' there"),
    ],
    ids=["renamed", "reordered", "other arguments", "moved", "left out", "put in front"],
)
async def test_a_change_stops_the_saga_until_the_code_is_right_again(
    app: Workhorse, stage: Stage, after: Calls, why: str
) -> None:
    saga, now = deploying(app, stage)
    async with in_memory(app) as bench:
        handle: SagaHandle[int] = await saga.enqueue()  # type: ignore[attr-defined]
        assert await drained(bench, handle) == "waiting"
        now[:] = after
        bench.clock.advance(10)
        assert await drained(bench, handle) == "mismatched"
        assert stage.told == ["a 1", "b 2"]
        with pytest.raises(SagaMismatch, match=why):
            await handle.result()
        now[:] = BEFORE
        assert await drained(bench, handle) == "mismatched"
        await handle.resume()
        assert await drained(bench, handle) == "succeeded"
        assert await handle.result() == 60
        assert stage.told == ["a 1", "b 2", "c 3"]


async def test_code_that_would_catch_a_mismatch_never_sees_it(app: Workhorse, stage: Stage) -> None:
    a, b = stage.step("a"), stage.step("b")
    which = [a]

    @app.saga
    async def catching(saga: Saga) -> None:
        try:
            await which[0](1)
        except BaseException:
            await b(2)
            raise
        await saga.sleep(10)

    async with in_memory(app) as bench:
        handle = await catching.enqueue()
        await bench.drain()
        which[:] = [b]
        bench.clock.advance(10)
        assert await drained(bench, handle) == "mismatched"
        assert stage.told == ["a 1"]


async def test_what_comes_while_a_saga_stands_still_is_not_lost(app: Workhorse, stage: Stage) -> None:
    a, b = stage.step("a"), stage.step("b")
    which = [a]

    @app.saga
    async def waiting(saga: Saga) -> str:
        await which[0](1)
        _, word = await saga.gather(saga.sleep(100), saga.wait_for("word", str))
        return word

    async with in_memory(app) as bench:
        handle = await waiting.enqueue()
        await bench.drain()
        which[:] = [b]
        await handle.signal("word", "kept")
        assert await drained(bench, handle) == "mismatched"
        bench.clock.advance(100)
        await bench.drain()
        which[:] = [a]
        await handle.resume()
        assert await drained(bench, handle) == "succeeded"
        assert await handle.result() == "kept"


async def running(app: Workhorse, stage: Stage, bench: Bench) -> SagaHandle[int]:
    saga, _ = deploying(app, stage)
    handle: SagaHandle[int] = await saga.enqueue()  # type: ignore[attr-defined]
    assert await drained(bench, handle) == "waiting"
    return handle


async def lines(app: Workhorse, id: str) -> list[tuple[str, bytes]]:
    store = (await app.engine()).store
    assert store is not None
    return [(key, value) for key, value, _ in await store.scan(keys.journal(id))]


@pytest.mark.parametrize("which", [0, 1])
async def test_a_lost_line_of_the_journal_stops_the_saga(app: Workhorse, stage: Stage, which: int) -> None:
    async with in_memory(app) as bench:
        handle = await running(app, stage, bench)
        store = (await app.engine()).store
        assert store is not None
        key, value = (await lines(app, handle.id))[which]
        await store.delete({key: None})
        bench.clock.advance(10)
        assert await drained(bench, handle) == "mismatched"
        with pytest.raises(SagaMismatch, match="is lost"):
            await handle.result()
        assert stage.told == ["a 1", "b 2"]
        await store.put([Put(key, value)])
        await handle.resume()
        assert await drained(bench, handle) == "succeeded", "its wake-up came while nobody could read what it was for"
        assert stage.told == ["a 1", "b 2", "c 3"]


async def test_a_saga_that_is_mended_before_its_time_sleeps_the_rest_of_it(app: Workhorse, stage: Stage) -> None:
    async with in_memory(app) as bench:
        handle = await running(app, stage, bench)
        store = (await app.engine()).store
        assert store is not None
        key, value = (await lines(app, handle.id))[0]
        await store.delete({key: None})
        await handle.resume()
        assert await drained(bench, handle) == "mismatched"
        await store.put([Put(key, value)])
        bench.clock.advance(4)
        await handle.resume()
        assert await drained(bench, handle) == "waiting"
        bench.clock.advance(5.9)
        assert await drained(bench, handle) == "waiting"
        bench.clock.advance(0.1)
        assert await drained(bench, handle) == "succeeded"


async def test_a_job_that_was_deleted_while_its_saga_could_not_be_read_is_missed_later(app: Workhorse) -> None:
    @app.task(queue="nobody")
    async def child() -> None: ...

    @app.saga(queue="here")
    async def parent(saga: Saga) -> None:
        await saga.call(child.options(delay=1000))

    async with in_memory(app) as bench:
        handle = await parent.enqueue()
        engine = await app.engine()
        assert engine.store is not None
        assert engine.inspector is not None
        assert await drained(bench, handle) == "waiting"
        ((key, value),) = (await lines(app, handle.id))[:1]
        await engine.store.delete({key: None})
        await engine.inspector.delete(Filter(queue="nobody"))
        bench.clock.advance(60)
        assert await drained(bench, handle) == "mismatched"
        await engine.store.put([Put(key, value)])
        await handle.resume()
        assert await drained(bench, handle) == "waiting"
        bench.clock.advance(60)
        assert await drained(bench, handle) == "compensated"
        with pytest.raises(JobFailed, match="JobNotFound"):
            await handle.result()


@pytest.mark.parametrize("harm", [lambda text: text[:-2], lambda text: text.replace(b'"a"', b'"b"'), lambda text: b""])
async def test_a_corrupt_line_of_the_journal_stops_the_saga(app: Workhorse, stage: Stage, harm: object) -> None:
    async with in_memory(app) as bench:
        handle = await running(app, stage, bench)
        store = (await app.engine()).store
        assert store is not None
        key, value = (await lines(app, handle.id))[0]
        await store.put([Put(key, harm(value))])  # type: ignore[operator]
        bench.clock.advance(10)
        assert await drained(bench, handle) == "mismatched"
        with pytest.raises(SagaMismatch, match="not as they were written"):
            await handle.result()
        assert stage.told == ["a 1", "b 2"]


# ---- versions


async def test_a_running_saga_ends_with_the_version_it_began_with(app: Workhorse, stage: Stage) -> None:
    a, b = stage.step("a"), stage.step("b")

    @app.saga(name="order")
    async def first(saga: Saga) -> int:
        await saga.sleep(10)
        return await a(1)

    async with in_memory(app) as bench:
        old = await first.enqueue()
        await bench.drain()

        @app.saga(name="order", version=2)
        async def second(saga: Saga) -> int:
            return await b(2)

        new = await second.enqueue()
        assert await drained(bench, new) == "succeeded"
        bench.clock.advance(10)
        assert await drained(bench, old) == "succeeded"
        assert stage.told == ["b 2", "a 1"]


async def test_two_sagas_of_one_name_and_version_are_an_error(app: Workhorse) -> None:
    async def one(saga: Saga) -> None: ...

    app.saga(name="order", version=2)(one)
    app.saga(name="order", version=1)(one)
    for version in (1, 2):
        with pytest.raises(DeclarationError, match="two tasks are named 'order'"):
            app.saga(name="order", version=version)(one)
    with pytest.raises(DeclarationError, match="two tasks are named 'order'"):

        @app.task(name="order")
        async def task() -> None: ...


async def test_an_older_worker_hands_the_turn_back_and_a_newer_one_needs_both(stage: Stage) -> None:
    def service(*versions: int) -> Workhorse:
        app = Workhorse("memory://rolling", name="shop")
        a = stage.step("a")

        async def order(saga: Saga) -> int:
            await saga.wait_for("go", bool)
            return await a(1)

        for version in versions:
            app.saga(name="order", version=version)(order)
        return app

    from workhorse.testing import drain

    newer, older, newest = service(1, 2), service(1), service(3)
    async with newer, older, newest:
        handle: SagaHandle[int] = await newer.registry.find("order").enqueue()  # type: ignore[assignment]
        await drain(newer)
        await handle.signal("go", True)
        await drain(older)
        assert await handle.status() == "waiting"
        assert stage.told == []
        await newer.sagas.resume(handle.id)
        await drain(newest)
        with pytest.raises(SagaMismatch, match="began with version 2, and only version 3 is known here"):
            await handle.result()
