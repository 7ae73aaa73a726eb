"""Where a task's code runs: async on the loop, sync in a thread, CPU-bound in a process; each with its time-out."""

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from workhorse.core import context as contexts
from workhorse.core.happenings import ThreadAbandoned
from workhorse.core.instrument import Bus
from workhorse.worker.call import Request, Terms
from workhorse.worker.deadlines import Deadlines
from workhorse.worker.processes import Processes
from workhorse.worker.running import Running, Why
from workhorse.worker.shares import concluded
from workhorse.worker.threads import Answer, Threads
from workhorse.worker.verdict import Failed, Interrupted, Verdict, judge


class Pool:
    """Calls tasks; knows how to end each kind of call, and what it cannot end."""

    def __init__(self, bus: Bus, deadlines: Deadlines, torn_down: Callable[[], bool]) -> None:
        self._bus, self._deadlines, self._torn_down = bus, deadlines, torn_down
        self._threads = Threads("workhorse-task")
        self._processes = Processes()
        self._pid = os.getpid()
        self.abandoned = 0
        """Slots that are lost to threads whose time is over and which still run."""

    def close(self) -> None:
        """Let go of threads and processes."""
        self._deadlines.close()
        self._threads.close()
        self._processes.close()

    async def call(self, terms: Terms, args: Sequence[Any], kwargs: Mapping[str, Any], running: Running) -> Verdict:
        """The verdict on one call; raises nothing that the task raises."""
        assert running.slot is not None
        running.call = slot = running.slot
        if terms.timeout is not None:
            self._deadlines.watch(running, terms.timeout)
        given = args
        if terms.takes_context:
            args = (running.bear(), *args)
        token = contexts.enter(running)
        try:
            if terms.run_in == "async":
                return concluded(terms, await terms.fn(*args, **kwargs), given)
            return await self._elsewhere(terms, args, kwargs, running, given)
        except BaseException as error:
            ours = running.why is not None or self._torn_down()
            if isinstance(error, asyncio.CancelledError) and ours and slot.cancelling():
                return _interrupted(running.why, terms)  # one that the task raises, or asks for, itself is a failure
            return judge(error, terms.retry)
        finally:
            running.call = None
            contexts.leave(token)
            if self._pid != os.getpid():
                os._exit(0)  # the task forked and its copy came back here: only the original may settle
            while slot.cancelling() and not self._torn_down():
                slot.uncancel()  # also what the task, or a library of its, asked for: the slot goes on

    async def _elsewhere(
        self, terms: Terms, args: Sequence[Any], kwargs: Mapping[str, Any], running: Running, given: Sequence[Any]
    ) -> Verdict:
        fn = terms.fn
        if terms.run_in == "process":
            return await self._processes.call(Request(fn.__module__, fn.__qualname__, running.payloads))
        value, error = await self.in_thread(lambda: fn(*args, **kwargs), running)
        return concluded(terms, value, given) if error is None else judge(error, terms.retry)

    async def in_thread(self, fn: Callable[[], Any], running: Running) -> Answer:
        """What a sync function returned, and what it raised; when this is cancelled, its thread is left to end by itself."""
        future = self._threads.call(lambda: self._guarded(fn))
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            if not future.done():
                self._abandon(future, running)
            raise

    def _guarded(self, fn: Callable[[], Any]) -> Any:
        try:
            return fn()
        finally:
            if self._pid != os.getpid():
                os._exit(0)  # as above: in a forked copy of this thread there is no loop to go back to

    def _abandon(self, future: "asyncio.Future[Answer]", running: Running) -> None:
        """Its job is over, and nothing stops a thread: its slot stays taken until it ends."""
        self.abandoned += 1
        running.thread = future
        future.add_done_callback(self._returned)
        job, why = running.claim.job, running.why
        if why is not None and why != "stopped":  # at shutdown it goes with the process
            self._bus.say(ThreadAbandoned(job.task, job.id, why, self.abandoned))

    def _returned(self, _: "asyncio.Future[Answer]") -> None:
        self.abandoned -= 1


def _interrupted(why: Why | None, terms: Terms) -> Verdict:
    if why == "late":
        return Failed("TimeoutError", f"it ran over its time-out of {terms.timeout:g} s")
    return Interrupted(why or "stopped")
