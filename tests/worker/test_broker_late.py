"""The engine is not there yet: who works waits for it, who enqueues waits as long as he said."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest

from faulty_engine import lined, turns
from workhorse import Workhorse
from workhorse.core.happenings import BrokerBack, BrokerLost
from workhorse.core.ids import new_id
from workhorse.errors import BrokerUnavailable, EngineRefused
from workhorse.testing.faults import Away, Call, Script
from workhorse.worker.counts import Counts


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch) -> Script:
    return lined(monkeypatch, Script())


@pytest.fixture
async def app() -> Workhorse:
    app = Workhorse(f"memory://late-{new_id()}", name="late")

    @app.task(name="double")
    async def double(n: int) -> int:
        return n * 2

    return app


@dataclass(frozen=True)
class Stuck:
    """Nobody answers until it may go on."""

    go: asyncio.Event = field(default_factory=asyncio.Event)

    async def meet(self, call: Call, /) -> Any:
        await self.go.wait()
        return await call.do()


@dataclass(frozen=True)
class Silent:
    """Nobody answers, ever."""

    async def meet(self, call: Call, /) -> Any:
        await asyncio.Event().wait()


async def test_a_worker_that_is_there_before_the_engine_waits_for_it(line: Script, app: Workhorse) -> None:
    lost, back = list[BrokerLost](), list[BrokerBack]()
    app.bus.listen(BrokerLost, lost.append)
    app.bus.listen(BrokerBack, back.append)
    line.cut()
    worker = app.worker(max_jobs=1, signals=())
    working = asyncio.create_task(worker.run())
    await turns(lambda: line.calls.count("open") >= 2)
    assert (worker.ready, worker.healthy, [each.doing for each in lost]) == (False, True, ["open"])
    line.heal()
    job = await app.enqueue(app.job("double", 2))
    assert (await working).succeeded == 1
    assert await job.result() == 4
    assert len(back) == 1
    await app.close()


async def test_a_worker_that_is_stopped_before_the_engine_came_has_done_nothing(line: Script, app: Workhorse) -> None:
    line.cut()
    worker = app.worker(signals=())
    working = asyncio.create_task(worker.run())
    await turns(lambda: line.calls.count("open") >= 2)
    worker.stop()
    assert await working == Counts()


async def test_a_worker_does_not_wait_for_an_engine_that_refuses_it(line: Script, app: Workhorse) -> None:
    line.next("open", Away(), Away(EngineRefused("the schema is of a newer version")))
    with pytest.raises(EngineRefused, match="newer version"):
        await app.worker(signals=()).run()
    assert line.calls.count("open") == 2


async def test_an_enqueue_before_the_engine_is_there_waits_and_goes_on(line: Script, app: Workhorse) -> None:
    line.cut()
    enqueueing = asyncio.create_task(app.enqueue(app.job("double", 2)))
    await turns(lambda: line.calls.count("open") >= 2)
    line.heal()
    assert await (await enqueueing).status() == "ready"
    await app.close()


@pytest.mark.parametrize("fault", [Away(), Silent()], ids=["refused", "silent"])
async def test_an_enqueue_gives_up_in_its_time_and_says_which_jobs(line: Script, fault: Any) -> None:
    app = Workhorse("memory://", enqueue_timeout=0.05)
    made = [app.job("double", n) for n in range(3)]
    line.always(fault, "open")
    with pytest.raises(BrokerUnavailable, match=rf"open: .*; job {made[0].id} may be enqueued again: same id") as one:
        await app.enqueue(made[0])
    assert one.value.jobs == (made[0],)
    with pytest.raises(BrokerUnavailable) as many:
        await app.enqueue_many(iter(made))
    assert many.value.jobs == tuple(made)


async def test_a_worker_is_ready_again_as_soon_as_the_engine_answers_though_there_is_no_work(
    line: Script, app: Workhorse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workhorse.worker.worker.IDLE", 3600.0)
    worker = app.worker(signals=())
    working = asyncio.create_task(worker.run())
    await turns(lambda: line.calls.count("wait"))
    line.always(Away(), "wait")
    await app.enqueue(app.job("double", 2))  # ends the wait
    await turns(lambda: not worker.ready)
    line.heal()
    await turns(lambda: worker.ready)
    worker.stop()
    await working
    await app.close()


@pytest.mark.parametrize("verb", ["open", "claim", "settle"])
async def test_a_worker_whose_question_to_the_engine_never_ends_is_not_healthy(
    line: Script, app: Workhorse, monkeypatch: pytest.MonkeyPatch, verb: Any
) -> None:
    """Connected, and idle for ever: whoever looks at its health restarts it."""
    monkeypatch.setattr("workhorse.worker.worker.HUNG", 0.2)
    stuck = Stuck()
    await app.engine()
    await app.enqueue(app.job("double", 2))
    await app.close()
    line.always(stuck, verb)
    worker = app.worker(lease=0.2, max_jobs=1, signals=())
    working = asyncio.create_task(worker.run())
    assert worker.healthy
    await turns(lambda: not worker.healthy)
    line.heal()
    stuck.go.set()
    await turns(lambda: worker.healthy)
    assert (await working).succeeded == 1
    await app.close()
