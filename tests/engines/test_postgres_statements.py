"""PostgreSQL: jobs and facts in the caller's own transaction, beyond what every SQL engine promises; through two drivers."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import asyncpg
import psycopg
import pytest

from workhorse.core.errors import EnqueueRefused
from workhorse.engine import ABSENT, Dead, Envelope, Filter, Lane, Put, Released, Retried, Succeeded, Unique
from workhorse.engines import open_engine
from workhorse.engines.intake import MAX_SIZE
from workhorse.engines.postgres.engine import PostgresEngine
from workhorse.testing.conformance.words import begun, promptly

KEY = Unique("report/ada")
REPLACE = Unique("report/ada", conflict="replace")
LANE = Lane("q/ada")

Statements = Sequence[tuple[str, tuple[object, ...]]]
Commit = Callable[..., Awaitable[None]]


def _job(id: str, payload: bytes = b"{}", unique: Unique | None = None, lane: Lane | None = None) -> Envelope:
    return Envelope(id, "noop", payload, "q", unique=unique, lane=lane)


@pytest.fixture
async def engine(postgres_url: str) -> AsyncIterator[PostgresEngine]:
    engine = open_engine(f"{postgres_url}?poll=3600")
    assert isinstance(engine, PostgresEngine)
    await engine.open()
    yield engine
    await engine.close()


async def _by_asyncpg(url: str, statements: Statements) -> None:
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            for text, values in statements:
                await connection.execute(text, *values)
    finally:
        await connection.close()


async def _by_psycopg(url: str, statements: Statements) -> None:
    async with await psycopg.AsyncConnection.connect(url, cursor_factory=psycopg.AsyncRawCursor) as connection:
        for text, values in statements:
            await connection.execute(text.encode(), values)


async def _by_psycopg_sync(url: str, statements: Statements) -> None:
    def commit() -> None:
        with psycopg.connect(url, cursor_factory=psycopg.RawCursor) as connection:
            for text, values in statements:
                connection.execute(text.encode(), values)

    await asyncio.to_thread(commit)


@pytest.fixture(params=[_by_asyncpg, _by_psycopg, _by_psycopg_sync], ids=lambda it: it.__name__[4:])
def commit(engine: PostgresEngine, postgres_url: str, request: pytest.FixtureRequest) -> Commit:
    """`await commit([jobs], [puts])`: in one transaction of somebody's own."""

    async def commit(jobs: Sequence[Envelope], puts: Sequence[Put] = ()) -> None:
        await request.param(postgres_url, engine.statements.statements(jobs, puts))

    return commit


@pytest.fixture
async def caller(postgres_url: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """A connection of a caller's own, in a transaction that stays open."""
    connection = await asyncpg.connect(postgres_url)
    await connection.execute("begin")
    yield connection
    await connection.close()


async def _run(
    connection: "asyncpg.Connection[asyncpg.Record]", engine: PostgresEngine, jobs: Sequence[Envelope]
) -> None:
    for text, values in engine.statements.statements(jobs, []):
        await promptly(connection.execute(text, *values))


async def _ids(engine: PostgresEngine) -> list[str]:
    return sorted(each.job.id for each in await engine.broker.claim(["q"], 100, 30))


async def test_every_field_of_a_job_travels_through_any_driver(engine: PostgresEngine, commit: Commit) -> None:
    env = Envelope(
        "a", "tâche", bytes(range(256)), "q", headers={"k": "ü"}, priority=3, expires=60, attempt=4, trail=b"\x00trail",
        lane=LANE, unique=KEY,
    )  # fmt: skip
    await commit([env, _job("b")], [Put("fact", b"\x00", ABSENT, ttl=60), Put("other", b"")])
    claims = {each.job.id: each for each in await engine.broker.claim(["q"], 10, 30)}
    assert claims["a"].job == env
    assert not claims["a"].expired
    assert [found and found[0] for found in await engine.store.get(["fact", "other"])] == [b"\x00", b""]


async def test_one_statement_carries_any_number_of_jobs(engine: PostgresEngine, commit: Commit) -> None:
    jobs = [_job(f"{n:04}", f"{n}".encode()) for n in range(3000)]
    assert len(engine.statements.statements(jobs, [])) == 1
    await commit(jobs)
    assert await engine.inspector.count("status") == {"ready": {"q": 3000}}


async def test_a_unique_key_holds_in_a_transaction(engine: PostgresEngine, commit: Commit) -> None:
    await commit([_job("a", unique=KEY), _job("b", unique=KEY)])
    await commit([_job("c", unique=KEY)])
    assert [answer.of for answer in await engine.broker.publish([_job("d", unique=KEY)])] == ["a"]
    (held,) = await engine.broker.claim(["q"], 100, 30)
    await engine.broker.settle([Succeeded(held)])
    await commit([_job("e", unique=KEY)])
    assert await _ids(engine) == ["e"]


async def test_a_waiting_job_is_replaced_in_a_transaction(engine: PostgresEngine, commit: Commit) -> None:
    await engine.broker.publish([_job("a", b"old", unique=REPLACE)])
    await commit([_job("b", b"new", unique=REPLACE)])
    (held,) = await engine.broker.claim(["q"], 100, 30)
    assert (held.job.id, held.job.payload) == ("a", b"new")
    await commit([_job("c", b"newer", unique=REPLACE)])
    row = await engine.inspector.show("a")
    assert row is not None
    assert row.job.payload == b"new"


async def test_the_same_id_again_replaces_nothing_in_a_transaction(engine: PostgresEngine, commit: Commit) -> None:
    await commit([_job("a", b"old", unique=REPLACE, lane=LANE)])
    await commit([_job("a", b"new", unique=REPLACE, lane=LANE)])
    (held,) = await engine.broker.claim(["q"], 100, 30)
    assert held.job.payload == b"old"


async def test_a_large_payload_travels_in_a_transaction(engine: PostgresEngine, commit: Commit) -> None:
    await engine.broker.bind("big", "q")
    large = bytes(range(256)) * 2000
    await commit([_job("a", large), Envelope("e", "noop", large, topic="big")])
    claims = await engine.broker.claim(["q"], 100, 30)
    assert {each.job.id: each.job.payload for each in claims} == {"a": large, "e@q": large}


async def test_an_ordered_lane_keeps_its_order_over_a_transaction(engine: PostgresEngine, commit: Commit) -> None:
    lane = Lane("q/ada", ordered=True)
    await commit([_job("first", lane=lane), _job("second", lane=lane)])
    await engine.broker.publish([_job("third", lane=lane)])
    order: list[str] = []
    while claims := await engine.broker.claim(["q"], 100, 30):
        order += [each.job.id for each in claims]
        await engine.broker.settle([Succeeded(each) for each in claims])
    assert order == ["first", "second", "third"]


async def test_a_lane_takes_the_numbers_of_the_last_transaction(engine: PostgresEngine, commit: Commit) -> None:
    await commit([_job("a", lane=Lane("q/ada", 1)), _job("b", lane=Lane("q/ada", 1))])
    assert len(await engine.broker.claim(["q"], 100, 30)) == 1
    await commit([_job("c", lane=Lane("q/ada", 3))])
    assert len(await engine.broker.claim(["q"], 100, 30)) == 2


async def test_a_dead_letter_moves_house_in_a_transaction(engine: PostgresEngine, commit: Commit) -> None:
    await commit([Envelope("a", "noop", b"{}", "q", dead="it failed there", lane=LANE)])
    assert await _ids(engine) == []
    (row,) = await engine.inspector.list(Filter(status="dead"))
    assert (row.job.id, row.reason, row.job.lane) == ("a", "it failed there", LANE)
    assert await engine.inspector.retry(Filter()) == 1
    assert await _ids(engine) == ["a"]


@pytest.mark.parametrize("expect", [ABSENT, 1 << 40])
async def test_a_put_that_expects_in_vain_fails_the_transaction(
    engine: PostgresEngine, commit: Commit, expect: int
) -> None:
    (version,) = await engine.store.put([Put("fact", b"1")])
    assert version is not None
    await commit([], [Put("fact", b"2", version)])
    with pytest.raises((asyncpg.UniqueViolationError, psycopg.errors.UniqueViolation), match="fact fact is not"):
        await commit([_job("a")], [Put("fact", b"3", expect)])
    assert [fact and fact[0] for fact in await engine.store.get(["fact"])] == [b"2"]
    assert await _ids(engine) == []


async def test_a_commit_wakes_who_waits_for_a_fact(engine: PostgresEngine, commit: Commit) -> None:
    waiting = await begun(engine.store.wait({"fact": ABSENT}, 3600))
    await commit([], [Put("fact", b"1")])
    await promptly(waiting)


async def test_an_event_wakes_who_waits_at_a_bound_queue(engine: PostgresEngine, commit: Commit) -> None:
    await engine.broker.bind("order.*", "q")
    waiting = await begun(engine.broker.wait(["q"], 1, 3600))
    await commit([Envelope("e", "noop", b"{}", topic="order.placed", unique=KEY)])
    await promptly(waiting)
    assert await _ids(engine) == ["e@q"]


async def test_more_than_a_notification_holds_is_told_in_short(engine: PostgresEngine, commit: Commit) -> None:
    waiting = await begun(engine.store.wait({"fact/1999": ABSENT}, 3600))
    await commit([], [Put(f"fact/{n}", b"1") for n in range(2000)])
    await promptly(waiting)


async def test_a_transaction_tells_nobody_where_that_is_switched_off(postgres_url: str) -> None:
    engine = open_engine(f"{postgres_url}?notify=off")
    assert isinstance(engine, PostgresEngine)
    await engine.open()
    connection = await asyncpg.connect(postgres_url)
    told: asyncio.Queue[str] = asyncio.Queue()
    await connection.add_listener("workhorse", lambda *said: told.put_nowait(str(said[-1])))
    await _by_asyncpg(postgres_url, engine.statements.statements([_job("a")], [Put("fact", b"1")]))
    await connection.execute("notify workhorse, 'by hand'")
    assert await promptly(told.get()) == "by hand"
    await connection.close()
    await engine.close()


async def test_callers_do_not_wait_for_each_other_in_one_lane(
    engine: PostgresEngine, postgres_url: str, caller: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    other = Lane("q/bob")
    await _run(caller, engine, [_job("a", lane=LANE), _job("b", lane=other)])
    await promptly(
        _by_asyncpg(postgres_url, engine.statements.statements([_job("c", lane=other), _job("d", lane=LANE)], []))
    )
    assert await _ids(engine) == ["c", "d"]
    await caller.execute("commit")
    assert await _ids(engine) == []  # each lane has one slot
    assert {row.job.id for row in await engine.inspector.list(Filter(status="parked"))} == {"a", "b"}


async def test_workers_do_not_wait_for_a_caller_in_their_lane(
    engine: PostgresEngine, caller: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    await engine.broker.publish([_job("a", lane=LANE), _job("b", lane=LANE)])
    (held,) = await engine.broker.claim(["q"], 100, 30)
    await _run(caller, engine, [_job("c", lane=Lane("q/ada", 2))])
    assert await promptly(engine.broker.settle([Released(held)])) == []
    (held,) = await promptly(engine.broker.claim(["q"], 100, 30))
    assert await promptly(engine.broker.settle([Succeeded(held)])) == []
    await promptly(engine.broker.publish([_job("d", lane=LANE)]))
    (held,) = await promptly(engine.broker.claim(["q"], 100, 30))
    await caller.execute("commit")
    assert len(await engine.broker.claim(["q"], 100, 30)) == 1


async def test_a_caller_waits_for_who_holds_the_job_that_it_replaces(
    engine: PostgresEngine, postgres_url: str, caller: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    await engine.broker.publish([_job("a", b"old", unique=REPLACE)])
    await caller.execute("select from workhorse.jobs for update")
    statements = engine.statements.statements([_job("b", b"new", unique=REPLACE)], [])
    committing = asyncio.create_task(_by_asyncpg(postgres_url, statements))
    blocked = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
    while not (await engine._link.fetch(blocked))[0][0]:  # pyright: ignore[reportPrivateUsage]
        assert not committing.done()
    await caller.execute("commit")
    await promptly(committing)
    (claim,) = await engine.broker.claim(["q"], 1, 30)
    assert (claim.job.id, claim.job.payload) == ("a", b"new")


async def test_a_job_that_cannot_be_stored_is_refused_before_the_transaction(engine: PostgresEngine) -> None:
    with pytest.raises(EnqueueRefused, match="at most"):
        engine.statements.statements([_job("a", b"x" * (MAX_SIZE + 1))], [])
    with pytest.raises(EnqueueRefused, match="NUL"):
        engine.statements.statements([_job("a\0b")], [])


async def test_nothing_that_a_caller_says_is_read_as_sql(engine: PostgresEngine, commit: Commit) -> None:
    evil = "'; drop schema workhorse cascade; -- \" \\ $1 %s {}\n"
    jobs = [Envelope(evil, evil, evil.encode(), evil, headers={evil: evil}, lane=Lane(evil), unique=Unique(evil))]
    await commit(jobs, [Put(evil, evil.encode())])
    (claim,) = await engine.broker.claim([evil], 10, 30)
    assert claim.job == jobs[0]
    assert await engine.broker.settle([Retried(claim), Dead(claim, reason=evil)]) != []
    assert [key for key, _, _ in await engine.store.scan(evil[:5])] == [evil]
