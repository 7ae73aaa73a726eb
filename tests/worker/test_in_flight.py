"""Verbs that are under way when their caller must go: their answers are waited for, and nothing that they brought is lost."""

import asyncio

import pytest

from faulty_engine import lined, turns
from workhorse import Workhorse
from workhorse.engine import Row
from workhorse.testing.faults import Away, Call, Fault, Late, Nemesis, Script, Stalled


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch) -> Script:
    return lined(monkeypatch, Script())


@pytest.fixture
def app() -> Workhorse:
    app = Workhorse("memory://", name="shop")

    @app.task(name="tell")
    async def tell(what: str = "") -> str:
        return what

    return app


class Gate:
    """Where one call waits: `reached` says that it is there, `open` lets it through."""

    def __init__(self) -> None:
        self._there, self._open = asyncio.Event(), asyncio.Event()

    async def wait(self) -> None:
        self._there.set()
        await self._open.wait()

    async def reached(self) -> None:
        async with asyncio.timeout(20):
            await self._there.wait()

    def open(self) -> None:
        self._open.set()


async def row(app: Workhorse, id: str) -> Row:
    inspector = (await app.engine()).inspector
    assert inspector is not None
    found = await inspector.show(id)
    assert found is not None
    return found


@pytest.mark.parametrize("way", ["stopped", "cancelled", "cancelled twice"])
async def test_a_claim_under_way_at_shutdown_is_waited_for_and_what_it_brought_is_handed_back(
    app: Workhorse, line: Script, way: str
) -> None:
    gate = Gate()
    async with app:
        job = await app.enqueue(app.job("tell"))
        line.next("claim", Late(gate.wait))
        worker = app.worker(signals=())
        working = asyncio.create_task(worker.run())
        await gate.reached()
        for _ in range({"stopped": 0, "cancelled": 1, "cancelled twice": 2}[way]):
            working.cancel()
            await asyncio.sleep(0)
        if way == "stopped":
            worker.stop()
        await asyncio.sleep(0)
        assert not working.done()
        gate.open()
        await asyncio.gather(working, return_exceptions=True)
        found = await row(app, job.id)
        assert (found.status, found.job.attempt, found.crashes) == ("ready", 1, 0)


async def test_a_run_that_is_cancelled_while_the_engine_is_away_ends(app: Workhorse, line: Script) -> None:
    async with app:
        line.always(Away(), "claim")
        working = asyncio.create_task(app.worker(signals=()).run())
        await turns(lambda: line.calls.count("claim") == 2)
        working.cancel()
        async with asyncio.timeout(20):
            with pytest.raises(asyncio.CancelledError):
                await working


async def test_a_settle_under_way_when_its_worker_is_cancelled_is_waited_for_and_not_sent_again(
    app: Workhorse, line: Script
) -> None:
    gate = Gate()
    async with app:
        job = await app.enqueue(app.job("tell", "done"))
        line.next("settle", Stalled(gate.wait))
        working = asyncio.create_task(app.worker(signals=()).run())
        await gate.reached()
        working.cancel()
        await asyncio.sleep(0)
        gate.open()
        await asyncio.gather(working, return_exceptions=True)
        assert (await row(app, job.id)).status == "succeeded"
        assert line.calls.count("settle") == 1


async def test_a_publish_whose_caller_is_cancelled_goes_on(app: Workhorse, line: Script) -> None:
    gate = Gate()
    async with app:
        made = [app.job("tell"), app.job("tell")]
        line.next("publish", Stalled(gate.wait))
        enqueueing = asyncio.create_task(app.enqueue_many(made))
        await gate.reached()
        enqueueing.cancel()
        await asyncio.gather(enqueueing, return_exceptions=True)
        gate.open()
        inspector = (await app.engine()).inspector
        assert inspector is not None
        await turns(lambda: line.calls.count("publish") == 1)
        for job in made:
            while await inspector.show(job.id) is None:
                await asyncio.sleep(0)
        assert line.calls.count("publish") == 1


class Batches(Nemesis):
    """Remembers which jobs went together."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[int] = []

    def choose(self, call: Call) -> Fault | None:
        if call.verb == "publish":
            self.batches.append(len(call.arguments[0]))
        return None


async def test_a_job_whose_id_was_given_is_not_published_together_with_strangers(
    app: Workhorse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another's open transaction may hold the id, and with it whoever goes along."""
    line = Batches()
    lined(monkeypatch, line)
    tell = app.registry.find("tell")
    async with app:
        strangers = [tell.enqueue(f"{n}") for n in range(5)]
        given = [tell.options(id=f"given-{n}").enqueue() for n in range(2)]
        await asyncio.gather(*strangers[:3], *given, *strangers[3:])
    assert sorted(line.batches) == [1, 1, 5]
