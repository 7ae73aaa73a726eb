"""Workers that die, hang or wake late: a step runs again only while its outcome is unknown, and of two turns one goes on."""

import asyncio
from typing import Any

import pytest

from sagas import ONCE, Stage, drained
from workhorse import Fixed, JobCancelled, JobFailed, Retry, Saga, Workhorse, step
from workhorse.core.contract import Claim
from workhorse.durable.sagas import keys
from workhorse.durable.sagas.log import Log
from workhorse.testing import Bench, in_memory


@pytest.fixture
def app() -> Workhorse:
    return Workhorse("memory://sagas", name="here")


@pytest.fixture
def stage() -> Stage:
    return Stage()


class Frozen:
    """A step that stands still at its first run until it is told to go on; later runs go through."""

    def __init__(self) -> None:
        self.reached, self.thawed = asyncio.Event(), asyncio.Event()
        self.runs = 0

    async def __call__(self) -> None:
        self.runs += 1
        if self.runs == 1:
            self.reached.set()
            await self.thawed.wait()


async def frozen_worker(app: Workhorse, frozen: Frozen) -> "asyncio.Task[Any]":
    """It holds the saga's turn, and stands in the middle of a step."""
    task = asyncio.create_task(app.worker(max_jobs=1, burst=True, signals=()).run())
    await frozen.reached.wait()
    return task


async def claims(app: Workhorse, bench: Bench, times: int) -> None:
    """So many workers die under what is due."""
    broker = (await app.engine()).broker
    assert broker is not None
    for _ in range(times):
        held: list[Claim] = await broker.claim(["here"], 10, 5)
        assert held
        bench.clock.advance(6)


async def test_a_frozen_worker_that_wakes_late_runs_no_other_step(app: Workhorse, stage: Stage) -> None:
    a, b, c = (stage.step(name) for name in "abc")
    frozen = Frozen()
    hold = step(frozen, name="hold")

    @app.saga
    async def three(saga: Saga) -> int:
        await a(1)
        await hold()
        await b(2)
        return await c(3)

    async with in_memory(app) as bench:
        handle = await three.enqueue()
        late = await frozen_worker(app, frozen)
        bench.clock.advance(31)
        assert await drained(bench, handle) == "succeeded"
        assert (stage.told, frozen.runs) == (["a 1", "b 2", "c 3"], 2)
        frozen.thawed.set()
        await late
        assert stage.told == ["a 1", "b 2", "c 3"]
        assert await handle.status() == "succeeded"
        assert await handle.result() == 30


async def test_a_frozen_undo_that_wakes_late_undoes_nothing_else(app: Workhorse, stage: Stage) -> None:
    a = stage.step("a")
    frozen = Frozen()

    async def bad() -> None:
        raise ValueError("no")

    @app.saga
    async def failing(saga: Saga) -> None:
        await a(1)
        await step(bad, undo=frozen, retry=ONCE)()

    async with in_memory(app) as bench:
        handle = await failing.enqueue()
        late = await frozen_worker(app, frozen)
        bench.clock.advance(31)
        assert await drained(bench, handle) == "compensated"
        frozen.thawed.set()
        await late
        assert stage.told == ["a 1", "un-a 1 10"]
        assert frozen.runs == 2


async def test_a_step_of_unknown_outcome_runs_again_with_the_same_arguments_and_key(app: Workhorse) -> None:
    seen: list[tuple[int, str]] = []
    frozen = Frozen()

    @step
    async def charge(amount: int, *, key: str) -> None:
        seen.append((amount, key))
        await frozen()

    @app.saga
    async def paying(saga: Saga) -> None:
        await charge(5, key=saga.idempotency_key)

    async with in_memory(app) as bench:
        handle = await paying.enqueue()
        late = await frozen_worker(app, frozen)
        bench.clock.advance(31)
        assert await drained(bench, handle) == "succeeded"
        frozen.thawed.set()
        await late
        assert len(seen) == 2
        assert len(set(seen)) == 1


async def test_after_too_many_crashes_the_step_has_failed_for_good(
    app: Workhorse, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    a = stage.step("a")
    frozen = Frozen()

    async def unhold() -> None:
        stage.say("unhold")

    @app.saga(max_crashes=3)
    async def poisoned(saga: Saga) -> None:
        await a(1)
        await step(frozen, undo=unhold, name="hold")()

    async with in_memory(app) as bench:
        handle = await poisoned.enqueue()
        late = await frozen_worker(app, frozen)
        bench.clock.advance(31)
        await claims(app, bench, 2)
        assert await drained(bench, handle) == "compensated"
        assert (stage.told, frozen.runs) == (["a 1", "unhold", "un-a 1 10"], 1)
        with pytest.raises(JobFailed, match="Crashed: 3 workers died or hung under it"):
            await handle.result()
        frozen.thawed.set()
        await late


async def test_an_undo_under_which_too_many_workers_died_stops_the_saga(app: Workhorse, stage: Stage) -> None:
    frozen = Frozen()

    async def bad() -> None:
        raise ValueError("no")

    @app.saga(max_crashes=2)
    async def poisoned(saga: Saga) -> None:
        await step(bad, undo=frozen, retry=ONCE)()

    async with in_memory(app) as bench:
        handle = await poisoned.enqueue()
        late = await frozen_worker(app, frozen)
        bench.clock.advance(31)
        await claims(app, bench, 1)
        assert await drained(bench, handle) == "compensation_failed"
        await handle.resume()
        assert await drained(bench, handle) == "compensated"
        frozen.thawed.set()
        await late
        assert await handle.status() == "compensated"


async def test_the_undo_that_workers_died_under_is_blamed_also_in_its_second_attempt(
    app: Workhorse, stage: Stage
) -> None:
    """Not the step before it, and not one that has no undo."""
    frozen, a = Frozen(), stage.step("a")

    async def keep() -> None: ...

    async def clinging() -> None:
        stage.say("clinging")
        await frozen()

    stage.fails["clinging"] = 1

    @app.saga(max_crashes=2)
    async def poisoned(saga: Saga) -> None:
        await a(1)
        made = step(keep, name="held")
        made.undo(retry=Retry(1, Fixed(1)))(clinging)
        await made()
        await step(keep, name="kept")()
        raise ValueError("no")

    async with in_memory(app) as bench:
        handle = await poisoned.enqueue()
        assert await drained(bench, handle) == "compensating"
        bench.clock.advance(1)
        late = await frozen_worker(app, frozen)
        bench.clock.advance(31)
        await claims(app, bench, 1)
        assert await drained(bench, handle) == "compensation_failed"
        with pytest.raises(JobFailed, match="held: Crashed"):
            await handle.result()
        assert [it.state for it in await handle.journal()] == ["done", "undo_failed", "done"]
        await handle.resume()
        assert await drained(bench, handle) == "compensated"
        assert stage.told == ["a 1", "clinging", "clinging", "clinging", "un-a 1 10"]
        frozen.thawed.set()
        await late


async def test_a_saga_cancelled_while_workers_die_under_its_step_is_undone(app: Workhorse, stage: Stage) -> None:
    """They died doing, not undoing: the undo has done nothing yet that could be blamed."""
    frozen = Frozen()

    async def unhold() -> None:
        stage.say("unhold")

    @app.saga(max_crashes=2)
    async def poisoned(saga: Saga) -> None:
        await step(frozen, undo=unhold, name="hold")()

    async with in_memory(app) as bench:
        handle = await poisoned.enqueue()
        late = await frozen_worker(app, frozen)
        bench.clock.advance(31)
        await claims(app, bench, 1)
        assert await handle.cancel()
        assert await drained(bench, handle) == "compensated"
        assert stage.told == ["unhold"]
        with pytest.raises(JobCancelled):
            await handle.result()
        frozen.thawed.set()
        await late


async def test_code_that_kills_whoever_asks_it_ends_when_there_is_nothing_to_undo(app: Workhorse) -> None:
    @app.saga(max_crashes=2)
    async def deadly(saga: Saga) -> None:
        raise AssertionError("its workers are dead before they come here")

    async with in_memory(app) as bench:
        handle = await deadly.enqueue()
        await claims(app, bench, 2)
        await app.worker(
            max_jobs=1, burst=True, signals=()
        ).run()  # that it is undone is written down by a turn of its own
        await claims(app, bench, 2)
        assert await drained(bench, handle) == "compensated"
        with pytest.raises(JobFailed, match="Crashed"):
            await handle.result()


async def test_crashes_before_anything_was_begun_fail_the_saga(app: Workhorse, stage: Stage) -> None:
    a = stage.step("a")

    @app.saga(max_crashes=2)
    async def unlucky(saga: Saga) -> None:
        await a(1)

    async with in_memory(app) as bench:
        handle = await unlucky.enqueue()
        await claims(app, bench, 2)
        assert await drained(bench, handle) == "compensated"
        assert stage.told == []
        with pytest.raises(JobFailed, match="Crashed"):
            await handle.result()


@pytest.mark.parametrize("at", range(1, 6))
async def test_a_turn_that_is_handed_back_at_any_write_goes_on_from_there(
    app: Workhorse, stage: Stage, at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker is told to stop at once while this line is being written."""
    a, b, c, d = (stage.step(name) for name in "abcd")
    put, count = Log._put, [0]
    worker = app.worker(burst=True, signals=(), grace=0)

    async def stopping(self: Log, line: Any) -> bool:
        count[0] += 1
        done = await put(self, line)
        if count[0] == at:
            worker.stop()
            worker.stop()
            await asyncio.sleep(0)
        return done

    monkeypatch.setattr(Log, "_put", stopping)

    @app.saga
    async def four(saga: Saga) -> int:
        return await a(1) + await b(2) + await c(3) + await d(4)

    async with in_memory(app) as bench:
        handle = await four.enqueue()
        worker = app.worker(burst=True, signals=(), grace=0)
        await worker.run()
        assert await drained(bench, handle) == "succeeded"
        assert await handle.result() == 100
        assert sorted(set(stage.told)) == ["a 1", "b 2", "c 3", "d 4"]


async def test_a_running_step_is_told_of_a_cancel_and_undone(app: Workhorse, stage: Stage) -> None:
    frozen = Frozen()

    async def unhold() -> None:
        stage.say("unhold")

    @app.saga
    async def long(saga: Saga) -> None:
        await step(frozen, undo=unhold, name="hold")()

    async with in_memory(app):
        handle = await long.enqueue()
        work = asyncio.create_task(app.worker(burst=True, signals=(), lease=0.3).run())
        await frozen.reached.wait()
        assert await handle.status() == "running"
        assert await handle.cancel()
        await work
        assert await handle.status() == "compensated"
        assert stage.told == ["unhold"]


async def test_an_ended_saga_is_kept_for_a_while_and_then_forgotten_whole(app: Workhorse, stage: Stage) -> None:
    a = stage.step("a")

    @app.saga
    async def short(saga: Saga) -> int:
        await saga.wait_for("go", bool)
        return await a(1)

    async with in_memory(app) as bench:
        handle = await short.options(id="mine").enqueue()
        await handle.signal("go", True)
        await handle.signal("more", True)
        assert await drained(bench, handle) == "succeeded"
        again = await short.options(id="mine").enqueue()
        assert await drained(bench, again) == "succeeded"
        assert stage.told == ["a 1"]
        bench.clock.advance(3601)
        await bench.drain()
        store = (await app.engine()).store
        assert store is not None
        for prefix in (keys.head("mine"), keys.signals("mine"), keys.cancel("mine"), keys.calls("mine")):
            assert await store.scan(prefix) == []


async def test_a_late_wake_up_of_an_earlier_saga_of_the_same_id_wakes_nobody(app: Workhorse, stage: Stage) -> None:
    a = stage.step("a")
    waits: list[float] = [200_000.0, 400_000.0]

    @app.saga(result_ttl=0)
    async def napping(saga: Saga) -> int:
        if await saga.wait_for("go", bool, timeout=waits[0]):
            return 0
        return await a(1)

    async with in_memory(app) as bench:
        handle = await napping.options(id="mine").enqueue()
        await bench.drain()
        await handle.signal("go", True)
        assert await drained(bench, handle) == "succeeded"
        bench.clock.advance(100_000)
        await bench.drain()
        waits.reverse()
        handle = await napping.options(id="mine").enqueue()
        assert await drained(bench, handle) == "waiting"
        bench.clock.advance(150_000)
        assert await drained(bench, handle) == "waiting"
        assert stage.told == []
        bench.clock.advance(300_000)
        assert await drained(bench, handle) == "succeeded"
        assert stage.told == ["a 1"]
