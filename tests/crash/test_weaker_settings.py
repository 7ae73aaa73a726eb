"""Settings under which an answer does not wait for the disk: what a server loses that is killed is counted, and is only what came last."""

import asyncio
from collections.abc import Callable
from typing import NamedTuple

import pytest

from servers import Postgres, Redis, Server
from servers.fixtures import Own
from waiting import until
from workhorse.engine import Envelope, Filter
from workhorse.engines import open_engine

JOBS = 400
Say = Callable[[str], None]


class Accepted(NamedTuple):
    """A job, and how long before the death of its server it was accepted, in seconds."""

    id: str
    ago: float


async def publish_until(death: Callable[[], None], url: str, jobs: int, first: int = 0) -> list[Accepted]:
    """One after the other, as many as that; then the server dies."""
    engine = open_engine(url)
    await engine.open()
    assert engine.broker is not None
    loop, told = asyncio.get_running_loop(), list[tuple[str, float]]()
    for number in range(first, first + jobs):
        (answer,) = await engine.broker.publish([Envelope(f"job-{number:06}", "work", b"{}", "lost")])
        assert answer.kind == "accepted"
        told.append((f"job-{number:06}", loop.time()))
    died = loop.time()
    death()
    await engine.close()
    return [Accepted(id, died - at) for id, at in told]


async def there(url: str) -> set[str]:
    """The ids of all jobs."""
    engine = open_engine(url)
    await engine.open()
    assert engine.inspector is not None
    found, last = set[str](), ""
    while page := await engine.inspector.list(Filter(after=last), 1000):
        found |= {row.job.id for row in page}
        last = page[-1].job.id
    await engine.close()
    return found


def killed(server: Server, url: str, kept_by_now: Callable[[], bool]) -> tuple[list[Accepted], list[Accepted]]:
    """What was accepted before the server had put all of it where it outlives a kill -9, and after; the server is back."""
    before = asyncio.run(publish_until(lambda: until(kept_by_now), url, JOBS))
    after = asyncio.run(publish_until(server.kill, url, JOBS, first=JOBS))
    server.start()
    return before, after


def lost(accepted: list[Accepted], kept: set[str]) -> list[Accepted]:
    """They are the last ones: nothing is missing that was accepted before one that is there."""
    gone = [job for job in accepted if job.id not in kept]
    assert gone == accepted[len(accepted) - len(gone) :], "something is lost from the midst"
    return gone


def said(setting: str, gone: list[Accepted], accepted: list[Accepted]) -> str:
    oldest = max((job.ago for job in gone), default=0)
    return f"{setting}: {len(gone)} of {len(accepted)} accepted jobs lost by kill -9, the oldest {oldest * 1000:.0f} ms before it"


def test_postgresql_without_synchronous_commit_loses_only_what_its_writer_had_not_come_to(own: Own, say: Say) -> None:
    server: Postgres = own(Postgres, synchronous_commit="off")
    url = server.create("jobs")
    before, after = killed(
        server, url, lambda: server.sql("select pg_current_wal_flush_lsn() >= pg_current_wal_insert_lsn()") == [("t",)]
    )
    gone = lost(before + after, asyncio.run(there(url)))
    say(said("synchronous_commit=off", gone, before + after))
    assert set(gone) <= set(after)


def test_redis_that_syncs_each_second_loses_only_what_it_had_not_written(own: Own, say: Say) -> None:
    server: Redis = own(Redis, appendonly="yes", appendfsync="everysec")
    url = server.url()
    before, after = killed(
        server, url, lambda: server.info("aof_buffer_length") == server.info("aof_pending_bio_fsync") == 0
    )
    gone = lost(before + after, asyncio.run(there(url)))
    say(said("appendfsync everysec", gone, before + after))
    assert set(gone) <= set(after)


def test_redis_without_a_log_loses_what_came_after_its_last_snapshot(own: Own, say: Say) -> None:
    server: Redis = own(Redis)
    url = server.url()
    before, after = killed(server, url, lambda: server.call("SAVE"))
    gone = lost(before + after, asyncio.run(there(url)))
    say(said("appendonly no", gone, before + after))
    assert gone == after


@pytest.mark.parametrize("make", [Postgres, Redis])
def test_with_the_settings_of_the_proof_nothing_is_lost(make: type[Server], own: Own) -> None:
    """The same, but for the setting: so the loss above is its."""
    server = own(make, **({"durable": True} if make is Redis else {"synchronous_commit": "on"}))
    url = server.create("jobs") if isinstance(server, Postgres) else server.url()
    accepted = asyncio.run(publish_until(server.kill, url, 300))
    server.start()
    assert lost(accepted, asyncio.run(there(url))) == []
