"""Keeps the leases of what a worker holds, from a thread, a loop and a link of its own: a handler that blocks the worker's
loop must not cost the others their jobs."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Collection

from workhorse.core.contract import Broker, Engine
from workhorse.core.errors import WorkhorseError
from workhorse.core.instrument import log
from workhorse.worker.running import Running, Why

GRACE = 5.0
"""Seconds past its time-out for which a job's lease is still extended: time to unwind."""

TURNS = 0.25
"""Seconds between the beats of the worker's loop, and between this thread's looks at it."""


AGAIN = 1.0
"""Seconds before the next try to open a link."""


class Leases:
    """Extends all running claims by one call at a third of the lease.

    It stops for a job past its time-out, and for all once the worker's loop has not turned for a whole lease: a worker
    that hangs must lose its jobs to one that does not.
    """

    def __init__(self, lease: float, connect: Callable[[], Engine], tell: Callable[[Running, Why], None]) -> None:
        self._lease, self._connect, self._tell = lease, connect, tell
        self._held: dict[Running, None] = {}  # in the order of their claims
        self._loop = asyncio.get_running_loop()
        self._beat = time.monotonic()
        self._stop = threading.Event()
        self._looks: list[Callable[[float], None]] = []
        self._thread = threading.Thread(target=self._serve, name="workhorse-leases", daemon=True)
        self._beating: asyncio.TimerHandle | None = None

    @property
    def held(self) -> Collection[Running]:
        """Whose leases are extended."""
        return self._held

    def hold(self, running: Running) -> None:
        """Extend its lease from now on."""
        self._held[running] = None

    def let_go(self, running: Running) -> None:
        """No more."""
        self._held.pop(running, None)

    def on_look(self, look: Callable[[float], None]) -> None:
        """Call `look` in this thread, a few times a second, with the seconds since the loop last turned."""
        self._looks.append(look)

    def start(self) -> None:
        """Begin to extend; in the worker's loop."""
        self._turn()
        self._thread.start()

    def stop(self) -> None:
        """Extend no more."""
        self._stop.set()
        if self._beating is not None:
            self._beating.cancel()

    @property
    def still_for(self) -> float:
        """Seconds since the worker's loop last turned."""
        return time.monotonic() - self._beat

    def _turn(self) -> None:
        self._beat = time.monotonic()
        self._beating = self._loop.call_later(TURNS, self._turn)

    def _serve(self) -> None:
        while self._on_duty:
            try:
                asyncio.run(self._keep())
            except Exception:  # say, no descriptors left for its loop
                if self._on_duty:
                    log.exception("the leases are not kept: trying again; running jobs may be given to other workers")
                self._stop.wait(min(AGAIN, self._lease / 6))

    @property
    def _on_duty(self) -> bool:
        return not (self._stop.is_set() or self._loop.is_closed())

    async def _keep(self) -> None:
        engine = self._connect()
        try:
            if await self._patiently(engine.open):
                await self._watch_over(engine)
        finally:
            await engine.close()

    async def _watch_over(self, engine: Engine) -> None:
        assert engine.broker is not None
        due = time.monotonic() + self._lease / 3
        while not await self._stopped_within(min(TURNS, self._lease / 6)) and self._on_duty:
            for look in self._looks:
                look(self.still_for)
            if time.monotonic() >= due:
                due = time.monotonic() + self._lease / 3
                await self._extend(engine.broker)

    async def _patiently(self, verb: Callable[[], Awaitable[None]]) -> bool:
        while self._on_duty:
            try:
                await verb()
            except WorkhorseError:
                await self._stopped_within(AGAIN)  # the claim loop tells the bus that the engine is away
            else:
                return True
        return False

    async def _stopped_within(self, seconds: float) -> bool:
        return self._stop.wait(seconds)  # blocks this loop, and may: nothing else runs on it

    async def _extend(self, broker: Broker) -> None:
        if self.still_for > self._lease:
            return
        now = time.monotonic()
        held = [it for it in tuple(self._held) if it.ended or not it.late or now < it.late + GRACE]
        if not held:
            return
        try:
            answers = await broker.extend([it.claim for it in held], self._lease)
        except WorkhorseError:
            return  # the next call may find the engine again; a lease outlives two that fail
        for running, answer in zip(held, answers, strict=True):
            if answer != "kept":
                why: Why = "lost" if answer == "lost" else "cancelled"
                self._loop.call_soon_threadsafe(self._tell, running, why)
