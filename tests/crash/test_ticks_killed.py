"""Worker processes with a schedule, on each engine: one is killed, one takes over, one comes later, and each tick is one job."""

import asyncio
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from homes import home
from waiting import until
from workhorse import Workhorse
from workhorse.engine import Filter, Row

APP = """
import os
from workhorse import Context, Every, Workhorse

app = Workhorse(os.environ["TICKS_URL"], name="shop")

@app.task(schedule=Every(seconds=1))
async def beat(ctx: Context) -> None:
    with open("ledger", "a") as ledger:
        ledger.write(f"{ctx.job.id} {os.getpid()}\\n")
"""

SECOND = timedelta(seconds=1)


class Workers:
    """Processes in a folder, and what their tasks wrote."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url = folder, url
        (folder / "ticking.py").write_text(APP, encoding="utf-8")
        self._all: list[subprocess.Popen[bytes]] = []

    def start(self) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "workhorse", "worker", "ticking:app", "--lease", "2", "--log-level", "error"]
        worker = subprocess.Popen(command, cwd=self.folder, env={**os.environ, "TICKS_URL": self.url})
        self._all.append(worker)
        return worker

    def close(self) -> None:
        for worker in self._all:
            worker.kill()
            worker.wait()

    def ran(self) -> list[tuple[str, int]]:
        """Ids of ticks, and the process that ran each."""
        ledger = self.folder / "ledger"
        lines = ledger.read_text().splitlines() if ledger.exists() else []
        return [(id, int(pid)) for id, pid in map(str.split, lines)]

    def wait_for(self, more: int, by: "subprocess.Popen[bytes] | None" = None) -> None:
        """So many more ticks are run: by this one."""

        def count() -> int:
            return sum(by is None or pid == by.pid for _, pid in self.ran())

        goal = count() + more
        until(lambda: count() >= goal, 60)

    def rows(self) -> list[Row]:
        return asyncio.run(_rows(self.url))


async def _rows(url: str) -> list[Row]:
    async with Workhorse(url, name="shop") as app:
        inspector = (await app.engine()).inspector
        assert inspector is not None
        return list(await inspector.list(Filter(task="beat"), 1000))


@pytest.fixture(params=["sqlite", "postgres", "redis"])
def workers(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Workers]:
    workers = Workers(tmp_path, home(request, request.param))
    yield workers
    workers.close()


def moment(id: str) -> datetime:
    return datetime.fromisoformat(id.rpartition("~")[2])


def test_each_tick_is_one_job_though_a_worker_is_killed_and_another_comes_later(workers: Workers) -> None:
    first, second = workers.start(), workers.start()
    workers.wait_for(1, by=first)
    workers.wait_for(1, by=second)
    first.kill()
    first.wait()
    workers.wait_for(4, by=second)
    second.send_signal(signal.SIGTERM)
    assert second.wait(60) == 0
    before = {moment(id) for id, _ in workers.ran()}
    third = workers.start()
    workers.wait_for(2, by=third)
    third.send_signal(signal.SIGTERM)
    assert third.wait(60) == 0

    rows, runs = workers.rows(), Counter(id for id, _ in workers.ran())
    assert {row.job.id for row in rows} >= runs.keys()
    assert all(runs[row.job.id] <= 1 + row.crashes for row in rows), "a tick ran twice that no dead worker held"
    assert len(rows) == len({moment(row.job.id) for row in rows})
    span = int((max(before) - min(before)) / SECOND)
    assert before == {min(before) + n * SECOND for n in range(span + 1)}, "while one lives, none is missing"
