"""The frame of a server: started on a folder, asked for its URL, stopped by the process id that it was started with."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

PATIENCE = 60.0
"""Seconds to start or to stop."""


class Spent(NamedTuple):
    """What a server used on one kind of command."""

    what: str
    calls: int
    microseconds: float


class Server(Protocol):
    """One database at a time; its whole state is the folder."""

    watched: bool
    """Before the start: it is to count what it spends, where that costs something."""

    @property
    def url(self) -> str: ...

    @property
    def pid(self) -> int | None:
        """None where there is no process."""

    def start(self) -> None:
        """On what lies in the folder; an empty one is a new database. Returns when it takes connections."""

    def stop(self, *, keep: bool = False) -> None:
        """keep: the folder holds afterwards all that the next start needs; else it is to be thrown away."""

    def size(self) -> int:
        """Bytes of what it holds."""

    def spent(self) -> Sequence[Spent]:
        """Since its start, by command, if it was watched. Commands of a script are counted in the script too."""

    def facts(self) -> Mapping[str, str]:
        """Its version, and the settings that differ from the defaults."""


class Process:
    """A server process, its log, and a free port of the loopback address."""

    def __init__(self, folder: Path, user: str | None = None) -> None:
        self.folder, self.port = folder, 0
        self._user = user
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def run(self, command: Callable[[int], list[str]], answers: Callable[[], bool]) -> None:
        """Start it, and wait until it answers."""
        self.port = _free_port()
        with (self.folder.parent / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                command(self.port), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                user=self._user, cwd=self.folder, extra_groups=[] if self._user else None, umask=0o077,
            )  # fmt: skip
        end = time.monotonic() + PATIENCE
        while not answers():
            if self._process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"the server did not start: {self.said()}")
            time.sleep(0.02)

    def end(self, how: signal.Signals) -> None:
        """This signal, and then its end; nothing where it does not run."""
        if self._process is None:
            return
        if self._process.poll() is None:
            os.kill(self._process.pid, how)
        self.wait()

    def wait(self) -> None:
        if self._process is not None:
            self._process.wait(PATIENCE)
            self._process = None

    def said(self) -> str:
        """The end of its log."""
        return (self.folder.parent / "server.log").read_text(errors="replace")[-1500:]


def listens(port: int) -> bool:
    with socket.socket() as knock:
        return knock.connect_ex(("127.0.0.1", port)) == 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
