"""A process that has used its engine forks, as the master of a web server does: nobody loses a job, and nobody hangs."""

import subprocess
import sys
from pathlib import Path

from workhorse.engine import Filter
from workhorse.engines import open_engine

COMMON = """
import asyncio, os, subprocess, sys, threading
from workhorse.engine import Envelope
from workhorse.engines import open_engine
from workhorse.engines.sqlite import claiming

url, script = sys.argv[1], sys.argv[2]

async def client(*ids):
    engine = open_engine(url)
    await engine.open()
    await publish(engine, *ids)
    return engine

async def publish(engine, *ids):
    for id in ids:
        await engine.broker.publish([Envelope(id, "t", b"{}", queue="q")])

def child(work):
    pid = os.fork()
    if not pid:
        try:
            asyncio.run(work())
        finally:
            os._exit(0 if "done" in globals() else 1)
    return pid

def ended(pid):
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
"""

PARENT_LEAVES = """
opened, parent_left = os.pipe(), os.pipe()

async def in_child():
    global done
    engine = await client("two")
    os.write(opened[1], b".")
    os.read(parent_left[0], 1)
    await publish(engine, "three", "four")
    done = True

loop = asyncio.new_event_loop()
engine = loop.run_until_complete(client("one"))
pid = child(in_child)
os.read(opened[0], 1)
loop.run_until_complete(engine.close())
subprocess.run([sys.executable, "-c", script, url, script, "alone"], check=True, timeout=60)
os.write(parent_left[1], b".")
sys.exit(ended(pid))
"""

ALONE = """
if len(sys.argv) > 3:
    async def alone():
        await (await client("five")).close()
    asyncio.run(alone())
    sys.exit()
"""

IN_A_TRANSACTION = """
inside, never = threading.Event(), threading.Event()
real = claiming.claim

def slow(*args):
    inside.set()
    never.wait(0.3)  # long enough for a fork, if it does not wait
    return real(*args)

async def in_child():
    global done
    claiming.claim = real
    await client("two")
    done = True

async def main():
    engine = await client("one")
    claiming.claim = slow
    task = asyncio.create_task(engine.broker.claim(["q"], 1, 30))
    await asyncio.to_thread(inside.wait)
    pid = await asyncio.to_thread(child, in_child)
    assert len(await task) == 1
    return pid

sys.exit(ended(asyncio.run(main())))
"""


def run(script: str, url: str) -> int:
    return subprocess.run([sys.executable, "-c", script, url, script], timeout=60, check=False).returncode


async def stored(url: str) -> set[str]:
    engine = open_engine(url)
    await engine.open()
    assert engine.inspector is not None
    ids = {row.job.id for row in await engine.inspector.list(Filter())}
    await engine.close()
    return ids


async def test_what_a_child_commits_outlives_its_parents_leaving(tmp_path: Path) -> None:
    """The child inherits SQLite's notes on its parent's locks, not the locks: the next who leaves deleted the log under it."""
    url = f"sqlite:///{tmp_path}/jobs.db"
    assert run(COMMON + ALONE + PARENT_LEAVES, url) == 0
    assert await stored(url) == {"one", "two", "three", "four", "five"}


async def test_a_fork_in_the_midst_of_a_transaction_does_not_shut_the_child_out(tmp_path: Path) -> None:
    """It would inherit a write lock that nobody can ever give back."""
    url = f"sqlite:///{tmp_path}/jobs.db"
    assert run(COMMON + IN_A_TRANSACTION, f"{url}?busy=2") == 0
    assert await stored(url) == {"one", "two"}
