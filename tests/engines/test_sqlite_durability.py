"""SQLite and what may befall a file: dead processes, full disks, missing rights, damage, later versions. Nothing accepted is lost."""

import asyncio
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from workhorse.core.errors import BrokerUnavailable, EngineRefused
from workhorse.engine import Engine, Envelope, Put
from workhorse.engines import open_engine
from workhorse.engines.sqlite.engine import SqlEngine


def _job(id: str, queue: str = "q") -> Envelope:
    return Envelope(id, "noop", b"{}", queue)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "jobs.db"


async def _opened(path: Path, options: str = "") -> Engine:
    engine = open_engine(f"sqlite:///{path}{options}")
    await engine.open()
    return engine


def _run(script: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, timeout=60, check=False
    )


async def _found(path: Path) -> list[str]:
    engine = await _opened(path)
    assert engine.broker is not None
    claims = await engine.broker.claim(["q"], 100_000, 30)
    await engine.close()
    return sorted(each.job.id for each in claims)


async def test_what_was_accepted_is_there_when_the_process_dies_at_once(path: Path) -> None:
    script = """
import asyncio, os, sys
from workhorse.engine import Envelope
from workhorse.engines import open_engine

async def main():
    engine = open_engine(sys.argv[1])
    await engine.open()
    await engine.broker.publish([Envelope(f"{n:03}", "noop", b"{}", "q") for n in range(100)])
    os._exit(9)

asyncio.run(main())
"""
    assert _run(script, f"sqlite:///{path}").returncode == 9
    assert await _found(path) == [f"{n:03}" for n in range(100)]


async def test_normal_is_said_by_the_url(path: Path) -> None:
    engine = await _opened(path, "?synchronous=normal")
    assert isinstance(engine, SqlEngine)
    assert ("synchronous", "normal") in await engine.describe()
    await engine.close()


async def test_concurrent_calls_are_one_transaction(path: Path) -> None:
    engine = await _opened(path)
    assert isinstance(engine, SqlEngine)
    said = _listen(engine)
    await asyncio.gather(*(engine.broker.publish([_job(f"{n}")]) for n in range(50)))
    await asyncio.gather(*(engine.store.put([Put(f"{n}", b"1")]) for n in range(50)))
    await engine.close()
    # Each first call may find the desk idle and go alone; the others wait for it, and go together.
    assert said.count("commit") <= 6


async def test_an_operation_that_fails_is_undone_by_itself(path: Path) -> None:
    engine = await _opened(path)
    assert isinstance(engine, SqlEngine)
    broken = Put("broken", "not bytes but 1/0", None, ttl=float("nan"))  # type: ignore[arg-type]
    calls = [engine.store.put([Put(f"{n}", b"1"), *([broken] if n == 7 else [])]) for n in range(20)]
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert [n for n, answer in enumerate(answers) if isinstance(answer, BaseException)] == [7]
    found = await engine.store.get([f"{n}" for n in range(20)])
    assert [n for n, fact in enumerate(found) if fact is None] == [7]
    await engine.close()


async def test_a_full_disk_is_a_clear_error_and_what_was_accepted_is_intact(path: Path) -> None:
    script = """
import asyncio, os, resource, signal, sys
from workhorse.core.errors import BrokerUnavailable
from workhorse.engine import Envelope
from workhorse.engines import open_engine

async def main():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    engine = open_engine(sys.argv[1])
    await engine.open()
    resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, resource.RLIM_INFINITY))
    accepted = 0
    try:
        for n in range(5000):
            await engine.broker.publish([Envelope(f"{n:05}", "noop", b"x" * 1000, "q")])
            accepted = n + 1
    except BrokerUnavailable as error:
        print(accepted, error, flush=True)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    await engine.broker.publish([Envelope("room again", "noop", b"{}", "q")])
    await engine.close()

asyncio.run(main())
"""
    done = _run(script, f"sqlite:///{path}")
    accepted, _, message = done.stdout.partition(" ")
    assert "disk" in message, done.stderr
    found = await _found(path)
    assert found[-1] == "room again"
    assert found[: int(accepted)] == [f"{n:05}" for n in range(int(accepted))]
    assert int(accepted) > 10


@pytest.mark.parametrize("damage", ["garbage", "text", "cut", "header", "middle"])
async def test_a_damaged_file_is_refused_and_left_untouched(path: Path, damage: str) -> None:
    await _filled(path)
    before = _damage(path, damage)
    with pytest.raises(EngineRefused, match=r"\.recover"):
        await _opened(path)
    assert _bytes(path) == before


async def test_a_file_of_a_newer_version_is_refused_and_left_untouched(path: Path) -> None:
    await _filled(path)
    with sqlite3.connect(path) as con:
        con.execute("update workhorse_counters set value = 99 where name = 'schema'")
    con.close()
    before = _bytes(path)
    with pytest.raises(EngineRefused, match="newer Workhorse"):
        await _opened(path)
    assert _bytes(path) == before


async def test_a_file_of_the_users_own_is_shared(path: Path) -> None:
    """His tables, his user_version, and ours beside them."""
    with sqlite3.connect(path) as con:
        con.execute("create table jobs (mine text)")
        con.execute("pragma user_version = 42")
    con.close()
    await _filled(path)
    with sqlite3.connect(path) as con:
        assert con.execute("pragma user_version").fetchone() == (42,)
        assert con.execute("select count(*) from jobs").fetchone() == (0,)
    con.close()
    assert await _found(path) == [f"{n:03}" for n in range(200)]


async def test_a_folder_that_is_not_there_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(EngineRefused, match="there is no folder"):
        await _opened(tmp_path / "missing" / "jobs.db")
    assert not (tmp_path / "missing").exists()


async def test_a_folder_in_place_of_the_file_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(EngineRefused, match="it is a folder"):
        await _opened(tmp_path)


def test_a_read_only_folder_is_a_clear_error(tmp_path: Path) -> None:
    script = """
import asyncio, concurrent.futures.thread, os, sys
from workhorse.core.errors import EngineRefused
from workhorse.engines import open_engine
import workhorse.engines.sqlite.engine

os.chmod(sys.argv[1], 0o555)
if not os.getuid():
    os.setuid(65534)  # rights do not hold root back

async def main():
    try:
        await open_engine(f"sqlite:///{sys.argv[1]}/jobs.db").open()
    except EngineRefused as error:
        print(error)

asyncio.run(main())
"""
    for each in (tmp_path, *list(tmp_path.parents)[:2]):
        each.chmod(0o755)
    done = _run(script, str(tmp_path))
    assert "chmod" in done.stdout, done.stderr
    assert list(tmp_path.iterdir()) == []


async def test_a_closed_engine_says_so_and_opens_again(path: Path) -> None:
    engine = await _opened(path)
    assert engine.broker is not None
    await engine.broker.publish([_job("a")])
    await engine.close()
    await engine.close()
    with pytest.raises(BrokerUnavailable, match="closed"):
        await engine.broker.publish([_job("b")])
    await engine.open()
    assert [each.job.id for each in await engine.broker.claim(["q"], 10, 30)] == ["a"]
    await engine.close()


async def _filled(path: Path) -> None:
    engine = await _opened(path)
    assert engine.broker is not None
    await engine.broker.publish([Envelope(f"{n:03}", "noop", b"x" * 1000, "q") for n in range(200)])
    await engine.close()


def _damage(path: Path, how: str) -> bytes:
    """What the file holds afterwards."""
    whole = path.read_bytes()
    damaged = {
        "garbage": os.urandom(8192),
        "text": b"not a database\n",
        "cut": whole[: len(whole) // 2],
        "header": b"SQLite format 4" + whole[15:],
        "middle": whole[:4096] + os.urandom(len(whole) - 8192) + whole[-4096:],
    }[how]
    path.write_bytes(damaged)
    return damaged


def _bytes(path: Path) -> bytes:
    return path.read_bytes()


def _listen(engine: SqlEngine) -> list[str]:
    """What the engine's connection runs from now on."""
    said: list[str] = []
    desk = engine._link._desk  # pyright: ignore[reportPrivateUsage]
    assert desk is not None
    desk.con.set_trace_callback(said.append)
    return said
