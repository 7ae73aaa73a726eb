"""Takes messages of one queue by hand, in batches, under leases."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Generic, Protocol, Self, TypeVar, cast

from workhorse.core.checks import whole
from workhorse.core.contract import Broker, Claim, Envelope
from workhorse.core.durations import Duration, seconds
from workhorse.core.errors import BrokerUnavailable, WorkhorseError
from workhorse.core.instrument import log
from workhorse.core.registry import Declared, Registry
from workhorse.worker.consuming.hold import Hold
from workhorse.worker.consuming.message import Message
from workhorse.worker.consuming.reading import Read
from workhorse.worker.consuming.unbroken import unbroken
from workhorse.worker.copies import is_unasked
from workhorse.worker.crew import Parts

R_co = TypeVar("R_co", covariant=True)
T = TypeVar("T")


class Run(Protocol):
    """Runs an awaitable for synchronous code."""

    def __call__(self, awaitable: Awaitable[T], /) -> T:
        """Its result."""
        ...


class Tasks(Registry):
    """Those of the app, and for any other name a stand-in: who consumes by hand needs no task."""

    def __init__(self, known: Registry, stranger: Callable[[str], Declared]) -> None:
        super().__init__()
        self._known, self._stranger, self.subscribers = known, stranger, known.subscribers
        self._strangers: dict[str, Declared] = {}

    def serving(self, job: Envelope) -> Declared | None:
        """Who would run this job: the task of its name, whoever subscribed on its queue, else the stand-in; None for an event
        of a type that the subscriber on its queue did not ask for."""
        found = self._known.serving(job)
        return None if found is None and is_unasked(job, self) else found or self.get(job.task)

    def get(self, name: str) -> Declared | None:
        """The task of this name."""
        found = self._known.get(name) or self._strangers.get(name)
        if found is None:
            found = self._strangers[name] = self._stranger(name)
        return found


class Consumer(Generic[R_co]):
    """Takes the messages of one queue by hand: `async with app.consumer("mail") as consumer`.

    What it gave out stays with its holder, the lease being extended at a third of it, also while the holder's code blocks
    the loop, for a whole lease at most; and is handed back at the end unless something else was said of it.
    """

    def __init__(
        self, parts: Parts, tasks: Tasks, queue: str, read: Read, lease: float, patience: float, run: Run
    ) -> None:
        self._parts, self._tasks, self._queue, self._read = parts, tasks, queue, read
        self._lease, self._patience, self._run = lease, patience, run
        self._hold: Hold | None = None

    async def __aenter__(self) -> Self:
        if self._hold is not None:
            raise WorkhorseError(f"consumer of {self._queue}: expected to be opened once, is open; make another one")
        self._broker = await self._connected()
        self._taking = asyncio.Lock()
        self._hold = Hold(self._parts, self._broker, self._tasks, self._read, self._lease, self._patience)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        hold, self._hold = self._opened, None
        try:
            await hold.close()
        except WorkhorseError as failure:
            if error is None:
                raise
            log.warning("consumer of %s: %s", self._queue, failure)  # what the block raised says more

    def __enter__(self) -> Self:
        return self._run(self.__aenter__())

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._run(self.__aexit__(kind, error, trace))

    async def consume(self, max: int = 10, wait: Duration = 0) -> list[Message[R_co]]:
        """At most `max` messages, waiting for the first at most `wait` seconds; one call at a time.

        First it settles what was marked before. What cannot be read is not given out: it is dead, with the reason. A
        message on its last chance after crashes comes alone. LeaseLost names marked messages that were not ours any more
        (all others are settled; nothing was taken), BrokerUnavailable tells that the engine does not answer.
        """
        limit, end = whole(max, "max", least=1), time.monotonic() + seconds(wait, "wait")
        hold = self._opened
        async with self._taking:
            await hold.settle()
            while True:
                shut = hold.closed_for
                claims = [] if shut > 0 else await self._claimed(hold, limit)
                if found := await self._taken(hold, claims):
                    return found
                left = end - time.monotonic()
                if not claims and left <= 0:
                    return []
                if shut > 0:
                    await asyncio.sleep(min(shut, left))
                elif not claims:
                    await hold.backoff.once(
                        "wait", lambda: self._broker.wait([self._queue], limit, end - time.monotonic())
                    )

    async def _taken(self, hold: Hold, claims: list[Claim]) -> list[Message[R_co]]:
        taken = await hold.take(claims)
        try:
            if claims:
                await hold.settle()  # what was not given out
        except WorkhorseError as error:
            if not taken:
                raise
            log.warning("consumer of %s: %s", self._queue, error)
        return [Message(hold, running, cast(Any, running.plan), content) for running, content in taken]

    async def _claimed(self, hold: Hold, limit: int) -> list[Claim]:
        late = time.monotonic() + self._patience
        claiming = hold.backoff.keep_trying(
            "claim", lambda: self._broker.claim([self._queue], limit, self._lease), lambda: time.monotonic() > late
        )
        claims, cancelled = await unbroken(claiming)
        if cancelled is not None:
            await unbroken(hold.hand_back(claims or []))  # nobody waits for them any more
            raise cancelled
        if claims is None:
            raise BrokerUnavailable(f"consumer of {self._queue}: the engine did not answer within {self._patience:g} s")
        return claims

    async def _connected(self) -> Broker:
        broker = (await self._parts.connect()).broker
        assert broker is not None, "an app without one does not open"
        return broker

    @property
    def _opened(self) -> Hold:
        if self._hold is None:
            raise WorkhorseError(
                f"consumer of {self._queue}: expected to be open; use it as `async with app.consumer(...) as consumer`"
            )
        return self._hold
