"""Sends on what waits in a spool, in its order, and removes it when the far side has it.

Killed anywhere, it is done again: the same id published twice is one job. The next page is published when the one before has been
answered, so that nothing overtakes.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from workhorse.core.contract import Answer, Broker, Envelope
from workhorse.core.errors import BrokerUnavailable, WorkhorseError
from workhorse.core.happenings import BrokerBack, BrokerLost, Forwarded, ForwardRefused
from workhorse.core.instrument import Bus, log
from workhorse.durable.spool.batch import aged
from workhorse.durable.spool.lease import Lease
from workhorse.durable.spool.log import Entry, Log, Refused

FIRST, LONGEST = 0.05, 5.0
"""Seconds between tries while the engine does not answer."""

IDLE: Final = 30.0
"""Seconds between looks while nobody tells of anything new."""

PATIENCE: Final = 30.0
"""Seconds for an answer of the far side; after that it is asked again."""


class Forwarder:
    """`far` gives the broker to send to, when it is there."""

    def __init__(self, spool: Log, far: Callable[[], Awaitable[Broker]], bus: Bus, lease: Lease | None = None) -> None:
        self._log, self._far, self._bus = spool, far, bus
        self._lease = lease or Lease(spool.store, spool.lease_key)
        self._stopped = asyncio.Event()
        self._pause = FIRST
        self._lost: float | None = None
        self._told: str | None = None  # another, dead by now, may have told of trouble
        self.forwarded = 0
        """Jobs that the far side has answered for."""

    def stop(self) -> None:
        """After what is under way; thread safe only from its own loop."""
        self._stopped.set()

    async def run(self, *, burst: bool = False) -> None:
        """Until it is stopped; with `burst` until nothing waits."""
        try:
            while not self._stopped.is_set() and not await self._guarded_turn(burst):
                pass
        finally:
            await self._let_go()

    async def _guarded_turn(self, burst: bool) -> bool:
        try:
            return await self._turn(burst)
        except Exception as error:
            await self._failed(error)
            return False

    async def _turn(self, burst: bool) -> bool:
        """One page, or a wait; True: it is at its end."""
        _, version = await self._log.tail()
        if await self._log.empty():
            await self._lease.release()
            if not burst:
                await self._until_stopped(self._log.added(version, IDLE))
            return burst
        if await self._lease.hold():
            await self.forward()
        else:
            await self._until_stopped(self._lease.freed(IDLE))
        return False

    async def forward(self) -> int:
        """Publish one page, then remove it; how many jobs that were."""
        began = asyncio.get_running_loop().time()
        entries = await self._log.page()
        now = await self._log.store.now()
        jobs = [job for entry in entries for job in aged(entry.batch, now)]
        answers = await self._published(jobs)
        await self._put_aside(entries, answers)
        await self._log.remove(entries)
        self.forwarded += len(jobs)
        await self._back()
        self._bus.say(Forwarded(len(jobs), asyncio.get_running_loop().time() - began))
        return len(jobs)

    async def _published(self, jobs: Sequence[Envelope]) -> list[Answer]:
        broker = await self._far()
        # never cancelled in flight: its effect would not be known. One that comes late is known by its ids
        publishing = asyncio.ensure_future(broker.publish(jobs))
        done, _ = await asyncio.wait([publishing], timeout=PATIENCE)
        if not done:
            publishing.add_done_callback(_seen)
            raise BrokerUnavailable(f"publish: the engine did not answer within {PATIENCE:g} s")
        return publishing.result()

    async def _put_aside(self, entries: Sequence[Entry], answers: Sequence[Answer]) -> None:
        came = [(job, entry.batch.at) for entry in entries for job in entry.batch.jobs]
        refused = [
            Refused(job, answer.reason, at)
            for (job, at), answer in zip(came, answers, strict=True)
            if answer.kind == "refused"
        ]
        if refused:
            await self._log.refuse(refused)
            for it in refused:
                self._bus.say(ForwardRefused(it.job.id, it.job.task, it.why))

    # ---- what goes wrong

    async def _failed(self, error: Exception) -> None:
        if self._lost is None:
            self._lost = asyncio.get_running_loop().time()
            self._bus.say(BrokerLost("forward", str(error)))
            if not isinstance(error, WorkhorseError | OSError):
                log.error("the spool cannot send on; it goes on trying", exc_info=error)
        await self._tell(str(error) or repr(error))
        await self._until_stopped(asyncio.sleep(self._pause * random.uniform(0.5, 1)))
        self._pause = min(self._pause * 2, LONGEST)

    async def _back(self) -> None:
        self._pause = FIRST
        if self._lost is not None:
            seconds, self._lost = asyncio.get_running_loop().time() - self._lost, None
            self._bus.say(BrokerBack(seconds))
        await self._tell("")

    async def _tell(self, error: str) -> None:
        if error == self._told:
            return
        try:
            await self._log.tell(error)
            self._told = error
        except Exception as failed:
            log.debug("the spool's trouble is not written down: %s", failed)

    async def _let_go(self) -> None:
        try:
            await self._lease.release()
        except Exception as error:  # it runs out by itself
            log.debug("the forwarder's lease is not released: %s", error)

    async def _until_stopped(self, waiting: Awaitable[object]) -> None:
        stopping = asyncio.ensure_future(self._stopped.wait())
        waits = asyncio.ensure_future(waiting)
        try:
            await asyncio.wait([stopping, waits], return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
            if not waits.done():
                waits.cancel()
        if waits.done():
            waits.result()


def _seen(late: "asyncio.Future[list[Answer]]") -> None:
    if not late.cancelled():
        late.exception()
