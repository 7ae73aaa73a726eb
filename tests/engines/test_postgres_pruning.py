"""PostgreSQL: what is no longer kept goes, in batches, by one process at a time, and in nobody's way."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import asyncpg
import pytest

from servers import Postgres
from servers.fixtures import Shared
from workhorse.core.ids import new_id
from workhorse.engine import Dead, Envelope, Lane, Put, Succeeded, Unique
from workhorse.engines import open_engine
from workhorse.engines.postgres import pruning
from workhorse.engines.postgres.engine import PostgresEngine
from workhorse.engines.postgres.pruning import Pruner
from workhorse.testing.conformance.words import promptly


def _job(id: str = "", lane: Lane | None = None, unique: Unique | None = None) -> Envelope:
    return Envelope(id or new_id(), "noop", b"{}", "q", lane=lane, unique=unique)


@pytest.fixture
def server(shared_servers: Shared) -> Postgres:
    """One whose clock can be moved."""
    return shared_servers(lambda _, fast: Postgres(clock=True, fast=fast), "postgres with a clock, for pruning")


@pytest.fixture
def url(server: Postgres) -> str:
    return server.create(f"d{new_id()}")


@pytest.fixture
async def engine(url: str) -> AsyncIterator[PostgresEngine]:
    engine = open_engine(f"{url}?retain=10&dead_retain=600")
    assert isinstance(engine, PostgresEngine)
    await engine.open()
    yield engine
    await engine.close()


@pytest.fixture
def pruner(engine: PostgresEngine, monkeypatch: pytest.MonkeyPatch) -> Pruner:
    """In batches of ten; the engine's own keeps still."""
    monkeypatch.setattr(pruning, "BATCH", 10)
    monkeypatch.setattr(engine._news, "wear", lambda rows: None)  # pyright: ignore[reportPrivateUsage]
    return Pruner(engine._link)  # pyright: ignore[reportPrivateUsage]


@pytest.fixture
async def beside(url: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """Somebody else's connection."""
    connection = await asyncpg.connect(url)
    yield connection
    await connection.close()


async def _end(engine: PostgresEngine, jobs: Sequence[Envelope], ttl: float | None = None) -> None:
    await engine.broker.publish(jobs)
    for each in await engine.broker.claim(["q"], len(jobs), 30):
        writes = () if ttl is None else (Put(f"result/{each.job.id}", b"1", ttl=ttl),)
        assert await engine.broker.settle([Succeeded(each, writes=writes)]) == []


async def _rows(engine: PostgresEngine, table: str = "jobs") -> int:
    """Stored ones, whether shown or not."""
    ((rows,),) = await engine._link.fetch(f"select count(*) from workhorse.{table}")  # pyright: ignore[reportPrivateUsage]
    return int(rows)


async def _all(prune: Callable[[], Awaitable[bool]]) -> int:
    """How many batches there were."""
    count = 1
    while await prune():
        count += 1
    return count


async def test_ended_jobs_go_in_batches(engine: PostgresEngine, pruner: Pruner, server: Postgres) -> None:
    await _end(engine, [_job() for _ in range(25)])
    await engine.broker.publish([_job(), _job()])
    assert await _all(pruner.prune) == 1
    assert await _rows(engine) == 27
    server.jump(11)
    assert await pruner.prune()
    assert await _rows(engine) == 17
    assert await _all(pruner.prune) == 2
    assert await _rows(engine) == 2


async def test_dead_ones_go_after_dead_retain(engine: PostgresEngine, pruner: Pruner, server: Postgres) -> None:
    await engine.broker.publish([_job()])
    (held,) = await engine.broker.claim(["q"], 1, 30)
    await engine.broker.settle([Dead(held, reason="why")])
    server.jump(599)
    await pruner.prune()
    assert await _rows(engine) == 1
    server.jump(2)
    await pruner.prune()
    assert await _rows(engine) == 0


async def test_expired_facts_are_swept_away_in_rounds(engine: PostgresEngine, pruner: Pruner, server: Postgres) -> None:
    await engine.store.put([Put(f"{n:03}", b"1", ttl=10 if n % 2 else None) for n in range(100)])
    server.jump(11)
    await pruner.prune()
    assert await _rows(engine, "facts") == 90  # a batch looks at twice its size
    for _ in range(5):
        await pruner.prune()
    assert await _rows(engine, "facts") == 50
    await engine.store.put([Put("000", b"1", ttl=10)])
    server.jump(11)
    for _ in range(5):
        await pruner.prune()
    assert await _rows(engine, "facts") == 49


async def test_freed_keys_go_once_their_time_is_over(engine: PostgresEngine, pruner: Pruner, server: Postgres) -> None:
    await _end(engine, [_job(unique=Unique(f"k{n}", within=60)) for n in range(15)])
    server.jump(50)
    await _all(pruner.prune)
    assert (await _rows(engine), await _rows(engine, "uniques")) == (0, 15)
    server.jump(11)
    assert await _all(pruner.prune) == 2
    assert await _rows(engine, "uniques") == 0


async def test_a_lane_goes_once_its_rate_has_caught_up(
    engine: PostgresEngine, pruner: Pruner, server: Postgres
) -> None:
    await _end(engine, [_job(lane=Lane("q/ada", width=None, every=3600))])
    server.jump(11)
    for _ in range(3):
        await pruner.prune()
    assert (await _rows(engine), await _rows(engine, "lanes")) == (0, 1)
    server.jump(3600)
    for _ in range(3):
        await pruner.prune()
    assert await _rows(engine, "lanes") == 0


async def test_one_process_prunes_at_a_time(
    engine: PostgresEngine, pruner: Pruner, server: Postgres, beside: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    await _end(engine, [_job() for _ in range(25)])
    server.jump(11)
    await beside.execute("select pg_advisory_lock($1)", pruning.turn("workhorse"))
    assert not await pruner.prune()
    assert await _rows(engine) == 25
    await beside.execute("select pg_advisory_unlock_all()")
    assert await pruner.prune()
    assert await _rows(engine) == 15


async def test_two_that_prune_at_once_forget_each_job_once(
    engine: PostgresEngine, pruner: Pruner, server: Postgres
) -> None:
    await _end(engine, [_job() for _ in range(100)], ttl=5)
    server.jump(11)
    other = Pruner(engine._link)  # pyright: ignore[reportPrivateUsage]
    while await _rows(engine):
        await asyncio.gather(pruner.prune(), other.prune())
    assert await _rows(engine, "facts") == 0


async def test_pruning_waits_for_no_row_that_somebody_holds(
    engine: PostgresEngine, pruner: Pruner, server: Postgres, beside: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    await _end(engine, [_job(f"{n}", lane=Lane(f"q/{n}", width=None, every=1)) for n in range(3)], ttl=5)
    server.jump(86_401)
    await beside.execute(
        "begin; select from workhorse.jobs where id = '1' for update; select from workhorse.facts where key = 'result/1' for update;"
        " select from workhorse.lanes where lane = 'q/1' for update"
    )
    for _ in range(3):
        await promptly(pruner.prune())
    assert [await _rows(engine, table) for table in ("jobs", "facts", "lanes")] == [1, 1, 1]
    await beside.execute("rollback")
    for _ in range(3):
        await pruner.prune()
    assert [await _rows(engine, table) for table in ("jobs", "facts", "lanes")] == [0, 0, 0]


async def test_the_engine_prunes_by_itself_after_endings(
    engine: PostgresEngine, server: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruning, "BATCH", 10)
    await _end(engine, [_job() for _ in range(30)])
    server.jump(11)
    await _end(engine, [_job() for _ in range(12)])  # more than a batch: time for the first ones to go
    while await _rows(engine) > 12:
        pass


async def test_closing_does_not_wait_for_what_can_still_be_pruned(engine: PostgresEngine, server: Postgres) -> None:
    await _end(engine, [_job() for _ in range(1100)])
    server.jump(11)
    engine._news.wear(pruning.BATCH)  # pyright: ignore[reportPrivateUsage]
    await promptly(engine.close())
