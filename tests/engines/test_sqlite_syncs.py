"""SQLite: an answer waits for the disk, and nobody else does: syncs go on beside the desk, one for all that was committed before it.
Only what is alone, one job with nobody behind it, is synced by the desk itself."""

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from faulty_engine import turns
from workhorse.core.ids import new_id
from workhorse.engine import Engine, EngineRefused, Envelope, Succeeded
from workhorse.engines import open_engine
from workhorse.engines.sqlite import syncs


class Disk:
    """Counts syncs; a held one waits until it is let go, a broken one fails."""

    def __init__(self) -> None:
        self.syncs = 0
        self.free = threading.Event()
        self.free.set()
        self.broken = False

    def sync(self, fd: int) -> None:
        self.syncs += 1
        assert self.free.wait(20)
        if self.broken:
            raise OSError(5, "Input/output error")


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    disk = Disk()
    monkeypatch.setattr(syncs, "_datasync", disk.sync)
    return disk


@pytest.fixture
async def engine(disk: Disk, tmp_path: Path) -> AsyncIterator[Engine]:
    engine = open_engine(f"sqlite:///{tmp_path}/jobs.db")
    await engine.open()
    yield engine
    disk.free.set()
    await engine.close()


def _job(id: str = "") -> Envelope:
    return Envelope(id or new_id(), "noop", b"{}", "q")


async def test_a_publish_and_a_settle_are_synced_and_a_claim_is_not(engine: Engine, disk: Disk) -> None:
    assert engine.broker is not None
    await engine.broker.publish([_job()])
    assert disk.syncs == 1
    claims = await engine.broker.claim(["q"], 1, 30)
    assert await engine.broker.extend(claims, 30) == ["kept"]
    assert disk.syncs == 1
    assert await engine.broker.settle([Succeeded(claims[0])]) == []
    assert disk.syncs == 2


async def test_an_answer_waits_for_its_sync_and_others_do_not_wait_for_it(engine: Engine, disk: Disk) -> None:
    assert engine.broker is not None
    await engine.broker.publish([_job("first")])
    disk.free.clear()
    publishing = asyncio.ensure_future(engine.broker.publish([_job("second"), _job("third")]))
    await turns(lambda: disk.syncs == 2)
    claims = await engine.broker.claim(["q"], 10, 30)
    assert sorted(each.job.id for each in claims) == ["first", "second", "third"]
    assert not publishing.done()
    disk.free.set()
    assert [answer.kind for answer in await publishing] == ["accepted", "accepted"]


async def test_one_job_alone_is_synced_before_its_answer_too(engine: Engine, disk: Disk) -> None:
    assert engine.broker is not None
    disk.free.clear()
    publishing = asyncio.ensure_future(engine.broker.publish([_job()]))
    await turns(lambda: disk.syncs == 1)
    assert not publishing.done()
    disk.free.set()
    assert [answer.kind for answer in await publishing] == ["accepted"]


async def test_one_sync_serves_all_that_was_committed_before_it(engine: Engine, disk: Disk) -> None:
    assert engine.broker is not None
    disk.free.clear()
    publishing = [asyncio.ensure_future(engine.broker.publish([_job("0"), _job()]))]
    await turns(lambda: disk.syncs == 1)
    for n in range(1, 6):
        publishing.append(asyncio.ensure_future(engine.broker.publish([_job(f"{n}"), _job()])))
        found: list[str] = []
        while len(found) < 1:  # each is committed, and may be claimed, while the disk is still at the first
            claims = await engine.broker.claim(["q"], 10, 30)
            found = [each.job.id for each in claims if each.job.id == f"{n}"]
            await engine.broker.extend(claims, 0)
    disk.free.set()
    await asyncio.gather(*publishing)
    assert disk.syncs == 2


async def test_normal_leaves_the_syncs_to_the_system(disk: Disk, tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path}/jobs.db?synchronous=normal")
    await engine.open()
    assert engine.broker is not None
    await engine.broker.publish([_job()])
    await engine.close()
    assert disk.syncs == 0


async def test_closing_waits_for_what_is_not_yet_on_the_disk(engine: Engine, disk: Disk) -> None:
    assert engine.broker is not None
    disk.free.clear()
    publishing = asyncio.ensure_future(engine.broker.publish([_job()]))
    await turns(lambda: disk.syncs == 1)
    closing = asyncio.ensure_future(engine.close())
    disk.free.set()
    await closing
    assert [answer.kind for answer in await publishing] == ["accepted"]


async def test_after_a_sync_that_failed_nothing_is_accepted_any_more(engine: Engine, disk: Disk) -> None:
    """The system may forget what it could not write: a later sync that succeeds says nothing of it."""
    assert engine.broker is not None
    await engine.broker.publish([_job()])
    (claim,) = await engine.broker.claim(["q"], 1, 30)
    disk.broken = True
    with pytest.raises(EngineRefused, match="expected the disk to take what was written"):
        await engine.broker.publish([_job()])
    disk.broken = False
    with pytest.raises(EngineRefused, match="start this process again"):
        await engine.broker.settle([Succeeded(claim)])
    with pytest.raises(EngineRefused, match="start this process again"):
        await engine.broker.claim(["q"], 1, 30)
    assert disk.syncs == 2
