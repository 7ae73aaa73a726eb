"""PostgreSQL behind PgBouncer in transaction mode: every part works, and who waits looks."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from servers import PgBouncer
from workhorse.engine import ABSENT, Dead, Envelope, Filter, Lane, Put, Succeeded
from workhorse.engines import open_engine
from workhorse.engines.postgres.engine import PostgresEngine
from workhorse.testing.conformance.words import begun, promptly


def _engine(pgbouncer: PgBouncer, postgres_url: str) -> PostgresEngine:
    engine = open_engine(f"{pgbouncer.url(postgres_url.rpartition('/')[2])}?pgbouncer=on&poll=0.05")
    assert isinstance(engine, PostgresEngine)
    return engine


@pytest.fixture
async def engines(pgbouncer: PgBouncer, postgres_url: str) -> AsyncIterator[list[PostgresEngine]]:
    """Six, which start at once on an empty database, and have more connections than the pooler has."""
    engines = [_engine(pgbouncer, postgres_url) for _ in range(6)]
    await asyncio.gather(*(engine.open() for engine in engines))
    yield engines
    for engine in engines:
        await engine.close()


async def test_jobs_of_many_processes_run_once_each(engines: list[PostgresEngine]) -> None:
    async def work(engine: PostgresEngine) -> list[str]:
        done: list[str] = []
        while claims := await engine.broker.claim(["q"], 7, 60):
            assert await engine.broker.extend(claims, 60) == ["kept"] * len(claims)
            assert await engine.broker.settle([Succeeded(claim) for claim in claims]) == []
            done += [claim.job.id for claim in claims]
        return done

    jobs = [Envelope(f"{n}", "noop", b"{}", "q", lane=Lane("q/ada", 20) if n % 2 else None) for n in range(300)]
    await asyncio.gather(*(engine.broker.publish(jobs) for engine in engines))
    done = [id for each in await asyncio.gather(*(work(engine) for engine in engines)) for id in each]
    done += await work(engines[0])
    assert sorted(done) == sorted(job.id for job in jobs)


async def test_who_waits_learns_of_other_processes(engines: list[PostgresEngine]) -> None:
    engine, other, *_ = engines
    work = await begun(engine.broker.wait(["q"], 1, 3600))
    fact = await begun(engine.store.wait({"fact": ABSENT}, 3600))
    await other.broker.publish([Envelope("a", "noop", b"{}", "q")])
    await other.store.put([Put("fact", b"1")])
    await promptly(asyncio.gather(work, fact))


async def test_people_see_and_order(engines: list[PostgresEngine]) -> None:
    engine, other, *_ = engines
    await engine.broker.publish([Envelope("a", "noop", b"{}", "q"), Envelope("b", "noop", b"{}", "q")])
    await engine.broker.settle([Dead(claim, reason="why") for claim in await other.broker.claim(["q"], 1, 60)])
    assert await engine.inspector.count("status") == {"dead": {"q": 1}, "ready": {"q": 1}}
    assert await other.inspector.retry(Filter(status="dead")) == 1
    assert await engine.inspector.delete(Filter(queue="q")) == 2
    assert await engine.check() == []
    assert await engine.migrations.pending() == []
