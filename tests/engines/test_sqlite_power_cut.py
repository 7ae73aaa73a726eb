"""What a power cut leaves: the database, and its log up to any byte. Whatever was accepted up to the last whole synced frame is there,
whole; what came later is there or not, but never half."""

import asyncio
import os
import random
import signal
import sqlite3
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from account import Started
from consistency import examined
from ledger import workload
from ledger.journal import Reader
from ledger.stage import Stage, stage
from waiting import until
from workhorse.engine import Claim, Engine, Envelope, Filter, Lane, Put, Succeeded, Unique
from workhorse.engines import open_engine

HEADER: Final = 32
FRAME: Final = 24 + 4096
"""Bytes of the log's own header, and of one page in it."""

JOBS, COPIES = 400, 8
CUTS: Final = 200
SEED: Final = 5
BATCHES: Final = 20


class Promise(NamedTuple):
    """Jobs of one publish, and how long the log was when it was answered."""

    size: int
    ids: frozenset[str]


class Run(NamedTuple):
    """The two files as a process left them, and what it had been told."""

    database: bytes
    log: bytes
    promises: Sequence[Promise]


@pytest.fixture(scope="module", params=["the log alone", "half in the database"])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Batches of jobs of every kind, with claims and settles in between; the log was emptied into the database half way, or not."""
    path = tmp_path_factory.mktemp("run") / "jobs.db"
    return asyncio.run(_run(path, checkpoint=request.param == "half in the database"))


async def test_a_log_cut_at_any_frame_keeps_what_was_accepted(run: Run, tmp_path: Path) -> None:
    frames = range(HEADER, len(run.log) + 1, FRAME)
    assert len(frames) > BATCHES
    for cut in frames:
        await _survives(run, cut, tmp_path / "jobs.db")


async def test_a_log_cut_at_any_byte_keeps_what_was_accepted(run: Run, tmp_path: Path) -> None:
    chance = random.Random(SEED)
    for cut in (0, 1, HEADER - 1, *(chance.randrange(len(run.log)) for _ in range(CUTS))):
        await _survives(run, cut, tmp_path / "jobs.db")


async def test_a_log_whose_last_frames_are_noise_keeps_what_was_accepted(run: Run, tmp_path: Path) -> None:
    """The disk had grown the file, and written nothing of it."""
    chance = random.Random(SEED)
    for cut in (chance.randrange(HEADER, len(run.log)) for _ in range(20)):
        await _survives(run, cut, tmp_path / "jobs.db", bytes(FRAME * 2) if cut % 2 else chance.randbytes(FRAME * 2))


def test_copies_of_a_frozen_worker_hold_every_job(tmp_path: Path) -> None:
    """Taken at random moments of its work: in each all jobs are there, each once, and those that had ended have their results."""
    chance = random.Random(SEED)
    pieces = workload.plain(JOBS, 0.01)
    with stage(tmp_path) as scene:
        workload.save(scene.crew.plan, pieces)
        assert scene.crew.produce(0, 100_000).process.wait(60) == 0
        worker = scene.crew.hire("", "--burst").process
        moments = sorted(chance.randrange(JOBS) for _ in range(COPIES))
        copies = [_frozen(scene, worker, tmp_path / f"copy {n}", ran) for n, ran in enumerate(moments)]
        assert worker.wait(60) == 0
    ended = [asyncio.run(_ended(copy / "jobs.db", [piece.id for piece in pieces])) for copy in copies]
    assert any(0 < count < JOBS for count in ended)


def _frozen(scene: Stage, worker: "subprocess.Popen[bytes]", copy: Path, after: int) -> Path:
    """A copy of the files of a worker that stands still in the midst of a step, once so many jobs ran. The log begins anew
    shortly before, so that old frames stand behind the new ones."""
    until(lambda: sum(isinstance(it, Started) for it in Reader(scene.crew.journals).more()) >= after)
    data = scene.folder / "jobs.db"
    _checkpoint(data, "restart")
    worker.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, worker.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)  # it may have been done by then
    _copied(data, copy)
    worker.send_signal(signal.SIGCONT)
    return copy


async def _ended(path: Path, ids: Sequence[str]) -> int:
    """How many of these jobs, all of which are there, have ended, each with its result."""
    async with _opened(path) as engine:
        assert engine.inspector is not None
        assert engine.store is not None
        rows = await engine.inspector.list(Filter(), JOBS * 2)
        assert sorted(row.job.id for row in rows) == sorted(ids)
        ended = [row.job.id for row in rows if row.status == "succeeded"]
        assert None not in await engine.store.get([f"result/{id}" for id in ended])
    examined(path)
    return len(ended)


async def _run(path: Path, checkpoint: bool) -> Run:
    async with _opened(path) as engine:
        promises = [await _promise(engine, path, n) for n in range(BATCHES // 2)]
        if checkpoint:
            _checkpoint(path, "truncate")
            promises = [Promise(0, promise.ids) for promise in promises]
        promises += [await _promise(engine, path, n) for n in range(BATCHES // 2, BATCHES)]
        copy = path.parent / "copy"
        _copied(path, copy)
        return Run((copy / "jobs.db").read_bytes(), (copy / "jobs.db-wal").read_bytes(), promises)


def _copied(path: Path, folder: Path) -> None:
    """By another process: one that closes a descriptor of the file drops the locks that its SQLite holds on it."""
    folder.mkdir()
    subprocess.run(["cp", str(path), f"{path}-wal", str(folder)], check=True)


def _checkpoint(path: Path, how: str) -> None:
    con = sqlite3.connect(path, timeout=30)
    busy, _, _ = con.execute(f"pragma wal_checkpoint({how})").fetchone()
    con.close()
    assert not busy


async def _promise(engine: Engine, path: Path, n: int) -> Promise:
    assert engine.broker is not None
    assert engine.store is not None
    jobs = [
        Envelope(f"{n} plain", "t", b"{}", f"q{n}"),
        Envelope(f"{n} large", "t", b"x" * 5000, f"q{n}"),
        Envelope(f"{n} in a lane", "t", b"{}", f"q{n}", lane=Lane(f"q/{n % 3}")),
        Envelope(f"{n} unique", "t", b"{}", f"q{n}", unique=Unique(f"q/{n}")),
    ]
    await engine.broker.publish(jobs)
    promise = Promise(Path(f"{path}-wal").stat().st_size, frozenset(job.id for job in jobs))
    if n % 3 == 2:  # other work goes on
        claims = await engine.broker.claim([f"q{n - 1}"], 2, 30)
        await engine.broker.settle([_well(claim) for claim in claims])
    return promise


def _well(claim: Claim) -> Succeeded:
    return Succeeded(claim, (Put(f"result/{claim.job.id}", b"{}", ttl=3600),))


async def _survives(run: Run, cut: int, path: Path, noise: bytes = b"") -> None:
    """Opened by our engine, it is consistent, and holds each promise whole; those that were kept by then it must hold."""
    path.write_bytes(run.database)
    Path(f"{path}-wal").write_bytes(run.log[:cut] + noise)
    Path(f"{path}-shm").unlink(missing_ok=True)
    async with _opened(path) as engine:
        assert engine.inspector is not None
        assert engine.broker is not None
        there = {row.job.id for row in await engine.inspector.list(Filter(), 1000)}
        for n, promise in enumerate(run.promises):
            kept = promise.ids & there
            assert kept == promise.ids or (not kept and promise.size > cut), (
                f"cut at {cut}: batch {n} has {sorted(kept)}"
            )
        assert await engine.broker.publish([Envelope("next", "t", b"{}", "q")])
    examined(path)


@asynccontextmanager
async def _opened(path: Path) -> AsyncIterator[Engine]:
    engine = open_engine(f"sqlite:///{path}")
    await engine.open()
    try:
        yield engine
    finally:
        await engine.close()
