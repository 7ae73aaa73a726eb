"""Two links of one process on one file, as every worker has them, and clients that come and go."""

import subprocess
import sys
from pathlib import Path

from workhorse.engines import open_engine

CLIENT = """
import asyncio, sys
from workhorse.engine import Envelope
from workhorse.engines import open_engine

async def main(url, id):
    engine = open_engine(url)
    await engine.open()
    await engine.broker.publish([Envelope(id, "t", b"{}", queue="q")])
    await engine.close()

asyncio.run(main(*sys.argv[1:]))
"""


async def test_a_second_link_does_not_drop_the_locks_of_the_first(tmp_path: Path) -> None:
    """Closing any descriptor of a file drops the process' POSIX locks on it; the next client to close then believes that it
    is the last, and deletes the log under those who still use it: they would see nothing new, and lose what they settle."""
    url = f"sqlite:///{tmp_path}/jobs.db"
    first, second = open_engine(url), open_engine(url)
    await first.open()
    await second.open()
    assert first.broker is not None
    for id in ("one", "two", "three"):
        subprocess.run([sys.executable, "-c", CLIENT, url, id], check=True, timeout=60)
        assert (tmp_path / "jobs.db-wal").exists()
        (claim,) = await first.broker.claim(["q"], 10, 30)
        assert claim.job.id == id
    await second.close()
    subprocess.run([sys.executable, "-c", CLIENT, url, "four"], check=True, timeout=60)
    assert [claim.job.id for claim in await first.broker.claim(["q"], 10, 30)] == ["four"]
    await first.close()
