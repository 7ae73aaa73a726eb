"""Processes for CPU-bound tasks: spawned, one job at a time in each, killed when its time is up."""

import asyncio
import multiprocessing
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

import msgspec

from workhorse.worker.call import Request
from workhorse.worker.child import serve
from workhorse.worker.verdict import Failed, Verdict

_decode: Callable[[bytes], Verdict] = msgspec.msgpack.Decoder(Verdict).decode


LAST = 5.0
"""Seconds that a process may take to end once its pipe is closed."""


class Processes:
    """Processes that are started when a job needs one and used again; at most one for each slot of the worker.

    Only bytes cross the pipe, in the codec's own format: the child decodes the payload by the task's signature, as the
    worker would.
    """

    def __init__(self) -> None:
        self._idle: list[Child] = []
        self._closed = False

    async def call(self, request: Request) -> Verdict:
        """The verdict on the job. When this is cancelled (time-out, lost lease, shutdown) the process is killed."""
        child = self._idle.pop() if self._idle else await asyncio.to_thread(Child)
        try:
            answer = await child.ask(msgspec.msgpack.encode(request))
        except asyncio.CancelledError:
            child.kill()
            raise
        if answer is None:
            return Failed("ProcessDied", f"the process that ran the task ended with exit code {child.exit_code}")
        if self._closed:
            child.kill()
        else:
            self._idle.append(child)
        return _decode(answer)

    def close(self) -> None:
        """Kill the idle processes; busy ones end with their call."""
        self._closed = True
        while self._idle:
            self._idle.pop().kill()


class Child:
    """One process and the pipe to it."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe: Connection
        self._pipe, theirs = context.Pipe()
        self._process: BaseProcess = context.Process(target=serve, args=(theirs,), daemon=True, name="workhorse-task")
        self._process.start()
        theirs.close()

    def ask(self, request: bytes) -> "asyncio.Future[bytes | None]":
        """The process's answer; None when it died."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[bytes | None] = loop.create_future()

        def talk() -> None:
            try:
                self._pipe.send_bytes(request)
                answer = self._pipe.recv_bytes()
            except (EOFError, OSError):
                answer = None
                self._process.join(LAST)  # else it stays a zombie for as long as the worker lives
            try:
                loop.call_soon_threadsafe(_deliver, future, answer)
            except RuntimeError:
                return  # the loop was closed: the worker is gone

        # a thread a call: a reading thread cannot be interrupted, and a killed child ends it
        threading.Thread(target=talk, name="workhorse-process-pipe", daemon=True).start()
        return future

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()

    @property
    def exit_code(self) -> int | None:
        """What it ended with; minus a signal's number if it was killed."""
        return self._process.exitcode


def _deliver(future: "asyncio.Future[bytes | None]", answer: bytes | None) -> None:
    if not future.cancelled():
        future.set_result(answer)
