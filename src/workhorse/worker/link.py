"""A worker process' side of its supervisor: a shared budget, signs of life, counts at the end."""

import asyncio
import os
import resource
import signal
import sys
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.sharedctypes import Synchronized
from typing import Any

import msgspec

from workhorse.core.loops import run
from workhorse.worker.budget import Budget, LocalBudget
from workhorse.worker.counts import Counts
from workhorse.worker.worker import Worker

PATIENCE = 1.0
"""Seconds after which the holder of the budget's lock, who needs microseconds, counts as dead."""

BEAT = 0.5
"""Seconds between beats."""


class Beat(msgspec.Struct, frozen=True, tag="beat"):
    """`memory` in bytes: what the process holds now, where the system tells, else its most so far."""

    live: bool
    ready: bool
    memory: int


class Ended(msgspec.Struct, frozen=True, tag="ended"):
    """The worker ended by itself, having done this."""

    counts: Counts


class SharedBudget:
    """Tickets that all processes of one supervisor take from the same box."""

    def __init__(self, left: "Synchronized[int]") -> None:
        self._left = left

    def take(self, wanted: int) -> int:
        with self._locked() as left:
            taken: int = max(0, min(wanted, left.value))
            left.value -= taken
        return taken

    def give_back(self, unused: int) -> None:
        with self._locked() as left:
            left.value += unused

    @contextmanager
    def _locked(self) -> Generator[Any]:
        """A process that is killed in here takes the lock with it; then another takes it over."""
        lock = self._left.get_lock()
        lock.acquire(timeout=PATIENCE)
        try:
            yield self._left.get_obj()
        finally:
            try:
                lock.release()
            except ValueError:
                pass  # several of us waited for the dead one: it is free already


class Link:
    """What a supervisor gives each of its processes."""

    def __init__(self, pipe: Connection, left: "Synchronized[int] | None") -> None:
        self._pipe = pipe
        self.budget: Budget = LocalBudget() if left is None else SharedBudget(left)
        self.signals: Sequence[int] = (signal.SIGTERM,)
        """A terminal's SIGINT reaches all processes of a group; the supervisor turns it into this one."""

    def run(self, worker: Worker) -> Counts:
        """Run the worker on a loop of our own, with signs of life to the supervisor; stop when that one is gone."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        threading.Thread(target=self._listen, args=(worker,), name="workhorse-supervisor-pipe", daemon=True).start()
        return run(self._run(worker))

    async def _run(self, worker: Worker) -> Counts:
        beating = asyncio.create_task(self._beat(worker))
        try:
            counts = await worker.run()
        finally:
            beating.cancel()
        self._send(Ended(counts))
        return counts

    async def _beat(self, worker: Worker) -> None:
        while True:
            self._send(Beat(worker.healthy, worker.ready, memory()))
            await asyncio.sleep(BEAT)

    def _send(self, word: Beat | Ended) -> None:
        try:
            self._pipe.send_bytes(msgspec.json.encode(word))
        except OSError:
            pass  # the supervisor is gone, and the listening thread stops the worker

    def _listen(self, worker: Worker) -> None:
        try:
            self._pipe.recv_bytes()
        except (EOFError, OSError):
            worker.stop()  # killed, it left us behind: nobody would stop us any more


def memory() -> int:
    """Bytes that this process holds."""
    try:
        with open("/proc/self/statm", "rb") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:  # not Linux: the most so far, in bytes on macOS and in KiB elsewhere
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most * 1024
