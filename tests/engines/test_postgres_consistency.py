"""The check that other tests call after kills: it takes a healthy schema of every kind of job, and each rule of it notices its breach."""

import asyncio
from collections.abc import Iterator
from subprocess import CalledProcessError

import pytest

from consistency_postgres import ALWAYS, AT_REST, at_rest, consistent
from every_kind import filled
from servers import Postgres
from servers.fixtures import Shared
from servers.postgres import USER
from workhorse.engines import open_engine

DATABASE = "consistency"

BREACHES = {
    "ended, but not over": "update workhorse.jobs set ended = 1 where id = 'again'",
    "over, but never ended": "update workhorse.jobs set ended = null where id = 'plain'",
    "dead without a reason": "update workhorse.jobs set reason = null where id = 'dies'",
    "a reason without a death": "update workhorse.jobs set reason = '' where id = 'plain'",
    "counts that cannot be": "update workhorse.jobs set crashes = -1 where id = 'plain'",
    "a worker that nobody knows": "delete from workhorse.workers",
    "a slot held by who may not": "update workhorse.jobs set slot = true where id = 'lane 3'",
    "parked without a lane": "update workhorse.jobs set lane = null where id = 'lane 3'",
    "a lane that is not there": "delete from workhorse.lanes",
    "a lane that counts its slots wrong": "update workhorse.lanes set taken = 1",
    "parked before a free slot": "update workhorse.lanes set width = 3",
    "a unique key of nobody": "delete from workhorse.jobs where id = 'kept'",
    "a unique key kept beyond its job's claim": "update workhorse.uniques set until = 0 where ukey = 'settled'",
    "a unique key kept beyond its job's end": "update workhorse.uniques set until = 1 where ukey = 'kept'",
    "a result before the end": "update workhorse.facts set key = 'result/again'",
    "a result of a job that is not there": "delete from workhorse.jobs where id = 'plain'",
    "a version from the future, or twice": "update workhorse.facts set version = 999",
    "no schema": "delete from workhorse.about",
    "a job that has not ended": "select 1",
    "a slot that nobody gave back": "select 1",
    "a lane that nobody answered": "insert into workhorse.asking (lane, ordered, every, burst) values ('q/lane', false, 0, 1)",
    "a unique key that nobody gave back": "select 1",
}
LOST_ROW = """
set allow_system_table_mods = on;
update pg_index set indisready = false, indislive = true where indexrelid = 'workhorse.jobs_due'::regclass;
insert into workhorse.jobs (due, accepted, priority, id, queue, task, payload) values (1, 1, 2, 'unseen', 'q', 't', '');
update pg_index set indisready = true where indexrelid = 'workhorse.jobs_due'::regclass;
"""


@pytest.fixture(scope="module")
def filled_once(shared_servers: Shared) -> Iterator[str]:
    """A database with jobs in every state, to be copied."""
    server = shared_servers(Postgres, "postgres")
    asyncio.run(filled(open_engine(server.create("filled"))))
    yield "filled"
    server.drop("filled")


@pytest.fixture
def server(postgres: Postgres, filled_once: str) -> Iterator[Postgres]:
    """With a copy of it, to be broken."""
    postgres.sql(f"create database {DATABASE} template {filled_once} owner {USER}")
    yield postgres
    postgres.drop(DATABASE)


def test_a_healthy_schema_is_consistent(server: Postgres) -> None:
    consistent(server, DATABASE)


@pytest.mark.parametrize("rule", [*ALWAYS, *AT_REST])
def test_each_rule_notices_its_breach(server: Postgres, rule: str) -> None:
    server.sql(BREACHES[rule], DATABASE)
    with pytest.raises(AssertionError, match=rule):
        at_rest(server, DATABASE) if rule in AT_REST else consistent(server, DATABASE)


def test_a_row_that_its_index_does_not_know_is_noticed(server: Postgres) -> None:
    server.sql(LOST_ROW, DATABASE)
    with pytest.raises(CalledProcessError) as caught:
        consistent(server, DATABASE)
    assert "jobs_due" in caught.value.stderr
