"""PostgreSQL: one job, a few and many go to the server in different ways, and it makes no difference."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from workhorse.core.ids import new_id
from workhorse.engine import Envelope, Filter
from workhorse.engines import open_engine
from workhorse.engines.postgres import publishing
from workhorse.engines.postgres.engine import PostgresEngine
from workhorse.engines.postgres.link import Link, Record

COUNTS = (1, 2, publishing._MANY - 1, publishing._MANY)  # pyright: ignore[reportPrivateUsage]


def _jobs(count: int) -> list[Envelope]:
    return [
        Envelope(new_id(), f"t{n}", b"{%d}" % n, "q", "", {"n": str(n)} if n % 2 else {}, 1 + n % 3, trail=b"trail" * (n % 2))
        for n in range(count)
    ]  # fmt: skip


@pytest.fixture
async def engine(postgres_url: str) -> AsyncIterator[PostgresEngine]:
    """On this test's database."""
    engine = open_engine(postgres_url)
    assert isinstance(engine, PostgresEngine)
    await engine.open()
    yield engine
    await engine.close()


async def _claimed(engine: PostgresEngine, count: int) -> list[Envelope]:
    return sorted((it.job for it in await engine.broker.claim(["q"], count + 1, 30)), key=lambda job: job.id)


@pytest.mark.parametrize("count", COUNTS)
async def test_what_comes_out_is_what_went_in(engine: PostgresEngine, count: int) -> None:
    jobs = _jobs(count)
    assert {answer.kind for answer in await engine.broker.publish(jobs)} == {"accepted"}
    assert await _claimed(engine, count) == sorted(jobs, key=lambda job: job.id)


@pytest.mark.parametrize("count", COUNTS)
async def test_published_again_it_is_accepted_and_stays_one(engine: PostgresEngine, count: int) -> None:
    jobs = _jobs(count)
    await engine.broker.publish(jobs[:1])
    for _ in range(2):
        assert [answer.kind for answer in await engine.broker.publish(jobs)] == ["accepted"] * count
    assert len(await engine.inspector.list(Filter(), count + 1)) == count


async def test_twice_in_one_call_it_is_one(engine: PostgresEngine) -> None:
    jobs = _jobs(COUNTS[-1])
    await engine.broker.publish([*jobs, *jobs])
    assert len(await _claimed(engine, len(jobs))) == len(jobs)


@pytest.mark.parametrize("count", COUNTS)
async def test_times_hold_however_many_there_are(engine: PostgresEngine, count: int) -> None:
    await engine.broker.publish([Envelope(new_id(), "t", b"{}", "q", delay=60) for _ in range(count)])
    await engine.broker.publish([Envelope(new_id(), "t", b"{}", "q", expires=60) for _ in range(count)])
    rows = await engine.inspector.list(Filter(status="scheduled"), count + 1)
    assert [row.due - row.accepted for row in rows if row.due] == pytest.approx([60] * count)
    assert {job.expires for job in await _claimed(engine, count)} == {60}


async def test_a_server_that_takes_no_notification_takes_the_job(
    engine: PostgresEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch = Link.fetch

    async def refused(self: Link, sql: str, *values: object) -> list[Record]:
        found = await fetch(self, sql, *values)
        if sql.startswith("call"):
            raise asyncpg.ProgramLimitExceededError("too many notifications in the NOTIFY queue")
        return found

    monkeypatch.setattr(Link, "fetch", refused)
    jobs = _jobs(1)
    assert [answer.kind for answer in await engine.broker.publish(jobs)] == ["accepted"]
    assert await _claimed(engine, 1) == jobs
