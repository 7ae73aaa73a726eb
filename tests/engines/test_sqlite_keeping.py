"""SQLite: how long what has ended is kept, in which pieces it goes, and what large payloads and URLs come to."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from workhorse.core.errors import DeclarationError
from workhorse.core.ids import new_id
from workhorse.engine import Dead, Engine, Envelope, Filter, Lane, Put, Retried, Succeeded
from workhorse.engines import open_engine
from workhorse.engines.keeping import Policy
from workhorse.engines.sqlite import memory, pruning
from workhorse.engines.sqlite.engine import SqlEngine
from workhorse.engines.sqlite.tx import Tx
from workhorse.testing.clock import ManualClock

SECOND = 1_000_000


def _job(id: str = "", payload: bytes = b"{}") -> Envelope:
    return Envelope(id or new_id(), "noop", payload, "q")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def engine(clock: ManualClock) -> AsyncIterator[SqlEngine]:
    name = f"keeping-{new_id()}"
    memory.home(name, clock, Policy(10 * SECOND))
    engine = open_engine(f"memory://{name}")
    assert isinstance(engine, SqlEngine)
    await engine.open()
    yield engine
    await engine.close()
    memory.forget(name)


async def _rows(engine: SqlEngine) -> int:
    """Stored ones, whether shown or not."""
    link = engine._link  # pyright: ignore[reportPrivateUsage]
    return await link.read(lambda tx: int((tx.one("select count(*) from workhorse_jobs") or (0,))[0]))


async def _prune(engine: SqlEngine) -> None:
    def once(tx: Tx) -> None:
        pruning.Pruner(0).prune(tx)

    await engine._link.write(once)  # pyright: ignore[reportPrivateUsage]


async def _end(engine: SqlEngine, *jobs: Envelope, ttl: float | None = None) -> None:
    await engine.broker.publish(jobs)
    for each in await engine.broker.claim(["q"], len(jobs), 30):
        writes = () if ttl is None else (Put(f"result/{each.job.id}", b"1", ttl=ttl),)
        assert await engine.broker.settle([Succeeded(each, writes=writes)]) == []


async def test_an_ended_job_is_shown_for_as_long_as_it_is_kept(engine: SqlEngine, clock: ManualClock) -> None:
    job = _job()
    await _end(engine, job)
    clock.advance(9)
    assert await engine.inspector.show(job.id) is not None
    clock.advance(2)
    assert await engine.inspector.show(job.id) is None


async def test_a_job_is_kept_as_long_as_the_facts_of_its_end(engine: SqlEngine, clock: ManualClock) -> None:
    job = _job()
    await _end(engine, job, ttl=600)
    clock.advance(599)
    assert await engine.inspector.show(job.id) is not None
    clock.advance(2)
    assert await engine.inspector.show(job.id) is None


async def test_an_id_that_was_given_is_remembered_for_a_day(engine: SqlEngine, clock: ManualClock) -> None:
    await _end(engine, _job("given"))
    clock.advance(86_000)
    await engine.broker.publish([_job("given")])
    assert await engine.broker.claim(["q"], 1, 30) == []
    clock.advance(500)
    await engine.broker.publish([_job("given")])
    assert len(await engine.broker.claim(["q"], 1, 30)) == 1


async def test_an_id_of_a_tick_is_remembered_for_a_day(engine: SqlEngine, clock: ManualClock) -> None:
    tick = _job("tick~shop~clean~2030-01-01T00:00:00Z")
    await _end(engine, tick)
    clock.advance(86_000)
    await engine.broker.publish([tick])
    assert await engine.broker.claim(["q"], 1, 30) == []


async def test_an_id_that_is_no_longer_kept_is_a_new_job_even_before_the_pruning(
    engine: SqlEngine, clock: ManualClock
) -> None:
    job = _job()
    await _end(engine, job)
    clock.advance(11)
    assert await _rows(engine) == 1
    await engine.broker.publish([job])
    assert [each.job.id for each in await engine.broker.claim(["q"], 1, 30)] == [job.id]


async def test_pruning_goes_in_small_batches(
    engine: SqlEngine, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruning, "BATCH", 4)
    await _end(engine, *(_job() for _ in range(6)))
    assert await _rows(engine) == 6
    clock.advance(11)
    await _prune(engine)
    assert await _rows(engine) == 2
    await _prune(engine)
    assert await _rows(engine) == 0


async def test_the_broker_prunes_by_itself_after_settles(engine: SqlEngine, clock: ManualClock) -> None:
    await _end(engine, *(_job() for _ in range(5)))
    clock.advance(120)
    await _end(engine, *(_job() for _ in range(3)))
    assert await _rows(engine) == 3


async def test_dead_ones_stay(engine: SqlEngine, clock: ManualClock) -> None:
    await engine.broker.publish([_job("a")])
    (held,) = await engine.broker.claim(["q"], 1, 30)
    await engine.broker.settle([Dead(held, reason="why")])
    clock.advance(3_000_000_000)
    await _prune(engine)
    assert await engine.inspector.show("a") is not None


async def test_dead_ones_go_after_dead_retain(engine: SqlEngine, clock: ManualClock) -> None:
    name = engine._link.home.name.removeprefix("memory://")  # pyright: ignore[reportPrivateUsage]
    memory.home(name, policy=Policy(60 * SECOND, 600 * SECOND))
    await engine.broker.publish([_job("a")])
    (held,) = await engine.broker.claim(["q"], 1, 30)
    await engine.broker.settle([Dead(held, reason="why")])
    clock.advance(601)
    await _prune(engine)
    assert await _rows(engine) == 0


async def test_expired_facts_are_swept_away(engine: SqlEngine, clock: ManualClock) -> None:
    await engine.store.put([Put(f"{n}", b"1", ttl=10 if n % 2 else None) for n in range(10)])
    clock.advance(11)
    await _prune(engine)
    assert [key for key, _, _ in await engine.store.scan("")] == ["0", "2", "4", "6", "8"]


async def test_a_large_payload_comes_back_whole_and_goes_with_its_job(engine: SqlEngine, clock: ManualClock) -> None:
    large = os.urandom(300_000)
    await engine.broker.publish([_job("a", large)])
    (held,) = await engine.broker.claim(["q"], 1, 30)
    await engine.broker.settle([Retried(held)])
    (held,) = await engine.broker.claim(["q"], 1, 30)
    assert held.job.payload == large
    assert await engine.inspector.delete(Filter(ids=["a"])) == 1
    link = engine._link  # pyright: ignore[reportPrivateUsage]
    assert await link.read(lambda tx: tx.one("select count(*) from workhorse_bodies")) == (0,)


async def test_deleting_a_job_tells_who_waits_for_its_result(engine: SqlEngine) -> None:
    await engine.broker.publish([_job("a")])
    await engine.inspector.delete(Filter(ids=["a"]))
    (fact,) = await engine.store.get(["result/a"])
    assert fact is not None
    assert fact[0] == b'{"deleted":true}'


async def test_a_running_row_says_who_runs_it(engine: SqlEngine) -> None:
    await engine.broker.publish([_job("a")])
    await engine.broker.claim(["q"], 1, 30)
    row = await engine.inspector.show("a")
    assert row is not None
    assert row.worker.endswith(f":{os.getpid()}")


@pytest.mark.parametrize(
    ("url", "hint"),
    [
        ("sqlite:///a.db?synchronus=full", "did you mean 'synchronous'"),
        ("sqlite:///a.db?synchronous=off", "full or normal"),
        ("sqlite:///a.db?retain=long", "retain: expected seconds"),
        ("sqlite:///a.db?dead_retain=-1", "dead_retain: expected seconds"),
        ("sqlite:///a.db?busy=1&prefix=shop", "a file of its own"),
        ("memory://a?prefix=shop", "a name of its own"),
        ("sqlite://a.db", "sqlite:///file.db"),
        ("sqlite:///", "sqlite:///file.db"),
        ("sqlite:///:memory:", "memory://"),
        ("sqlit:///a.db", "did you mean 'sqlite'"),
        ("a.db", "without a scheme"),
    ],
)
def test_a_url_that_cannot_work_says_why(url: str, hint: str) -> None:
    with pytest.raises(DeclarationError, match=hint):
        open_engine(url)


async def test_three_slashes_are_relative_and_four_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for url in ("sqlite:///here.db", f"sqlite:///{tmp_path}/there.db"):
        engine: Engine = open_engine(url)
        assert isinstance(engine, SqlEngine)
        await engine.open()
        facts = dict(await engine.describe())
        assert Path(facts["file"]).parent == tmp_path
        assert facts["schema"] == "1"
        assert await engine.check() == []
        await engine.close()


async def test_a_lane_of_a_rate_is_forgotten_once_it_has_caught_up(engine: SqlEngine, clock: ManualClock) -> None:
    job = Envelope(new_id(), "noop", b"{}", "q", lane=Lane("q/noop:ada", width=None, every=3600))
    await _end(engine, job)
    clock.advance(11)
    await _prune(engine)
    assert await _lanes(engine) == ["q/noop:ada"]  # another job of it must still keep its distance
    clock.advance(3600)
    await _prune(engine)
    assert await _lanes(engine) == []


async def _lanes(engine: SqlEngine) -> list[str]:
    link = engine._link  # pyright: ignore[reportPrivateUsage]
    return await link.read(lambda tx: [lane for (lane,) in tx.all("select lane from workhorse_lanes")])
