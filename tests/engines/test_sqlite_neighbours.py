"""SQLite beside others: several processes on one file, the user's own connection on it, forks, loops and threads."""

import asyncio
import fcntl
import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import pytest

from workhorse.core.errors import BrokerUnavailable
from workhorse.engine import Engine, Envelope, Put, Succeeded
from workhorse.engines import open_engine
from workhorse.engines.sqlite.turnstile import MAIN

BUSY = """
import asyncio, sys
from workhorse.core.ids import new_id
from workhorse.engine import Envelope, Succeeded
from workhorse.engines import open_engine

async def main():
    engine = open_engine(sys.argv[1])
    await engine.open()
    async def turn():
        while True:
            await engine.broker.publish([Envelope(new_id(), "noop", b"{}", "busy") for _ in range(100)])
            await engine.broker.settle([Succeeded(each) for each in await engine.broker.claim(["busy"], 100, 30)])
    turns = [asyncio.create_task(turn()) for _ in range(3)]
    await asyncio.sleep(0.2)
    print("busy", flush=True)
    await asyncio.gather(*turns)

asyncio.run(main())
"""


def _job(id: str, queue: str = "q") -> Envelope:
    return Envelope(id, "noop", b"{}", queue)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "jobs.db"


@pytest.fixture
async def engine(path: Path) -> AsyncIterator[Engine]:
    engine = open_engine(f"sqlite:///{path}")
    await engine.open()
    yield engine
    await engine.close()


@contextmanager
def _neighbour(script: str, path: Path) -> Iterator["subprocess.Popen[str]"]:
    """A process with this script on this file, as soon as it has printed its first line."""
    child = subprocess.Popen(
        [sys.executable, "-c", script, f"sqlite:///{path}"], stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True
    )
    try:
        assert child.stdout is not None
        assert child.stdout.readline()
        yield child
    finally:
        child.kill()
        child.communicate()


@contextmanager
def _turn_taken(path: Path) -> Iterator[None]:
    with open(f"{path}{MAIN}", "rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


async def test_writers_do_not_starve_each_other(engine: Engine, path: Path) -> None:
    assert engine.broker is not None
    waits: list[float] = []
    with _neighbour(BUSY, path), _neighbour(BUSY, path):
        for n in range(40):
            start = time.perf_counter()
            await engine.broker.publish([_job(f"{n}")])
            waits.append(time.perf_counter() - start)
    assert max(waits) < 1
    assert median(waits) < 0.1


async def test_the_users_own_connection_gets_its_chances(engine: Engine, path: Path) -> None:
    con = sqlite3.connect(path, isolation_level=None, timeout=10)
    con.execute("create table mine (n integer)")
    waits: list[float] = []
    with _neighbour(BUSY, path):
        for n in range(40):
            start = time.perf_counter()
            con.execute("insert into mine values (?)", (n,))
            waits.append(time.perf_counter() - start)
    con.close()
    assert median(waits) < 0.15
    assert max(waits) < 2


async def test_a_commit_of_another_process_wakes_who_waits(engine: Engine, path: Path) -> None:
    script = """
import asyncio, sys
from workhorse.engine import Envelope, Put
from workhorse.engines import open_engine

async def main():
    engine = open_engine(sys.argv[1])
    await engine.open()
    print("open", flush=True)
    sys.stdin.readline()
    await engine.broker.publish([Envelope("theirs", "noop", b"{}", "q")])
    sys.stdin.readline()
    await engine.store.put([Put("fact", b"1")])
    sys.stdin.readline()

asyncio.run(main())
"""
    assert engine.broker is not None
    assert engine.store is not None
    with _neighbour(script, path) as child:
        assert child.stdin is not None
        for waiting in (engine.broker.wait(["q"], 1, 60), engine.store.wait({"fact": 0}, 60)):
            task = asyncio.ensure_future(waiting)
            await engine.store.get(["anything"])  # by then the wait has looked
            child.stdin.write("go\n")
            child.stdin.flush()
            async with asyncio.timeout(10):
                await task


async def test_a_commit_of_the_users_own_connection_wakes_who_waits(engine: Engine, path: Path) -> None:
    assert engine.broker is not None
    assert engine.statements is not None
    task = asyncio.ensure_future(engine.broker.wait(["q"], 1, 60))
    await engine.broker.claim(["other"], 1, 30)
    con = sqlite3.connect(path, isolation_level=None)
    con.execute("begin immediate")
    for text, values in engine.statements.statements([_job("theirs")], []):
        con.execute(text, values)
    con.execute("commit")
    con.close()
    async with asyncio.timeout(10):
        await task


async def test_without_file_notices_a_slow_poll_does(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workhorse.engines.sqlite.notice.sys.platform", "plan9")
    ours, theirs = open_engine(f"sqlite:///{path}"), open_engine(f"sqlite:///{path}")
    await ours.open()
    await theirs.open()
    assert ours.broker is not None
    assert theirs.broker is not None
    task = asyncio.ensure_future(ours.broker.wait(["q"], 1, 60))
    await ours.broker.claim(["other"], 1, 30)
    await theirs.broker.publish([_job("theirs")])
    async with asyncio.timeout(10):
        await task
    await theirs.close()
    await ours.close()


async def test_waiting_costs_next_to_nothing(engine: Engine) -> None:
    assert engine.broker is not None
    await engine.broker.wait(["q"], 1, 0.1)
    start = time.process_time()
    await engine.broker.wait(["q"], 1, 1.0)
    assert time.process_time() - start < 0.03


async def test_a_foreign_transaction_that_has_read_holds_up_nobody(engine: Engine, path: Path) -> None:
    """It is the foreign one that cannot write any more; ours goes on, and what it wrote is not lost."""
    assert engine.broker is not None
    con = sqlite3.connect(path, isolation_level=None, timeout=0.1)
    con.execute("begin")
    con.execute("select count(*) from workhorse_jobs").fetchone()
    await engine.broker.publish([_job("ours")])
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        con.execute("delete from workhorse_jobs")
    con.execute("rollback")
    con.close()
    assert [each.job.id for each in await engine.broker.claim(["q"], 10, 30)] == ["ours"]


async def test_a_lock_that_is_held_for_too_long_is_a_clear_error_and_no_loss(path: Path) -> None:
    engine = open_engine(f"sqlite:///{path}?busy=0.2")
    await engine.open()
    assert engine.broker is not None
    await engine.broker.publish([_job("before")])
    con = sqlite3.connect(path, isolation_level=None)
    con.execute("begin immediate")
    with pytest.raises(BrokerUnavailable, match="write lock"):
        await engine.broker.publish([_job("during")])
    con.execute("rollback")
    con.close()
    await engine.broker.publish([_job("after")])
    assert {"before", "after"} <= {each.job.id for each in await engine.broker.claim(["q"], 10, 30)}
    await engine.close()


async def test_a_turn_that_never_comes_is_a_clear_error(path: Path) -> None:
    """A process that was stopped inside its turn: file locks wait without end, callers do not."""
    engine = open_engine(f"sqlite:///{path}?busy=0.1")
    await engine.open()
    assert engine.broker is not None
    with _turn_taken(path), pytest.raises(BrokerUnavailable, match="stopped process"):
        await engine.broker.publish([_job("a")])
    await engine.broker.publish([_job("b")])
    assert [each.job.id for each in await engine.broker.claim(["q"], 10, 30)] == ["b"]
    await engine.close()


def test_a_forked_child_is_told_and_harms_nothing(path: Path) -> None:
    script = """
import asyncio, os, sys
from workhorse.core.errors import EngineRefused
from workhorse.engine import Envelope
from workhorse.engines import open_engine

async def main():
    engine = open_engine(sys.argv[1])
    await engine.open()
    await engine.broker.publish([Envelope("parent", "noop", b"{}", "q")])
    return engine

loop = asyncio.new_event_loop()
engine = loop.run_until_complete(main())
child = os.fork()
if not child:
    async def use():
        try:
            await engine.broker.publish([Envelope("child", "noop", b"{}", "q")])
        except EngineRefused as error:
            assert "forked child" in str(error)
            await engine.close()
            own = open_engine(sys.argv[1])
            await own.open()
            await own.broker.publish([Envelope("own", "noop", b"{}", "q")])
            await own.close()
            os._exit(7)  # a child that ends as usual closes the loop it inherited, and with it what its parent waits by
    asyncio.new_event_loop().run_until_complete(use())
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
claims = loop.run_until_complete(engine.broker.claim(["q"], 10, 30))
print(sorted(each.job.id for each in claims))
loop.run_until_complete(engine.close())
"""
    done = subprocess.run(
        [sys.executable, "-c", script, f"sqlite:///{path}"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.strip() == "['own', 'parent']", done.stderr
    with sqlite3.connect(path) as con:
        assert con.execute("pragma integrity_check").fetchone() == ("ok",)


def test_a_store_in_memory_is_shared_between_loops_and_threads() -> None:
    url = f"memory://shared-{os.getpid()}"
    seen: list[str] = []

    async def take() -> None:
        engine = open_engine(url)
        await engine.open()
        assert engine.broker is not None
        while len(seen) < 40:
            for each in await engine.broker.claim(["q"], 3, 30):
                seen.append(each.job.id)
                await engine.broker.settle([Succeeded(each, writes=[Put(f"r/{each.job.id}", b"1")])])
            await engine.broker.wait(["q"], 3, 0.05)
        await engine.close()

    async def give() -> None:
        engine = open_engine(url)
        await engine.open()
        assert engine.broker is not None
        for n in range(40):
            await engine.broker.publish([_job(f"{n:02}")])
        await engine.close()

    threads = [threading.Thread(target=asyncio.run, args=(work(),)) for work in (take, take, give)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(seen) == [f"{n:02}" for n in range(40)]
