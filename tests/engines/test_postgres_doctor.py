"""PostgreSQL: what the doctor says of a server, and each thing that it warns of."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from servers import Postgres
from servers.fixtures import Own
from workhorse.engine import Envelope
from workhorse.engines import open_engine
from workhorse.engines.postgres import doctor
from workhorse.engines.postgres.engine import PostgresEngine


def _engine(url: str) -> PostgresEngine:
    engine = open_engine(url)
    assert isinstance(engine, PostgresEngine)
    return engine


@pytest.fixture
async def engine(postgres_url: str) -> AsyncIterator[PostgresEngine]:
    engine = _engine(postgres_url)
    await engine.open()
    yield engine
    await engine.close()


async def _problems(engine: PostgresEngine) -> dict[str, str]:
    return dict(await engine.check())


async def test_the_server_is_described(engine: PostgresEngine, postgres_url: str) -> None:
    facts = dict(await engine.describe())
    assert facts["server"].startswith("postgresql://workhorse:***@127.0.0.1")
    assert "secret" not in "".join(facts.values())
    assert facts["PostgreSQL"][:2].isdecimal()
    assert facts["schema"] == f"workhorse, version {engine.migrations.newest}"
    assert facts["commits"] == "synchronous_commit on, fsync on"
    assert "rows" in facts["size"]
    assert "its own sessions only" in facts["user sees"]


async def test_nothing_is_wrong_with_a_server_as_it_comes(engine: PostgresEngine) -> None:
    assert await engine.check() == []


async def test_what_loses_jobs_at_a_crash_is_named(own: Own) -> None:
    server: Postgres = own(
        Postgres,
        fast=True,
        synchronous_commit="off",
        fsync="off",
        full_page_writes="off",
        autovacuum="off",
        track_counts="off",
    )
    engine = _engine(server.create("jobs"))
    await engine.open()
    problems = " ".join(await _problems(engine))
    for setting in ("synchronous_commit", "fsync", "full_page_writes", "autovacuum", "track_counts"):
        assert f"{setting} is off" in problems
    await engine.close()


async def test_what_holds_back_vacuum_is_named(own: Own, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "LONG", 0.0)
    server: Postgres = own(Postgres, fast=True, wal_level="logical", max_prepared_transactions=2)
    url = server.create("jobs")
    engine = _engine(url)
    await engine.open()
    server.sql("select pg_create_logical_replication_slot('forgotten', 'pgoutput')", "jobs")
    idle = await asyncpg.connect(url, server_settings={"application_name": "forgetful"})
    await idle.execute("begin isolation level repeatable read; select from workhorse.jobs")
    two_phase = await asyncpg.connect(url)
    await two_phase.execute("begin; insert into workhorse.paused values ('q'); prepare transaction 'half done'")
    problems = await _problems(engine)
    (session,) = [what for what in problems if "forgetful is idle in transaction" in what]
    assert f"pg_terminate_backend({idle.get_server_pid()})" in problems[session]
    assert any("prepared transaction, 'half done'" in what for what in problems)
    assert any("replication slot 'forgotten' is not used" in what for what in problems)
    await idle.close()
    await two_phase.execute("rollback prepared 'half done'")
    await two_phase.close()
    server.sql("select pg_drop_replication_slot('forgotten')", "jobs")
    assert await engine.check() == []
    await engine.close()


async def test_dead_rows_are_named(
    engine: PostgresEngine, postgres: Postgres, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "FEW", 10)
    database = postgres_url.rpartition("/")[2]
    await engine.broker.publish([Envelope(f"{n}", "noop", b"{}", "q") for n in range(50)])
    postgres.sql("alter table workhorse.jobs set (autovacuum_enabled = off)", database)
    postgres.sql("delete from workhorse.jobs where id > '2'; analyze workhorse.jobs", database)
    problems = await _problems(engine)
    assert any("workhorse.jobs has" in what and "dead rows" in what for what in problems)
    assert (
        problems["autovacuum is switched off for workhorse.jobs"]
        == "alter table workhorse.jobs reset (autovacuum_enabled)"
    )
    postgres.sql("alter table workhorse.jobs reset (autovacuum_enabled)", database)
    postgres.sql("vacuum analyze workhorse.jobs", database)
    assert await engine.check() == []


async def test_too_few_connections_are_named(engine: PostgresEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "FULL", 0.0)
    (what,) = await _problems(engine)
    assert "connections are in use" in what


async def test_tables_of_another_release_are_named(engine: PostgresEngine) -> None:
    await engine._link.run("update workhorse.about set value = 99")  # pyright: ignore[reportPrivateUsage]
    (what,) = await _problems(engine)
    assert "version 99" in what


async def test_an_encoding_that_is_not_unicode_is_named(postgres: Postgres) -> None:
    postgres.sql("create database latin encoding 'LATIN1' locale 'C' template template0 owner workhorse")
    engine = _engine(postgres.url("latin"))
    await engine.open()
    (what,) = await _problems(engine)
    assert "LATIN1" in what
    await engine.close()
    postgres.drop("latin")


async def test_who_sees_all_sessions_says_so(postgres: Postgres, postgres_url: str) -> None:
    engine = _engine(postgres_url)
    await engine.open()
    postgres.sql("grant pg_read_all_stats to workhorse")
    assert dict(await engine.describe())["user sees"] == "all sessions"
    postgres.sql("revoke pg_read_all_stats from workhorse")
    await engine.close()
