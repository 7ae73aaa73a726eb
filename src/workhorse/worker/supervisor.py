"""Several worker processes: started, watched, started again with backoff, stopped together."""

import asyncio
import multiprocessing
import signal
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from multiprocessing.sharedctypes import Synchronized
from typing import TypeAlias

import msgspec

from workhorse.core.happenings import ProcessDied
from workhorse.core.instrument import Bus, log
from workhorse.core.loops import run
from workhorse.worker.counts import Counts
from workhorse.worker.health import Probe, serving
from workhorse.worker.link import Beat, Ended, Link
from workhorse.worker.signals import Signals

Main: TypeAlias = Callable[[Link], object]

TURN = 0.1
"""Seconds between looks at the processes."""

FIRST, LONGEST, CALM = 0.5, 30.0, 60.0
"""Seconds: the wait before a dead process is started again doubles from the first to the longest, and begins anew after
a process that lived so long in calm."""

SILENT = 60.0
"""Seconds without a beat after which a process counts as hanging."""

LATE = 10.0
"""Seconds past its grace after which a process that was told to stop is killed."""


def supervise(
    main: Main,
    *,
    processes: int,
    grace: float,
    bus: Bus,
    max_memory: int | None = None,
    max_jobs: int | None = None,
    health: tuple[str, int] | None = None,
) -> Counts:
    """Run `main(link)` in so many spawned processes until a signal, or until all have ended by themselves.

    A process that dies is started again; one that holds more than `max_memory` bytes is stopped between jobs and
    started anew; `max_jobs` is exact over all of them. The sum of what they did.
    """
    return run(Supervisor(main, processes, grace, bus, max_memory, max_jobs).run(health))


class Member:
    """One process: its pipe, what it last said, and whether it was told to stop."""

    def __init__(self, main: Main, left: "Synchronized[int] | None") -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe: Connection
        self._pipe, theirs = context.Pipe()
        self.process: SpawnProcess = context.Process(target=_begin, args=(main, theirs, left), name="workhorse-worker")
        self.process.start()
        theirs.close()
        self.pid = self.process.pid or 0
        self.started = self.heard = time.monotonic()
        self.beat = Beat(live=True, ready=False, memory=0)
        self.counts: Counts | None = None
        self.told: float | None = None

    def listen(self) -> None:
        """Take in what it said."""
        try:
            while self._pipe.poll():
                word = msgspec.json.decode(self._pipe.recv_bytes(), type=Beat | Ended)
                self.heard = time.monotonic()
                if isinstance(word, Beat):
                    self.beat = word
                else:
                    self.counts = word.counts
        except (EOFError, OSError):
            pass  # it is dead: its exit code tells

    def stop(self) -> None:
        """SIGTERM; once more means at once."""
        if self.told is None:
            self.told = time.monotonic()
        if self.process.is_alive():
            self.process.terminate()

    @property
    def live(self) -> bool:
        """Whether it works, or is about to begin."""
        return self.beat.live and time.monotonic() - self.heard < SILENT


class Supervisor:
    """Sees to its processes in one loop of its own."""

    def __init__(
        self, main: Main, processes: int, grace: float, bus: Bus, max_memory: int | None, max_jobs: int | None
    ) -> None:
        self._main, self._processes, self._grace, self._bus, self._max_memory = main, processes, grace, bus, max_memory
        context = multiprocessing.get_context("spawn")
        # not the reentrant lock of its own choice: that one only its holder can release, and a holder may be killed
        self._left = None if max_jobs is None else context.Value("q", max_jobs, lock=context.Lock())
        self._members: list[Member] = []
        self._restarts: list[float] = []
        self._wait = FIRST
        self._stopping = False
        self._counts = Counts()

    async def run(self, health: tuple[str, int] | None) -> Counts:
        """Until all processes have ended."""
        async with AsyncExitStack() as stack:
            stack.enter_context(Signals(None, self.stop))
            if health is not None:
                await stack.enter_async_context(serving(*health, self.probe))
            for _ in range(self._processes):
                self._start()
            while self._members or self._restarts:
                self._look()
                await asyncio.sleep(TURN)
        return self._counts

    def stop(self) -> None:
        """Tell all to stop; told twice they stop at once."""
        self._stopping = True
        self._restarts.clear()
        for member in self._members:
            member.stop()

    @property
    def pids(self) -> list[int]:
        """Of the processes that are there."""
        return [member.pid for member in self._members]

    def probe(self) -> Probe:
        """Live while every process is; ready while any is, and none is to stop."""
        live = bool(self._members) and all(member.live for member in self._members)
        return Probe(live, not self._stopping and any(member.beat.ready for member in self._members))

    def _look(self) -> None:
        for member in tuple(self._members):
            member.listen()
            if member.process.is_alive():
                self._tend(member)
            else:
                member.listen()  # its last words
                self._members.remove(member)
                self._buried(member)
        now = time.monotonic()
        due = [moment for moment in self._restarts if moment <= now]
        self._restarts = [moment for moment in self._restarts if moment > now]
        for _ in due:
            self._start()

    def _start(self) -> None:
        try:
            self._members.append(Member(self._main, self._left))
        except OSError as error:  # no room for one more just now: the others must not be left alone for that
            log.error("a worker process could not be started, trying again: %s", error)
            self._again()

    def _again(self) -> None:
        if self._stopping:
            return
        self._wait = min(self._wait * 2, LONGEST)
        self._restarts.append(time.monotonic() + self._wait)

    def _tend(self, member: Member) -> None:
        too_big = self._max_memory is not None and member.beat.memory > self._max_memory
        if too_big and member.told is None:
            log.warning(
                "worker process %d holds %d MB: it finishes its jobs, and another takes its place",
                member.pid, member.beat.memory >> 20,
            )  # fmt: skip
            member.stop()
        if member.told is not None and time.monotonic() - member.told > self._grace + LATE:
            log.error("worker process %d does not stop: killed", member.pid)
            member.process.kill()

    def _buried(self, member: Member) -> None:
        """It is over: on its own account, because it was told to, or by an accident."""
        code = member.process.exitcode
        member.process.close()
        if member.counts is not None:
            self._counts += member.counts
        ended = member.counts is not None and member.told is None
        if self._stopping or (ended and code == 0):
            return
        if member.counts is not None:  # recycled
            self._restarts.append(time.monotonic())
            return
        self._wait = FIRST / 2 if time.monotonic() - member.started > CALM else self._wait
        self._again()
        self._bus.say(ProcessDied(member.pid, code if code is not None else -1, self._wait))


def _begin(main: Main, pipe: Connection, left: "Synchronized[int] | None") -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    main(Link(pipe, left))
