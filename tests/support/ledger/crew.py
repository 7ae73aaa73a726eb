"""The processes of a run: workers, and one producer at a time. A name is one life; whoever dies is replaced under a new one."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from ledger import LEASE, journal

SLOTS = 8
GRACE = 2
SUPPORT = Path(__file__).parents[1]


class Life:
    """One process, from its start to its end."""

    def __init__(self, who: str, process: subprocess.Popen[bytes]) -> None:
        self.who, self.process = who, process
        self.thaws: float | None = None  # frozen until then
        self.told = False  # to stop
        self.fused = False  # it will kill itself
        self.immune = False  # nothing is done to it

    @property
    def alive(self) -> bool:
        return self.process.poll() is None


class Crew:
    """Starts and ends them; all are gone after `close`."""

    def __init__(self, folder: Path, url: str, environment: Mapping[str, str]) -> None:
        self.journals, self.logs, self.plan = folder / "journals", folder / "logs", folder / "plan"
        self.journals.mkdir()
        self.logs.mkdir()
        self._environment = {
            **os.environ, **environment, "LEDGER_URL": url, "LEDGER_JOURNALS": str(self.journals), "PYTHONPATH": str(SUPPORT),
        }  # fmt: skip
        self._lives = 0
        self.workers: list[Life] = []
        self.producer: Life | None = None

    def hire(self, fuse: str = "", *options: str) -> Life:
        """One more worker."""
        app = ["-m", "workhorse", "worker", "ledger.app:app"]
        usual = ["--concurrency", str(SLOTS), "--lease", str(LEASE), "--grace", str(GRACE)]
        life = self._start("w", [*app, *usual, *options], fuse)
        life.fused = bool(fuse)
        self.workers.append(life)
        return life

    def hire_elder(self) -> Life:
        """A worker that nothing is done to, and that runs no poison, so that its memory can be watched."""
        life = self.hire("", "--queues", "ledger")
        life.immune = True
        return life

    def produce(self, first: int, rate: float, fuse: str = "") -> Life:
        """The producer, from this piece of the plan on."""
        self.producer = self._start("p", ["-m", "ledger.producer", str(self.plan), str(first), str(rate)], fuse)
        return self.producer

    def at_work(self) -> list[Life]:
        """Workers that have claimed, and that nothing was done to yet."""
        return [
            it
            for it in self.workers
            if it.alive and it.thaws is None and not it.told and not it.immune and journal.wrote(self.journals, it.who)
        ]

    def bury(self) -> list[Life]:
        """Take away the workers that have ended; AssertionError when one did so that was neither killed nor told to."""
        gone = [life for life in self.workers if not life.alive]
        for life in gone:
            good = (-signal.SIGKILL, 0) if life.told else (-signal.SIGKILL,)
            assert life.process.returncode in good, f"{life.who} ended by itself: see {self.logs / life.who}"
        self.workers = [life for life in self.workers if life not in gone]
        return gone

    def dismiss(self, seconds: float) -> bool:
        """Tell all workers to stop; whether they did, in time."""
        for life in self.workers:
            life.process.terminate()
        end = time.monotonic() + seconds
        while any(life.alive for life in self.workers) and time.monotonic() < end:
            time.sleep(0.02)
        return not any(life.alive for life in self.workers)

    def close(self) -> None:
        """End everybody."""
        for life in (*self.workers, *([self.producer] if self.producer else [])):
            life.process.kill()
            life.process.wait()

    def _start(self, role: str, command: list[str], fuse: str) -> Life:
        self._lives += 1
        who = f"{role}{self._lives}"
        with (self.logs / who).open("wb") as log:
            environment = {**self._environment, "LEDGER_WHO": who, "LEDGER_FUSE": fuse}
            process = subprocess.Popen(
                [sys.executable, *command],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
            )
        return Life(who, process)
