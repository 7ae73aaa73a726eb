"""Facts beside the jobs: put before the settle, never over a later one's, and gone with the life of the job they belong to."""

import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import pytest

from workhorse.core.ids import new_id
from workhorse.durable.beside import Beside
from workhorse.engine import (
    ABSENT,
    Broker,
    Claim,
    Engine,
    EngineRefused,
    Envelope,
    Filter,
    Inspector,
    Outcome,
    Put,
    Store,
    Succeeded,
)
from workhorse.engines import open_engine
from workhorse.engines.sqlite import memory
from workhorse.testing.clock import ManualClock


class Killed(BaseException):
    """The process is gone at this point."""


@pytest.fixture
def clock() -> Iterator[ManualClock]:
    clock = ManualClock()
    yield clock
    for name in ("work", "facts"):
        memory.forget(name)


@pytest.fixture
async def engine(clock: ManualClock) -> AsyncIterator[Beside]:
    opened = make(clock)
    await opened.open()
    yield opened
    await opened.close()


def make(clock: ManualClock) -> Beside:
    for name in ("work", "facts"):
        memory.home(name, clock=clock)
    return Beside(open_engine("memory://work"), open_engine("memory://facts"))


def parts(engine: Engine) -> tuple[Broker, Store, Inspector]:
    assert engine.broker is not None
    assert engine.store is not None
    assert engine.inspector is not None
    return engine.broker, engine.store, engine.inspector


async def publish(broker: Broker, id: str = "") -> str:
    job = Envelope(id or new_id(), "count", b"{}", "shop")
    assert [answer.kind for answer in await broker.publish([job])] == ["accepted"]
    return job.id


async def claim(broker: Broker) -> Claim:
    (claim,) = await broker.claim(["shop"], 1, 30)
    return claim


def told(claim: Claim, value: bytes = b"1") -> Succeeded:
    return Succeeded(claim, [Put(f"result/{claim.job.id}", value, None, 3600)])


async def result(store: Store, id: str) -> bytes | None:
    found = (await store.get([f"result/{id}"]))[0]
    return None if found is None else found[0]


async def status(inspector: Inspector, id: str) -> str:
    row = await inspector.show(id)
    assert row is not None
    return row.status


async def test_the_facts_stand_in_the_other_store_and_nowhere_else(engine: Beside) -> None:
    broker, store, inspector = parts(engine)
    id = await publish(broker)
    assert await broker.settle([told(await claim(broker))]) == []
    assert (await result(store, id), await status(inspector, id)) == (b"1", "succeeded")
    own = open_engine("memory://work").store
    assert own is not None
    assert await result(own, id) is None


async def test_the_features_do_not_promise_what_needs_one_transaction(engine: Beside) -> None:
    broker, _, _ = parts(engine)
    assert (broker.features.transactions, broker.features.statements, engine.statements) == (False, False, None)
    assert broker.features.lanes


async def test_who_dies_between_put_and_settle_leaves_a_result_of_a_job_that_runs_again(
    engine: Beside, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker, store, inspector = parts(engine)
    id = await publish(broker)
    held = await claim(broker)
    with monkeypatch.context() as patch:
        patch.setattr("workhorse.engines.sqlite.broker.Broker.settle", killed)
        with pytest.raises(Killed):
            await broker.settle([told(held, b"first")])
    assert (await result(store, id), await status(inspector, id)) == (b"first", "running")
    clock.advance(31)
    again = await claim(broker)
    assert (again.job.id, again.crashes) == (id, 1)
    assert await broker.settle([told(again, b"second")]) == []
    assert (await result(store, id), await status(inspector, id)) == (b"second", "succeeded")


async def killed(self: object, outcomes: Sequence[Outcome], /) -> list[tuple[Outcome, str]]:
    raise Killed


async def test_a_worker_that_wakes_late_does_not_put_its_result_over_its_successors(
    engine: Beside, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker, store, _ = parts(engine)
    id = await publish(broker)
    late = await claim(broker)
    clock.advance(31)
    assert await broker.settle([told(await claim(broker), b"successor")]) == []
    outcome = told(late, b"zombie")
    assert await broker.settle([outcome]) == [(outcome, "stale")]
    assert await result(store, id) == b"successor"


async def test_nor_when_it_was_frozen_after_it_had_looked(
    engine: Beside, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its claim was still good when it asked; then its successor claimed, ran and settled, and only then its put arrived."""
    broker, store, _ = parts(engine)
    id = await publish(broker)
    late = await claim(broker)
    put, frozen = store.put, [True]

    async def thawed(puts: Sequence[Put], /) -> list[int | None]:
        if frozen.pop() if frozen else False:
            clock.advance(31)
            assert await broker.settle([told(await claim(broker), b"successor")]) == []
        return await put(puts)

    monkeypatch.setattr(store, "put", thawed)
    outcome = told(late, b"zombie")
    assert await broker.settle([outcome]) == [(outcome, "stale")]
    assert await result(store, id) == b"successor"


async def test_a_condition_that_does_not_hold_is_a_conflict_and_the_job_is_not_settled(engine: Beside) -> None:
    broker, store, inspector = parts(engine)
    id = await publish(broker)
    await store.put([Put("journal/1", b"another")])
    outcome = Succeeded(await claim(broker), [Put("journal/1", b"mine", ABSENT)])
    assert await broker.settle([outcome]) == [(outcome, "conflict")]
    assert await status(inspector, id) == "running"


async def test_the_same_settle_again_finds_its_own_writes_and_is_no_conflict(
    engine: Beside, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker, store, inspector = parts(engine)
    id = await publish(broker)
    outcome = Succeeded(await claim(broker), [Put("journal/1", b"mine", ABSENT), Put("mark", b"1"), Put("mark", b"2")])
    with monkeypatch.context() as patch:
        patch.setattr("workhorse.engines.sqlite.broker.Broker.settle", killed)
        with pytest.raises(Killed):
            await broker.settle([outcome])
    assert await broker.settle([outcome]) == []
    assert await status(inspector, id) == "succeeded"
    assert [fact and fact[0] for fact in await store.get(["journal/1", "mark"])] == [b"mine", b"2"]


async def test_an_id_that_lives_again_does_not_find_its_earlier_result(engine: Beside, clock: ManualClock) -> None:
    broker, store, _ = parts(engine)
    await publish(broker, "report")
    await broker.settle([Succeeded(await claim(broker), [Put("result/report", b"old", None, None)])])
    await publish(broker, "report")
    assert await result(store, "report") == b"old"  # it is kept: the same job
    clock.advance(90_000)
    await publish(broker, "report")
    assert await result(store, "report") is None


async def test_a_dead_letter_put_back_has_no_result_and_a_deleted_job_says_so(engine: Beside) -> None:
    broker, store, inspector = parts(engine)
    await broker.publish(
        [Envelope("letter", "count", b"{}", "shop", dead="boo"), Envelope("note", "count", b"{}", "shop")]
    )
    await store.put([Put("result/letter", b"the error")])
    assert await inspector.retry(Filter(task="count")) == 1
    assert await result(store, "letter") is None
    assert await inspector.delete(Filter(ids=["note"])) == 1
    assert await result(store, "note") == b'{"deleted":true}'


async def test_without_a_store_what_is_written_is_dropped_but_a_condition_is_refused() -> None:
    engine = Beside(open_engine("memory://"), None)
    await engine.open()
    broker, inspector = engine.broker, engine.inspector
    assert broker is not None
    assert inspector is not None
    assert engine.store is None
    first, second = await publish(broker), await publish(broker)
    claims = {claim.job.id: claim for claim in await broker.claim(["shop"], 2, 30)}
    refused = Succeeded(claims[second], [Put("journal/1", b"mine", ABSENT)])
    ((outcome, why),) = await broker.settle([told(claims[first]), refused])
    assert outcome is refused
    assert "store='none'" in why
    assert (await status(inspector, first), await status(inspector, second)) == ("succeeded", "running")
    assert await inspector.delete(Filter(ids=[second])) == 1
    await engine.close()


class Mute:
    """An engine of a third party, without a store."""

    broker = store = inspector = statements = None
    closed = 0

    async def open(self) -> None: ...

    async def close(self) -> None:
        self.closed += 1


async def test_a_store_url_whose_engine_keeps_no_facts_is_refused_and_both_are_closed() -> None:
    first, second = Mute(), Mute()
    with pytest.raises(EngineRefused, match="keeps no facts"):
        await Beside(first, second).open()
    assert (first.closed, second.closed) == (1, 1)


DYING = """
import asyncio, os, sys
from workhorse import Workhorse
from workhorse.engines.sqlite.broker import Broker

app = Workhorse("sqlite:///work.db", name="shop", store="sqlite:///facts.db")

@app.task
async def count(n: int) -> int:
    return n + 1

if __name__ == "__main__":
    settle = Broker.settle

    async def dies(self, outcomes):
        if outcomes:
            os._exit(9)

    async def main():
        Broker.settle = dies if sys.argv[1] == "die" else settle
        async with app:
            if sys.argv[1] == "die":
                await count.options(id="one").enqueue(1)
            await app.worker(burst=True, signals=(), lease=0.1).run()
            job = count.handle("one")
            print(await job.status(), await job.result())

    asyncio.run(main())
"""


def test_a_process_that_dies_between_put_and_settle_costs_nothing(tmp_path: Path) -> None:
    (tmp_path / "dying.py").write_text(DYING)
    run = [sys.executable, "dying.py"]
    died = subprocess.run([*run, "die"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert died.returncode == 9, died.stderr
    done = subprocess.run([*run, "live"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "succeeded 2\n", done.stderr
