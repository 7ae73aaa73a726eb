"""A server has no room for a while: nothing is half there, nothing that was accepted or done is lost, and it goes on when there is some."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import pytest

from consistency_postgres import consistent
from ledger import disk
from ledger.disk import Disk
from ledger.on_postgres import SETTINGS, on_small_disk
from servers import Postgres, Redis
from servers.found import Missing
from workhorse import Workhorse
from workhorse.core.envelope import encode_job
from workhorse.engine import Envelope, Filter
from workhorse.engines import open_engine
from workhorse.errors import BrokerUnavailable

BATCH = 20


class Small(NamedTuple):
    """A server, and the disk that its data are on."""

    server: Postgres
    disk: Disk


@pytest.fixture
def small() -> Iterator[Small]:
    try:
        server = Postgres(**SETTINGS)
    except Missing as missing:
        pytest.skip(str(missing))
    try:
        if why := disk.missing():
            pytest.skip(why)
        with on_small_disk(server, 128) as small, server:
            yield Small(server, small)
    finally:
        server.close()


def batch(number: int) -> list[Envelope]:
    return [Envelope(f"{number:04}-{place:02}", "wait", b"x" * 3000, "full") for place in range(BATCH)]


async def publish_until_full(url: str) -> tuple[list[str], list[Envelope], str]:
    """The ids of what was accepted, what was refused, and why."""
    engine = open_engine(url)
    await engine.open()
    assert engine.broker is not None
    accepted, number = list[str](), 0
    try:
        while True:
            await engine.broker.publish(batch(number))
            accepted += [job.id for job in batch(number)]
            number += 1
    except BrokerUnavailable as error:
        said = str(error)
    await engine.close()
    return accepted, batch(number), said


async def afterwards(url: str, accepted: Sequence[str], refused: Sequence[Envelope]) -> tuple[int, int, int]:
    """How many accepted ones are there, how many of those refused, and how many of these once they are published again."""
    engine = open_engine(url)
    await engine.open()
    assert engine.broker is not None
    assert engine.inspector is not None
    ids = [job.id for job in refused]
    kept = await engine.inspector.list(Filter(ids=accepted), len(accepted))
    before = await engine.inspector.list(Filter(ids=ids), BATCH)
    await engine.broker.publish(refused)
    after = await engine.inspector.list(Filter(ids=ids), BATCH)
    await engine.close()
    return len(kept), len(before), len(after)


def test_a_publish_to_a_postgresql_whose_disk_is_full_is_there_or_not_and_can_be_done_again(small: Small) -> None:
    url = small.server.create("jobs")
    asyncio.run(afterwards(url, ["none"], batch(9999)))
    small.disk.fill()
    accepted, refused, said = asyncio.run(publish_until_full(url))
    assert "expected an answer" in said
    small.disk.free()
    if not small.server.running:  # it ends itself when it cannot write its log
        small.server.start()
    kept, before, after = asyncio.run(afterwards(url, accepted, refused))
    assert (kept, after) == (len(accepted), BATCH)
    assert before in (0, BATCH)
    consistent(small.server, "jobs")


async def fill_and_drain(server: Redis) -> tuple[str, int]:
    """What was said to who came when memory was full, and how many were done in the end."""
    app = Workhorse(server.url(), name="full")

    @app.task
    async def wait(padding: str) -> None:
        pass

    async with app:
        accepted = [(await app.enqueue(app.job("wait", "x" * 3000))).id for _ in range(BATCH)]
        server.call("CONFIG", "SET", "maxmemory", 1)
        broker, job = (await app.engine()).broker, encode_job(app.job("wait", "x"), wait)
        assert broker is not None
        with pytest.raises(BrokerUnavailable) as caught:
            await broker.publish([job])
        counts = await app.worker(burst=True, signals=()).run()
        assert counts.succeeded == BATCH
        server.call("CONFIG", "SET", "maxmemory", 0)
        await broker.publish([job])
        more = await app.worker(burst=True, signals=()).run()
        assert [await app.status(id) for id in accepted] == ["succeeded"] * BATCH
    return str(caught.value), counts.succeeded + more.succeeded


def test_a_redis_whose_memory_is_full_takes_nothing_new_and_lets_workers_go_on(redis: Redis) -> None:
    said, done = asyncio.run(fill_and_drain(redis))
    assert "its memory is full" in said
    assert "what was accepted is intact" in said
    assert done == BATCH + 1
