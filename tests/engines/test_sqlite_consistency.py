"""The check that other tests call after kills: it takes a healthy database of every kind of job, and each rule of it notices its breach."""

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from consistency import ALWAYS, AT_REST, at_rest, consistent
from workhorse.engine import Dead, Envelope, Lane, Put, Retried, Succeeded, Unique
from workhorse.engines import open_engine

JOBS = [
    Envelope("plain", "t", b"{}", "q"),
    Envelope("large", "t", b"x" * 5000, "q"),
    Envelope("dies", "t", b"{}", "q"),
    Envelope("again", "t", b"{}", "q", unique=Unique("first", until="claimed")),
    Envelope("kept", "t", b"{}", "q", unique=Unique("kept", until="kept")),
    Envelope("settled", "t", b"{}", "q", unique=Unique("settled")),
    *(Envelope(f"lane {n}", "t", b"{}", "q", lane=Lane("q/lane", width=2)) for n in range(4)),
]

BREACHES = {
    "a body without a row that asks for it": "insert into workhorse_bodies values (999, 'x')",
    "a row without its payload": "delete from workhorse_bodies",
    "ended, but not over": "update workhorse_jobs set ended = 1 where id = 'again'",
    "over, but never ended": "update workhorse_jobs set ended = null where id = 'plain'",
    "dead without a reason": "update workhorse_jobs set reason = null where id = 'dies'",
    "a reason without a death": "update workhorse_jobs set reason = '' where id = 'plain'",
    "counts that cannot be": "update workhorse_jobs set crashes = -1 where id = 'plain'",
    "a worker that nobody knows": "delete from workhorse_workers",
    "a slot held by who may not": "update workhorse_jobs set slot = 1 where id = 'lane 3'",
    "parked without a lane": "update workhorse_jobs set lane = null where id = 'lane 3'",
    "a lane that is not there": "delete from workhorse_lanes",
    "a lane that counts its slots wrong": "update workhorse_lanes set taken = 1",
    "parked before a free slot": "update workhorse_lanes set width = 3",
    "a unique key of nobody": "delete from workhorse_jobs where id = 'kept'",
    "a unique key kept beyond its job's claim": "update workhorse_uniques set until = 0 where ukey = 'settled'",
    "a unique key kept beyond its job's end": "update workhorse_uniques set until = 1 where ukey = 'kept'",
    "a result before the end": "update workhorse_facts set key = 'result/again'",
    "a result of a job that is not there": "delete from workhorse_jobs where id = 'plain'",
    "a version from the future, or twice": "update workhorse_facts set version = 999",
    "no version, or no schema": "delete from workhorse_counters where name = 'schema'",
    "a job that has not ended": "select 1",
    "a slot that nobody gave back": "select 1",
    "a lane that nobody answered": "insert into workhorse_asking values ('q/lane')",
    "a unique key that nobody gave back": "select 1",
}


@pytest.fixture
async def con(tmp_path: Path) -> AsyncIterator[sqlite3.Connection]:
    """Of a database with jobs in every state."""
    engine = open_engine(f"sqlite:///{tmp_path}/jobs.db")
    await engine.open()
    assert engine.broker is not None
    await engine.broker.publish(JOBS)
    held = {claim.job.id: claim for claim in await engine.broker.claim(["q"], 100, 30)}
    outcomes = [
        Succeeded(held["plain"], (Put("result/plain", b"{}", ttl=60),)),
        Dead(held["dies"], reason="it had to"),
        Retried(held["again"], after=60),
        Succeeded(held["kept"]),
    ]
    assert await engine.broker.settle(outcomes) == []
    await engine.close()
    con = sqlite3.connect(tmp_path / "jobs.db", isolation_level=None)
    yield con
    con.close()


def test_a_healthy_database_is_consistent(con: sqlite3.Connection) -> None:
    consistent(con)


@pytest.mark.parametrize("rule", [*ALWAYS, *AT_REST])
def test_each_rule_notices_its_breach(con: sqlite3.Connection, rule: str) -> None:
    con.execute(BREACHES[rule])
    with pytest.raises(AssertionError, match=rule):
        at_rest(con) if rule in AT_REST else consistent(con)


def test_a_database_whose_work_is_done_is_at_rest(con: sqlite3.Connection) -> None:
    con.execute("delete from workhorse_jobs where state < 2")
    con.execute("delete from workhorse_bodies")
    con.execute("delete from workhorse_lanes")
    con.execute("delete from workhorse_uniques where until < 2")
    at_rest(con)
