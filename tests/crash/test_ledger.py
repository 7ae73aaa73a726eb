"""Nothing accepted is lost: five hundred jobs, two workers killed half way, every line of the ledger accounted for."""

import asyncio
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from waiting import until

JOBS, SLOTS = 500, 8


class Ledger:
    """The file, and the workers that write it."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "ledger"
        self._file.touch()
        self.url = f"sqlite:///{folder}/jobs.db"
        self._environment = {
            **os.environ,
            "LEDGER": str(self._file),
            "LEDGER_URL": self.url,
            "PYTHONPATH": str(Path(__file__).parents[1] / "support"),
        }
        self.workers: list[subprocess.Popen[bytes]] = []

    def worker(self, *options: str) -> subprocess.Popen[bytes]:
        """One more worker process, with a short lease."""
        command = [
            sys.executable,
            "-m",
            "workhorse",
            "worker",
            "ledger_app:app",
            "--concurrency",
            str(SLOTS),
            "--lease",
            "1",
        ]
        process = subprocess.Popen([*command, *options], env=self._environment, stdout=subprocess.DEVNULL)
        self.workers.append(process)
        return process

    def count(self, word: str) -> Counter[int]:
        """How often each job wrote it."""
        lines = [line.split() for line in self._file.read_text().splitlines()]
        return Counter(int(job) for said, job, _ in lines if said == word)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    made = Ledger(tmp_path)
    yield made
    for process in made.workers:
        process.kill()
        process.wait()


async def _enqueue(url: str) -> list[str]:
    from workhorse import Workhorse

    async with Workhorse(url, name="ledger") as app:
        handles = await app.enqueue_many(app.job("note", job) for job in range(JOBS))
        return [handle.id for handle in handles]


async def _statuses(url: str, ids: list[str]) -> Counter[str]:
    from workhorse import Workhorse

    async with Workhorse(url, name="ledger") as app:
        return Counter([await app.status(id) for id in ids])


def test_500_jobs_survive_two_kills(ledger: Ledger) -> None:
    ids = asyncio.run(_enqueue(ledger.url))
    first, second = ledger.worker(), ledger.worker()
    until(lambda: len(ledger.count("done")) > JOBS // 5)
    first.send_signal(signal.SIGKILL)
    until(lambda: len(ledger.count("done")) > JOBS // 2)
    second.send_signal(signal.SIGKILL)
    third = ledger.worker()
    until(lambda: len(ledger.count("done")) == JOBS)
    third.send_signal(signal.SIGTERM)
    assert third.wait(60) == 0

    starts = ledger.count("start")
    assert set(starts) == set(range(JOBS))
    # a killed worker's jobs may run once more: those that it ran, and those that had ended and were not settled yet
    assert sum(starts.values()) - JOBS <= 2 * (SLOTS + 100)
    assert asyncio.run(_statuses(ledger.url, ids)) == {"succeeded": JOBS}


def test_a_worker_told_to_stop_loses_nothing_and_runs_nothing_twice(ledger: Ledger) -> None:
    ids = asyncio.run(_enqueue(ledger.url))
    first = ledger.worker()
    until(lambda: len(ledger.count("done")) > JOBS // 5)
    first.send_signal(signal.SIGTERM)
    assert first.wait(60) == 0
    assert ledger.worker("--burst").wait(60) == 0
    assert ledger.count("start") == dict.fromkeys(range(JOBS), 1)
    assert asyncio.run(_statuses(ledger.url, ids)) == {"succeeded": JOBS}
