"""Races of workers with their engine, their loop, their tasks and themselves: each was lost once."""

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from waiting import until
from workhorse import Counts, Fixed, Retry, Workhorse
from workhorse.core.contract import Claim, Envelope, Outcome, Put, Released
from workhorse.core.instrument import Bus
from workhorse.core.loops import new_loop
from workhorse.engine import Engine
from workhorse.engines import open_engine
from workhorse.errors import BrokerUnavailable, EngineRefused, WorkhorseError
from workhorse.testing import drain
from workhorse.worker import link, presence, slots
from workhorse.worker import supervisor as supervising
from workhorse.worker.deadlines import Deadlines
from workhorse.worker.leases import GRACE, Leases
from workhorse.worker.link import SharedBudget
from workhorse.worker.presence import Presence, State
from workhorse.worker.runner import Runner
from workhorse.worker.running import Running


@pytest.fixture
def app() -> Workhorse:
    made = Workhorse("memory://", name="q", retry=Retry(0))

    @made.task(name="quick")
    async def quick() -> int:
        return 1

    return made


def keeping_leases() -> bool:
    return any(thread.name == "workhorse-leases" for thread in threading.enumerate())


def running(id: str) -> Running:
    return Running(Claim(Envelope(id, "t", b"{}", queue="q"), "1.1"))


# ---- slots


@pytest.mark.parametrize("swallowed", [True, False])
async def test_a_task_that_cancels_itself_does_not_take_its_slot_with_it(app: Workhorse, swallowed: bool) -> None:
    @app.task(name="selfish")
    async def selfish() -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            if not swallowed:
                raise

    async with app, asyncio.timeout(20):
        await app.enqueue(app.registry.find("selfish").job())
        await app.enqueue(app.registry.find("quick").job())
        counts = await app.worker(concurrency=1, burst=True, signals=()).run()
    assert (counts.succeeded, counts.dead, counts.released) == ((2, 0, 0) if swallowed else (1, 1, 0))


async def test_a_mistake_of_the_worker_costs_no_slot(app: Workhorse, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare, calls = Runner.prepare, list[str]()

    def mistaken(self: Runner, claim: Claim) -> object:
        calls.append(claim.job.id)
        if len(calls) == 1:
            raise KeyError("a mistake")
        return prepare(self, claim)

    monkeypatch.setattr(Runner, "prepare", mistaken)
    async with app, asyncio.timeout(20):
        await app.enqueue_many(app.registry.find("quick").job() for _ in range(2))
        counts = await app.worker(concurrency=1, burst=True, signals=()).run()
    assert (counts.released, counts.succeeded) == (1, 1)


async def test_what_was_claimed_ahead_goes_back_when_no_slot_comes_free(
    app: Workhorse, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, began, back = asyncio.Event(), asyncio.Event(), asyncio.Event()

    @app.task(name="long")
    async def long() -> None:
        began.set()
        await gate.wait()

    def ahead(self: slots.Slots, *args: Any) -> None:
        make(self, *args)
        self._ahead = 20

    make = slots.Slots.__init__
    monkeypatch.setattr(slots.Slots, "__init__", ahead)
    monkeypatch.setattr(slots, "REACH", 3600)
    async with app, asyncio.timeout(20):
        broker = (await app.engine()).broker
        assert broker is not None
        settle = broker.settle

        async def settling(outcomes: Sequence[Outcome]) -> list[tuple[Outcome, str]]:
            if sum(isinstance(outcome, Released) for outcome in outcomes) == 5:
                back.set()
            return await settle(outcomes)

        monkeypatch.setattr(broker, "settle", settling)
        await app.enqueue(app.registry.find("long").job())
        await app.enqueue_many(app.registry.find("quick").job() for _ in range(5))
        worker = app.worker(concurrency=1, signals=())
        working = asyncio.create_task(worker.run())
        await began.wait()
        await back.wait()
        worker.stop()
        gate.set()
        assert (await working).released == 5


async def test_a_hanging_thread_in_the_last_slot_does_not_keep_max_jobs_from_its_end(app: Workhorse) -> None:
    gate = threading.Event()

    @app.task(name="hang", timeout=0.05)
    def hang() -> None:
        gate.wait(60)

    async with app, asyncio.timeout(20):
        await app.enqueue(app.registry.find("hang").job())
        counts = await app.worker(concurrency=1, max_jobs=1, signals=()).run()
        gate.set()
    assert counts.dead == 1


# ---- settling


async def test_an_engine_that_refuses_for_a_while_does_not_make_dead_letters_of_successes(
    app: Workhorse, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with app, asyncio.timeout(20):
        broker = (await app.engine()).broker
        assert broker is not None
        settle, calls = broker.settle, list[int]()

        async def settling(outcomes: Sequence[Outcome]) -> list[tuple[Outcome, str]]:
            calls.append(len(outcomes))
            if len(calls) < 3:
                raise EngineRefused("the disk is read-only")
            return await settle(outcomes)

        monkeypatch.setattr(broker, "settle", settling)
        handles = await app.enqueue_many(app.registry.find("quick").job() for _ in range(3))
        counts = await drain(app)
        assert (counts.succeeded, counts.dead) == (3, 0)
        assert [await handle.result(timeout=1) for handle in handles] == [1, 1, 1]


# ---- the end


async def test_run_cancelled_twice_extends_no_lease_any_more(database_url: str) -> None:
    app = Workhorse(database_url, name="q", retry=Retry(0))
    gate, began, told = asyncio.Event(), asyncio.Event(), asyncio.Event()

    @app.task(name="stubborn")
    async def stubborn() -> None:
        began.set()
        while not gate.is_set():
            try:
                await gate.wait()
            except asyncio.CancelledError:
                told.set()

    async with app, asyncio.timeout(20):
        await stubborn.enqueue()
        working = asyncio.create_task(app.worker(signals=()).run())
        await began.wait()
        working.cancel()
        await told.wait()
        working.cancel()
        await asyncio.wait([working])
        gate.set()
        await asyncio.to_thread(until, lambda: not keeping_leases(), 10)


@pytest.mark.parametrize("loop", [new_loop, asyncio.new_event_loop])
def test_a_loop_that_ends_under_a_worker_hands_its_jobs_back(
    database_url: str, loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    app = Workhorse(database_url, name="q", retry=Retry(0))

    @app.task(name="long")
    async def long() -> None:
        began.set()
        await asyncio.sleep(3600)

    async def leave_it_behind() -> None:
        nonlocal working
        await long.enqueue()
        working = asyncio.create_task(app.worker(signals=()).run())
        await began.wait()

    async def again() -> list[Claim]:
        broker = (await app.engine()).broker
        assert broker is not None
        claims = await broker.claim(["q"], 10, 30)
        await app.close()
        return claims

    working: asyncio.Task[object] | None = None
    began = asyncio.Event()
    run_on(loop, leave_it_behind())
    (claim,) = run_on(loop, again())
    assert claim.crashes == 0
    until(lambda: not keeping_leases(), 10)


def run_on(loop: Callable[[], asyncio.AbstractEventLoop], work: Coroutine[Any, Any, Any]) -> Any:
    with asyncio.Runner(loop_factory=loop) as runner:
        return runner.run(work)


def test_signals_that_cannot_be_had_leave_no_thread_behind(app: Workhorse) -> None:
    raised: list[BaseException] = []

    async def work() -> None:
        async with app:
            await app.worker(signals=[15]).run()

    def elsewhere() -> None:
        try:
            asyncio.run(work())
        except RuntimeError as error:
            raised.append(error)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join(20)
    assert raised
    until(lambda: not keeping_leases(), 10)


async def test_a_worker_that_has_ended_is_not_ready(app: Workhorse) -> None:
    worker = app.worker(burst=True, signals=())
    async with app:
        await worker.run()
    assert not worker.ready
    assert worker.healthy


async def test_leaving_does_not_wait_for_an_engine_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    class Away:
        async def put(self, puts: Sequence[Put]) -> list[int | None]:
            raise BrokerUnavailable("away")

        async def delete(self, keys: object) -> list[bool]:
            await asyncio.Event().wait()
            return []

    away: Any = Away()
    monkeypatch.setattr(presence, "LEAVING", 0.01)
    async with asyncio.timeout(10), Presence(away, "w", ["q"], 1, 60, lambda: State(0, 0, 0, [], {})):
        pass


# ---- bursts and budgets


async def test_a_burst_outlives_a_wait_that_fails(app: Workhorse, monkeypatch: pytest.MonkeyPatch) -> None:
    @app.task(name="again", retry=Retry(1, Fixed(0.2)))
    async def again() -> None:
        raise ValueError("no")

    async with app, asyncio.timeout(20):
        broker = (await app.engine()).broker
        assert broker is not None
        wait, calls = broker.wait, list[float]()

        async def waiting(queues: Sequence[str], limit: int, timeout: float) -> None:
            calls.append(timeout)
            if len(calls) == 1:
                raise BrokerUnavailable("away for a moment")
            await wait(queues, limit, timeout)

        monkeypatch.setattr(broker, "wait", waiting)
        await again.enqueue()
        counts = await drain(app)
    assert (counts.retried, counts.dead) == (1, 1)


async def test_a_burst_claims_what_a_settle_admitted_while_it_claimed(
    app: Workhorse, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with app, asyncio.timeout(20):
        broker, settled, claims = (await app.engine()).broker, asyncio.Event(), list[int]()
        assert broker is not None
        claim, settle = broker.claim, broker.settle

        async def claiming(queues: Sequence[str], limit: int, lease: float) -> list[Claim]:
            claims.append(limit)
            if len(claims) != 2:
                return await claim(queues, limit, lease)
            await settled.wait()  # it looked before the settle, and its answer comes after the settle's
            for _ in range(10):
                await asyncio.sleep(0)
            return []

        async def settling(outcomes: Sequence[Outcome]) -> list[tuple[Outcome, str]]:
            answers = await settle(outcomes)
            if not settled.is_set():
                await app.enqueue(app.job("quick"))
            settled.set()
            return answers

        monkeypatch.setattr(broker, "claim", claiming)
        monkeypatch.setattr(broker, "settle", settling)
        await app.enqueue(app.job("quick"))
        counts = await drain(app)
    assert counts.succeeded == 2


def test_who_dies_inside_the_shared_budget_does_not_hold_it_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "PATIENCE", 0.05)
    context = get_context("spawn")
    left = context.Value("q", 10, lock=context.Lock())
    left.get_lock().acquire()  # by a process that was killed
    budget = SharedBudget(left)
    assert budget.take(4) == 4
    budget.give_back(1)
    assert budget.take(100) == 7


# ---- leases


async def test_a_job_is_told_once_that_it_is_cancelled() -> None:
    job, cleaned = running("a"), asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            for _ in range(3):
                await asyncio.sleep(0)
            cleaned.set()

    job.call = asyncio.create_task(work())
    await asyncio.sleep(0)
    for _ in range(5):
        job.interrupt("cancelled")
        await asyncio.sleep(0)
    await asyncio.wait_for(cleaned.wait(), 10)


async def test_leases_are_kept_although_the_first_link_cannot_be_had(
    app: Workhorse, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, kept, tries = asyncio.Event(), asyncio.Event(), list[str]()
    loop = asyncio.get_running_loop()

    @app.task(name="long")
    async def long() -> None:
        await gate.wait()

    def flaky(url: str) -> Engine:
        tries.append(url)
        if len(tries) == 1:
            raise OSError(24, "Too many open files")
        engine = open_engine(url)
        assert engine.broker is not None
        extend = engine.broker.extend

        async def extending(claims: Sequence[Claim], lease: float) -> Any:
            answers = await extend(claims, lease)
            loop.call_soon_threadsafe(kept.set)
            return answers

        monkeypatch.setattr(engine.broker, "extend", extending)
        return engine

    async with app, asyncio.timeout(20):
        await app.engine()
        monkeypatch.setattr("workhorse.app.places.open_engine", flaky)
        await long.enqueue()
        worker = app.worker(lease=0.6, signals=())
        working = asyncio.create_task(worker.run())
        await kept.wait()
        gate.set()
        worker.stop()
        assert (await working).succeeded == 1


async def test_what_has_ended_is_kept_past_its_deadline_until_it_is_settled() -> None:
    extended, loop = asyncio.Event(), asyncio.get_running_loop()
    seen: list[str] = []

    class Fake:
        async def open(self) -> None: ...
        async def close(self) -> None: ...

        async def extend(self, claims: Sequence[Claim], lease: float) -> list[str]:
            seen.extend(claim.job.id for claim in claims)
            loop.call_soon_threadsafe(extended.set)
            return ["kept"] * len(claims)

    fake: Any = Fake()
    fake.broker = fake
    leases = Leases(0.3, lambda: fake, lambda running, why: None)
    ended, late = running("ended"), running("late")
    ended.ended = True
    ended.late = late.late = time.monotonic() - GRACE - 1
    leases.hold(ended)
    leases.hold(late)
    leases.start()
    try:
        await asyncio.wait_for(extended.wait(), 10)
    finally:
        leases.stop()
    assert set(seen) == {"ended"}


async def test_who_was_told_to_stop_and_goes_on_is_still_ended_by_its_time_out() -> None:
    ended = asyncio.Event()

    class Call:
        def cancel(self, why: str) -> None:
            assert why == "late"
            ended.set()

    stubborn = running("stubborn")
    call: Any = Call()
    stubborn.began, stubborn.call, stubborn.why = time.monotonic(), call, "cancelled"
    deadlines = Deadlines([stubborn])
    deadlines.watch(stubborn, 0.01)
    try:
        await asyncio.wait_for(ended.wait(), 10)
    finally:
        deadlines.close()
    assert stubborn.why == "late"


# ---- the app's engines and its portal


async def test_a_cancelled_first_caller_takes_nobody_with_it(database_url: str) -> None:
    app = Workhorse(database_url, name="q")
    first, second = asyncio.create_task(app.engine()), asyncio.create_task(app.engine())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    first.cancel()
    async with asyncio.timeout(20):
        await asyncio.wait([first, second])
    assert first.cancelled()
    assert await app.engine() is second.result()
    await app.close()


def test_loops_that_come_and_go_in_many_threads_do_not_trip_over_each_other(database_url: str) -> None:
    app = Workhorse(database_url, name="q")
    raised: list[BaseException] = []

    async def once() -> None:
        await app.engine()

    def often() -> None:
        try:
            for _ in range(10):
                asyncio.run(once())
        except BaseException as error:
            raised.append(error)

    threads = [threading.Thread(target=often) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert raised == []


def test_closing_the_app_ends_what_other_threads_wait_for(tmp_path: Path) -> None:
    app = Workhorse(f"sqlite:///{tmp_path}/jobs.db", name="q")
    begun, raised = threading.Event(), list[BaseException]()

    async def for_ever() -> None:
        begun.set()
        await asyncio.Event().wait()

    def elsewhere() -> None:
        try:
            app.run(for_ever())
        except WorkhorseError as error:
            raised.append(error)

    thread = threading.Thread(target=elsewhere, daemon=True)
    thread.start()
    assert begun.wait(20)
    asyncio.run(app.close())
    thread.join(20)
    assert "closed" in str(raised[0])


# ---- the supervisor


async def test_a_process_that_cannot_be_started_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[int] = []

    class Member:
        def __init__(self, *_: object) -> None:
            tries.append(len(tries))
            if len(tries) > 1:
                supervisor.stop()
            raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(supervising, "Member", Member)
    monkeypatch.setattr(supervising, "LONGEST", 0.01)
    supervisor = supervising.Supervisor(lambda link: None, 1, 1, Bus(), None, None)
    counts = await asyncio.wait_for(supervisor.run(None), 20)
    assert (len(tries), counts) == (2, Counts())
