"""SQLite: jobs and facts in the caller's own transaction, beyond what every SQL engine promises."""

import sqlite3
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import msgspec
import pytest

from workhorse.core.errors import EnqueueRefused
from workhorse.engine import Dead, Envelope, Filter, Lane, Put, Succeeded, Unique
from workhorse.engines import open_engine
from workhorse.engines.intake import MAX_SIZE
from workhorse.engines.sqlite.engine import SqlEngine

KEY = Unique("report/ada")
REPLACE = Unique("report/ada", conflict="replace")


def _job(id: str, payload: bytes = b"{}", unique: Unique | None = None, lane: Lane | None = None) -> Envelope:
    return Envelope(id, "noop", payload, "q", unique=unique, lane=lane)


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[SqlEngine]:
    engine = open_engine(f"sqlite:///{tmp_path}/jobs.db")
    assert isinstance(engine, SqlEngine)
    await engine.open()
    yield engine
    await engine.close()


@pytest.fixture
def con(engine: SqlEngine, tmp_path: Path) -> Iterator[sqlite3.Connection]:
    con = sqlite3.connect(tmp_path / "jobs.db", isolation_level=None)
    yield con
    con.close()


def _commit(engine: SqlEngine, con: sqlite3.Connection, jobs: Sequence[Envelope], puts: Sequence[Put] = ()) -> None:
    con.execute("begin immediate")
    try:
        for text, values in engine.statements.statements(jobs, puts):
            con.execute(text, values)
    except BaseException:
        con.execute("rollback")
        raise
    con.execute("commit")


async def _ids(engine: SqlEngine) -> list[str]:
    return sorted(each.job.id for each in await engine.broker.claim(["q"], 100, 30))


async def test_a_unique_key_holds_in_a_transaction(engine: SqlEngine, con: sqlite3.Connection) -> None:
    _commit(engine, con, [_job("a", unique=KEY), _job("b", unique=KEY)])
    _commit(engine, con, [_job("c", unique=KEY)])
    assert [answer.of for answer in await engine.broker.publish([_job("d", unique=KEY)])] == ["a"]
    (held,) = await engine.broker.claim(["q"], 100, 30)
    await engine.broker.settle([Succeeded(held)])
    _commit(engine, con, [_job("e", unique=KEY)])
    assert await _ids(engine) == ["e"]


async def test_a_key_that_the_engine_gave_holds_in_a_transaction(engine: SqlEngine, con: sqlite3.Connection) -> None:
    await engine.broker.publish([_job("a", unique=KEY)])
    _commit(engine, con, [_job("b", unique=KEY)])
    assert await _ids(engine) == ["a"]


async def test_a_waiting_job_is_replaced_in_a_transaction(engine: SqlEngine, con: sqlite3.Connection) -> None:
    await engine.broker.publish([_job("a", b"old", unique=REPLACE)])
    _commit(engine, con, [_job("b", b"new", unique=REPLACE)])
    (held,) = await engine.broker.claim(["q"], 100, 30)
    assert (held.job.id, held.job.payload) == ("a", b"new")
    _commit(engine, con, [_job("c", b"newer", unique=REPLACE)])
    row = await engine.inspector.show("a")
    assert row is not None
    assert row.job.payload == b"new"


async def test_the_same_id_again_replaces_nothing_in_a_transaction(engine: SqlEngine, con: sqlite3.Connection) -> None:
    _commit(engine, con, [_job("a", b"old", unique=REPLACE)])
    _commit(engine, con, [_job("a", b"new", unique=REPLACE)])
    (held,) = await engine.broker.claim(["q"], 100, 30)
    assert held.job.payload == b"old"


async def test_a_large_payload_travels_in_a_transaction(engine: SqlEngine, con: sqlite3.Connection) -> None:
    await engine.broker.bind("big", "q")
    large = bytes(range(256)) * 200
    _commit(engine, con, [_job("a", large), Envelope("e", "noop", large, topic="big")])
    assert {each.job.id: each.job.payload for each in await engine.broker.claim(["q"], 100, 30)} == {
        "a": large,
        "e@q": large,
    }


async def test_an_ordered_lane_keeps_its_order_over_a_transaction(engine: SqlEngine, con: sqlite3.Connection) -> None:
    lane = Lane("q/ada", ordered=True)
    _commit(engine, con, [_job("first", lane=lane)])
    await engine.broker.publish([_job("second", lane=lane)])
    order: list[str] = []
    while claims := await engine.broker.claim(["q"], 100, 30):
        order += [each.job.id for each in claims]
        await engine.broker.settle([Succeeded(each) for each in claims])
    assert order == ["first", "second"]


async def test_a_dead_letter_moves_house_in_a_transaction(engine: SqlEngine, con: sqlite3.Connection) -> None:
    _commit(engine, con, [Envelope("a", "noop", b"{}", "q", dead="it failed there")])
    assert await _ids(engine) == []
    (row,) = await engine.inspector.list(Filter(status="dead"))
    assert (row.job.id, row.reason) == ("a", "it failed there")


async def test_a_put_that_expects_another_version_fails_the_transaction(
    engine: SqlEngine, con: sqlite3.Connection
) -> None:
    (version,) = await engine.store.put([Put("fact", b"1")])
    assert version is not None
    _commit(engine, con, [], [Put("fact", b"2", version)])
    with pytest.raises(sqlite3.IntegrityError):
        _commit(engine, con, [_job("a")], [Put("fact", b"3", version)])
    assert [fact and fact[0] for fact in await engine.store.get(["fact"])] == [b"2"]
    assert await _ids(engine) == []


async def test_a_job_that_cannot_be_stored_is_refused_before_the_transaction(engine: SqlEngine) -> None:
    with pytest.raises(EnqueueRefused, match="at most"):
        engine.statements.statements([_job("a", b"x" * (MAX_SIZE + 1))], [])


@pytest.mark.parametrize(
    ("job", "why"),
    [
        (Envelope("", "noop", b"{}", "q"), "an id"),
        (Envelope("a", "noop", b"{}"), "a queue or a topic"),
        (Envelope("a", "noop", b"{}", "q", priority=4), "priority"),
        (Envelope("a", "noop", b"{}", "q", delay=float("nan")), "within a century"),
        (Envelope("a", "noop", b"{}", "q", expires=-1), "expires"),
        (Envelope("\ud800", "noop", b"{}", "q"), "surrogates"),
        (Envelope("a", "noop", b"{}", "q", headers={"k": "\ud800"}), "headers"),
        (Envelope("a", "noop", b"{}", "q", lane=Lane("q/x", width=0)), "width"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
async def test_one_refusal_does_not_touch_the_others(engine: SqlEngine, job: Envelope, why: str) -> None:
    answers = await engine.broker.publish([_job("before"), job, _job("after")])
    assert [answer.kind for answer in answers] == ["accepted", "refused", "accepted"]
    assert why in answers[1].reason
    assert await _ids(engine) == ["after", "before"]


async def test_a_forged_token_settles_nothing(engine: SqlEngine) -> None:
    await engine.broker.publish([_job("a")])
    (held,) = await engine.broker.claim(["q"], 1, 30)
    for token in ("", "0.1", "zz.zz", "-1.1", "f" * 40 + ".1", held.token.partition(".")[0]):
        forged = msgspec.structs.replace(held, token=token)
        assert [why for _, why in await engine.broker.settle([Succeeded(forged), Dead(forged)])] == ["stale", "stale"]
        assert await engine.broker.extend([forged], 30) == ["lost"]
    assert await engine.broker.extend([held], 30) == ["kept"]
