"""The stage: one peer's database in a folder of its own and the server on it, its producers and workers
as processes, and the book of what ran."""

import json
import os
import shutil
import signal
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import environments
import processes
import work
from peer import Peer
from servers import SERVERS

STALL = 30.0
"""Seconds without a job after which a drain has failed."""

READY = 60.0
"""Seconds that workers have to import what they need."""


class Failed(Exception):
    """A peer did not do what it was to do; with the end of its log."""


class Stage:
    """Leaving it kills what it started and removes what they wrote."""

    def __init__(self, peer: Peer, settings: dict[str, str] | None = None) -> None:
        self.peer = peer
        self._settings = {**peer.settings, **(settings or {})}
        self._python = environments.python(peer.environment)
        self._memory = Path(tempfile.mkdtemp(prefix="bench-", dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
        self._disk = Path(tempfile.mkdtemp(dir=environments.disk()))
        self._disk.chmod(0o755)  # a server may run as another user
        self.folder, self._kept = self._disk / "now", self._disk / "kept"
        self.server = SERVERS[peer.engine](self.folder)
        self._ticks, self._log = self._memory / "ticks", self._memory / "log"
        self._workers: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        shutil.rmtree(self._memory, ignore_errors=True)
        shutil.rmtree(self._disk, ignore_errors=True)

    # ---- the database

    def empty(self) -> None:
        """A database without jobs."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()
        self.server.start()
        self.role("setup")

    def keep(self) -> None:
        """Remember the database as it is now; its server is stopped."""
        self.server.stop(keep=True)
        _copy(self.folder, self._kept)

    def again(self) -> None:
        """Back to what was kept, and on disk, so that no write-back disturbs what follows."""
        self.stop()
        _copy(self._kept, self.folder)
        os.sync()
        self.server.start()

    def forget(self) -> None:
        """Neither the database nor what was kept of it takes room any more."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.rmtree(self._kept, ignore_errors=True)

    # ---- roles

    def enqueue(self, mode: str, jobs: int, seconds: float) -> dict[str, float]:
        """single, bulk or callers: so many jobs, or for so long; bulk without such an API is a hundred callers."""
        how = "callers" if mode == "bulk" and not self.peer.bulk else mode
        return self.role("enqueue", how, jobs, seconds, patience=seconds + 60)

    def role(self, *words: object, patience: float = 60) -> Any:
        """What a process in this role answers."""
        command = [self._python, "role.py", self.peer.module, *map(str, words)]
        try:
            done = subprocess.run(
                command, cwd=environments.HERE, env=self._environment(), capture_output=True, text=True, timeout=patience
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise Failed(f"{words}: no answer within {patience:g} s") from error
        if done.returncode:
            raise Failed(f"{words}: {done.stderr[-1500:]}")
        answers = [line for line in done.stdout.splitlines() if line.startswith("{")]
        return json.loads(answers[-1]) if answers else None

    def start(self, count: int, concurrency: int) -> None:
        """So many worker processes, let go together once all have imported what they need."""
        gate = self._memory / "gate"
        shutil.rmtree(gate, ignore_errors=True)
        gate.mkdir()
        self._ticks.write_bytes(b"")
        words = self.peer.command or ("role.py", self.peer.module, "worker", "{concurrency}")
        command = [word.format(concurrency=concurrency) for word in words]
        for _ in range(count):
            with self._log.open("ab") as log:
                started = subprocess.Popen(
                    [self._python, *command], cwd=environments.HERE, stdout=log, stderr=log,
                    env=self._environment(BENCH_GATE=str(gate)), start_new_session=True,
                )  # fmt: skip
            self._workers.append(started)
        self._wait_for(lambda: len(list(gate.glob("ready-*"))) >= count)
        (gate / "go").touch()

    def stop(self) -> None:
        """No worker and no server runs any more: what is in the database now is lost."""
        self.dismiss()
        self.server.stop()

    def dismiss(self) -> None:
        """Kill the workers, each with all it started."""
        for worker in self._workers:
            try:
                os.killpg(worker.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            worker.wait()
        self._workers.clear()

    @property
    def groups(self) -> set[int]:
        """The workers' process groups."""
        return {worker.pid for worker in self._workers}

    @property
    def worked(self) -> float:
        """Processor seconds of the workers so far."""
        return processes.processor_seconds(processes.members(self.groups))

    @property
    def served(self) -> float:
        """Processor seconds of the server so far."""
        return processes.processor_seconds(processes.family(self.server.pid)) if self.server.pid else 0.0

    def _wait_for(self, ready: Callable[[], bool]) -> None:
        end = time.monotonic() + READY
        while not ready():
            if time.monotonic() > end or any(worker.poll() is not None for worker in self._workers):
                raise Failed(f"a worker did not start: {self.said()}")
            time.sleep(0.01)

    def said(self) -> str:
        """The end of the workers' log."""
        return self._log.read_text(errors="replace")[-1500:] if self._log.exists() else ""

    def _environment(self, **more: str) -> dict[str, str]:
        ours = {
            "BENCH_FOLDER": str(self.folder), "BENCH_URL": self.server.url, "BENCH_TICKS": str(self._ticks),
            "PYTHONWARNINGS": "ignore",
        }  # fmt: skip
        return {**os.environ, **ours, **self._settings, **more}

    # ---- the book

    @property
    def ran(self) -> int:
        """Jobs so far."""
        return self._ticks.stat().st_size // work.RECORD.size

    def book(self) -> list[tuple[float, float]]:
        """When each job ran, and when it was enqueued."""
        written = self._ticks.read_bytes()
        return list(work.RECORD.iter_unpack(written[: len(written) // work.RECORD.size * work.RECORD.size]))

    def wait_for_jobs(self, jobs: int, seconds: float) -> None:
        """Until so many ran, or for so long after the first; Failed when none comes any more."""
        begun: float | None = None
        seen, moved = 0, time.monotonic()
        while self.ran < jobs and (begun is None or time.monotonic() < begun + seconds):
            if self.ran > seen:
                seen, moved = self.ran, time.monotonic()
                begun = begun or moved
            elif time.monotonic() > moved + STALL:
                raise Failed(f"no job for {STALL:g} s, {seen} of {jobs} ran: {self.said()}")
            time.sleep(0.01)

    def drain(self, jobs: int, seconds: float, count: int, concurrency: int) -> dict[str, float]:
        """Workers on what is kept: the rate, and what a job cost them. The clock starts at the first job."""
        self.again()
        self.start(count, concurrency)
        self.wait_for_jobs(1, STALL)
        before, used, served = self.ran, self.worked, self.served
        self.wait_for_jobs(jobs, seconds)
        used, served, ran = self.worked - used, self.served - served, max(1, self.ran - before)
        told = {
            "memory_mib": processes.memory(self.groups), "processor_us_a_job": used / ran * 1e6,
            "server_us_a_job": served / ran * 1e6,
        }  # fmt: skip
        self.stop()
        times = sorted(begun for begun, _ in self.book()[:jobs])
        span = times[-1] - times[0]
        rate = (len(times) - 1) / span if span else 0.0
        return {"jobs": len(times), "seconds": span, "rate": rate, "cut_short": len(times) < jobs, **told}

    def latency(self, samples: int, concurrency: int, idle: float) -> dict[str, float]:
        """One job at a time to an idle worker: milliseconds; and what that worker uses while nothing comes."""
        self.empty()
        self.start(1, concurrency)
        self.role("enqueue", "single", 3, 10)  # the worker's first jobs are slower than any later one
        self.wait_for_jobs(3, 10)
        self.role("latency", samples, patience=60 + samples * 5)
        waits = sorted((begun - enqueued) * 1e3 for begun, enqueued in self.book() if enqueued)
        if len(waits) < samples:
            raise Failed(f"only {len(waits)} of {samples} jobs ran within 5 s each: {self.said()}")
        used, served = self.worked, self.served
        time.sleep(idle)
        used, served = self.worked - used, self.served - served
        self.stop()
        return {
            "samples": len(waits), "p50_ms": statistics.median(waits), "p99_ms": quantile(waits, 0.99),
            "idle_processor_percent": used / idle * 100, "idle_server_percent": served / idle * 100,
        }  # fmt: skip


def _copy(folder: Path, to: Path) -> None:
    """With owners and modes: a server is particular about them."""
    shutil.rmtree(to, ignore_errors=True)
    subprocess.run(["cp", "-a", folder, to], check=True)


def quantile(ordered: list[float], share: float) -> float:
    """Of values in order."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
