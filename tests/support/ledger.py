"""A ledger of what ran, and the worker processes that write it."""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import Self

from workhorse import Workhorse

SLOTS = 8


class Ledger:
    """The file, and the workers that write it; all of them are gone after the block."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "ledger"
        self._file.touch()
        self.url = f"sqlite:///{folder}/jobs.db"
        here = str(Path(__file__).parent)
        self._environment = {**os.environ, "LEDGER": str(self._file), "LEDGER_URL": self.url, "PYTHONPATH": here}
        self.workers: list[subprocess.Popen[bytes]] = []
        self.gone: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in (*self.workers, *self.gone):
            process.kill()
            process.wait()

    def worker(self, *options: str) -> subprocess.Popen[bytes]:
        """One more worker process, with a lease of a second."""
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


async def enqueue(url: str, jobs: int) -> list[str]:
    """So many notes; their ids."""
    async with Workhorse(url, name="ledger") as app:
        handles = await app.enqueue_many(app.job("note", job) for job in range(jobs))
        return [handle.id for handle in handles]


async def statuses(url: str, ids: list[str]) -> Counter[str]:
    """How many of the jobs are where."""
    async with Workhorse(url, name="ledger") as app:
        return Counter([await app.status(id) for id in ids])
