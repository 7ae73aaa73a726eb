"""The demo's two worker processes: real ones, started as anybody starts them, one of them to be killed."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from workhorse.core.errors import WorkhorseError

APP: Final = "workhorse.cli.demo_app:app"
LEASE: Final = 3.0
CONCURRENCY: Final = 8


class Crew:
    """Two processes while the block lasts; what they print goes to log files in the folder."""

    def __init__(self, url: str, folder: Path) -> None:
        self._url, self._folder = url, folder
        self._processes: list[subprocess.Popen[bytes]] = []
        self._killed: set[int] = set()

    def __enter__(self) -> Self:
        for number in (1, 2):
            self._processes.append(self._started(number))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        living = [process for process in self._processes if process.poll() is None]
        for process in living:
            process.send_signal(signal.SIGTERM if error is None else signal.SIGKILL)
        for process in living:
            try:
                process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    @property
    def pids(self) -> list[int]:
        """Of both, as long as they live."""
        return [process.pid for process in self._processes if process.pid not in self._killed]

    def kill(self, pid: int) -> None:
        """SIGKILL, and wait until it is gone."""
        process = next(each for each in self._processes if each.pid == pid)
        process.kill()
        process.wait()
        self._killed.add(pid)

    def check(self) -> None:
        """WorkhorseError when a process ended that nobody killed."""
        for number, process in enumerate(self._processes, 1):
            if process.pid not in self._killed and process.poll() is not None:
                raise WorkhorseError(
                    f"worker process {process.pid} ended by itself with {process.returncode}; see {self._log(number)}"
                )

    def _started(self, number: int) -> "subprocess.Popen[bytes]":
        words = ["worker", APP, "--lease", f"{LEASE:g}", "--concurrency", str(CONCURRENCY), "--log-level", "warning"]
        # -P and a folder of our own: nothing that lies in the user's current folder is imported by accident
        with open(self._log(number), "wb") as log:
            return subprocess.Popen(
                [sys.executable, "-P", "-m", "workhorse", *words],
                cwd=self._folder,
                env={**os.environ, "WORKHORSE_URL": self._url},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def _log(self, number: int) -> Path:
        return self._folder / f"worker-{number}.log"
