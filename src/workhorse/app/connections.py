"""One open engine for each process and event loop, with the sender that goes with it."""

import asyncio
import os
from collections.abc import Awaitable, Callable

from workhorse.app.importing import kept
from workhorse.app.patience import patiently
from workhorse.app.sender import Sender
from workhorse.core.contract import Broker, Engine, Store
from workhorse.core.errors import BrokerUnavailable
from workhorse.core.instrument import log


class Connection:
    """An engine, and what sends to it. Where jobs may wait on the local disk it need not be open: BrokerUnavailable."""

    def __init__(self, engine: Engine | None, sender: Sender) -> None:
        self._engine, self.sender = engine, sender

    @property
    def engine(self) -> Engine:
        if self._engine is None:
            raise BrokerUnavailable("the engine is not open yet; what is enqueued goes to the spool meanwhile")
        return self._engine


class Connections:
    """A fork starts with none; a closed loop's is dropped with the next that opens."""

    def __init__(
        self,
        make: Callable[[], Engine],
        opening: Callable[[], None],
        check: Callable[[Engine], Awaitable[None]],
        patience: float,
    ) -> None:
        """`opening` is called before an engine opens, `check` with each that did; what they raise, all who wait get."""
        self._make, self._opening, self._check, self._patience = make, opening, check, patience
        self._open: dict[asyncio.AbstractEventLoop, asyncio.Task[Connection]] = {}
        self._pid = os.getpid()

    async def here(self) -> Connection:
        """The running loop's, opened by its first caller; what goes wrong there is raised for all who wait for it."""
        if self._pid != os.getpid():
            self._open, self._pid = {}, os.getpid()
        loop = asyncio.get_running_loop()
        task = self._open.get(loop)
        if task is None:
            # a task of its own, shielded: the first caller may be cancelled, and the others must not be for that
            task = self._open[loop] = loop.create_task(self._connect(loop))
            task.add_done_callback(_seen)
        return task.result() if task.done() else await asyncio.shield(task)

    async def soon(self) -> Connection:
        """The same for those who enqueue: it is opened as patiently as they wait for an answer. BrokerUnavailable after that."""
        task = self._open.get(asyncio.get_running_loop())
        if task is not None and task.done():
            return task.result()
        try:
            async with asyncio.timeout(self._patience):
                return await patiently(self.here, self._patience)
        except TimeoutError:
            raise BrokerUnavailable(f"open: the engine did not answer within {self._patience:g} s") from None

    def there(self) -> Connection | None:
        """The running loop's, if it is open."""
        task = self._open.get(asyncio.get_running_loop()) if self._pid == os.getpid() else None
        good = task is not None and task.done() and not task.cancelled() and task.exception() is None
        return task.result() if good and task is not None else None

    async def marks(self) -> Store:
        """Where the progress of who enqueues is kept. EngineRefused: nowhere."""
        return kept((await self.soon()).engine.store)

    async def opened(self) -> None:
        """The running loop's is open."""
        await self.here()

    async def spooled(self, id: str) -> bool:
        """Whether this job waits on the local disk."""
        return False

    async def arrived(self, id: str, timeout: float | None) -> float | None:
        """Return when it does not; what is left of the time-out."""
        return timeout

    async def close(self) -> None:
        """Close the running loop's engine, if there is one."""
        task = self._open.pop(asyncio.get_running_loop(), None)
        if task is not None:
            await asyncio.wait([task])
            if not task.cancelled() and not task.exception():
                await task.result().engine.close()

    async def _connect(self, loop: asyncio.AbstractEventLoop) -> Connection:
        try:
            self._opening()
            engine = self._make()
            await engine.open()
            broker = await self._checked(engine)
        except BaseException:
            self._open.pop(loop, None)
            raise
        await self._sweep()
        return Connection(engine, Sender(broker, broker.features.max_size, self._patience))

    async def _checked(self, engine: Engine) -> Broker:
        try:
            await self._check(engine)
        except BaseException:
            await engine.close()
            raise
        assert engine.broker is not None
        return engine.broker

    async def _sweep(self) -> None:
        for loop in [loop for loop in tuple(self._open) if loop.is_closed()]:
            task = self._open.pop(loop, None)  # another thread's loop may sweep as well
            if task is None:
                continue
            try:
                await task.result().engine.close()
            except Exception as error:
                log.debug("an engine of a closed loop could not be closed: %s", error)


def _seen(task: "asyncio.Task[Connection]") -> None:
    if not task.cancelled():
        task.exception()  # whoever waits gets it; if nobody does any more, it is no news
