"""A server's process, whatever it serves: started, stopped, killed, frozen, and started again on the same port and data."""

import ctypes
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Self

from servers import found
from servers.wallclock import WallClock
from waiting import until

HOST: Final = "127.0.0.1"
_WHEN_THE_PARENT_DIES: Final = 1

PATIENCE: Final = 30
"""Seconds in which a server starts or stops, on a machine that is busy with other things."""


class Server(ABC):
    """One server. Used as a context manager it is started at once, and gone after, with its folder.

    `clock`: its wall clock can be moved (`server.jump(seconds)`); needs a C compiler. `fast`: its data lie in memory.
    """

    user: str | None = None
    """Whom it runs as; None: us."""
    stopping = signal.SIGTERM

    def __init__(self, *, clock: bool = False, fast: bool = False) -> None:
        self.folder = found.folder(fast=fast)
        self.port = free_port()
        self.address = f"{HOST}:{self.port}"
        self._output = self.folder / "log"
        self._clock = WallClock(self.folder) if clock else None
        self._process: subprocess.Popen[bytes] | None = None
        self._marked = 0

    @abstractmethod
    def command(self) -> list[str]:
        """What starts it."""

    @abstractmethod
    def up(self) -> bool:
        """It answers."""

    @property
    def clock(self) -> WallClock:
        """Its wall clock."""
        assert self._clock is not None, "start it with clock=True to move its time"
        return self._clock

    def jump(self, seconds: float) -> None:
        """Let its wall clock jump, and return when all that it does goes by the new time."""
        self.clock.move(seconds)

    @property
    def running(self) -> bool:
        """Its process is there, frozen or not."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        assert self._process is not None, "it was never started"
        return self._process.pid

    @property
    def log(self) -> str:
        """What it wrote since `mark`, its last part."""
        with self._output.open(errors="replace") as file:
            file.seek(self._marked)
            return file.read()[-20_000:]

    def mark(self) -> None:
        """Forget what it wrote until now."""
        self._marked = self._output.stat().st_size if self._output.exists() else 0

    def start(self) -> Self:
        """Return when it answers; AssertionError, with its log, when it does not come."""
        assert not self.running, "it runs already"
        with self._output.open("ab") as log:
            self._process = subprocess.Popen(
                self.command(), stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=self._environment(),
                cwd=self.folder, start_new_session=True, preexec_fn=_mourning(self.stopping), **self._identity(),
            )  # fmt: skip
        until(lambda: not self.running or self.up(), PATIENCE)
        assert self.running, f"{self} did not start:\n{self.log}"
        return self

    def stop(self) -> None:
        """Tell it to end, and wait until it has."""
        self.thaw()
        self._end(lambda: self._signal(self.stopping, [self.pid]))

    def kill(self) -> None:
        """kill -9, all its processes at once."""
        if self.running:
            self._signal(signal.SIGSTOP, [self.pid])  # what is frozen starts no more of them
        self._end(lambda: self._signal(signal.SIGKILL, [self.pid, *self._children()]))

    def freeze(self) -> None:
        """Stop all its processes where they stand: connections stay, and nothing answers."""
        self._signal(signal.SIGSTOP, [self.pid])
        self._signal(signal.SIGSTOP, self._children())

    def thaw(self) -> None:
        """Let them go on."""
        if self.running:
            self._signal(signal.SIGCONT, [*self._children(), self.pid])

    def restart(self) -> Self:
        """Stop and start, on the same port and data."""
        self.stop()
        return self.start()

    def close(self) -> None:
        """End it, and remove its folder."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(self, *_: object) -> None:
        self.close()

    def __str__(self) -> str:
        return f"{type(self).__name__} on {self.address}"

    def own(self, path: Path) -> None:
        """Give the path, and all below it, to whom the server runs as."""
        if self.user is not None:
            for each in (path, *path.rglob("*")):
                shutil.chown(each, self.user)

    def _identity(self) -> dict[str, Any]:
        return {} if self.user is None else {"user": self.user, "extra_groups": []}

    def _environment(self) -> Mapping[str, str]:
        return {**os.environ, **({} if self._clock is None else self._clock.environment)}

    def _end(self, tell: Callable[[], None]) -> None:
        """Children outlive a parent that is killed, and hold what its successor needs."""
        if self._process is None or not self.running:
            return
        children = self._children()
        tell()
        self._process.wait(PATIENCE)
        until(lambda: _all_gone(children), PATIENCE)

    def _children(self) -> list[int]:
        return list(_descendants(self.pid, _table()))

    def _signal(self, number: int, pids: list[int]) -> None:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, number)


def answers(port: int) -> bool:
    """Somebody listens there."""
    with suppress(OSError), socket.create_connection((HOST, port), timeout=1):
        return True
    return False


def free_port() -> int:
    """One that nobody listens on, and that no outgoing connection is ever given: while its server is away, it stays free. The same
    holds for the one that is 10,000 higher, where a node of a cluster talks to the others."""
    while True:
        port = random.SystemRandom().randint(12_000, 22_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind((HOST, port))
            return port


def _mourning(number: int) -> Callable[[], None] | None:
    """Let the server get this signal when we are killed: nobody else would end it. It is tied to the thread that starts it."""
    if not sys.platform.startswith("linux") or threading.current_thread() is not threading.main_thread():
        return None
    prctl = ctypes.CDLL(None).prctl
    return lambda: prctl(_WHEN_THE_PARENT_DIES, number)


def _table() -> dict[int, tuple[int, str]]:
    """Parent and state of every process."""
    done = subprocess.run(["ps", "-A", "-o", "pid=,ppid=,stat="], capture_output=True, text=True, check=True)
    rows = (line.split() for line in done.stdout.splitlines())
    return {int(pid): (int(parent), state) for pid, parent, state in rows}


def _descendants(pid: int, table: dict[int, tuple[int, str]]) -> Iterator[int]:
    for child in [each for each, (parent, _) in table.items() if parent == pid]:
        yield child
        yield from _descendants(child, table)


def _all_gone(pids: list[int]) -> bool:
    """None is left; one that has ended, and waits for somebody who asks how, is gone too."""
    table = _table() if pids else {}
    return all(table.get(pid, (0, "Z"))[1].startswith("Z") for pid in pids)
