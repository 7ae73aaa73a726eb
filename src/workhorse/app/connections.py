"""One open engine for each process and event loop, with the sender that goes with it."""

import asyncio
import os
from collections.abc import Callable

from workhorse.app.sender import Sender
from workhorse.core.contract import Engine
from workhorse.core.errors import WorkhorseError
from workhorse.core.instrument import log


class Connection:
    """An open engine, and what sends through it."""

    def __init__(self, engine: Engine, sender: Sender) -> None:
        self.engine, self.sender = engine, sender


class Connections:
    """A fork starts with none; a closed loop's is dropped with the next that opens."""

    def __init__(self, make: Callable[[], Engine], opening: Callable[[], None], patience: float) -> None:
        self._make, self._opening, self._patience = make, opening, patience
        self._open: dict[asyncio.AbstractEventLoop, asyncio.Future[Connection]] = {}
        self._pid = os.getpid()

    async def here(self) -> Connection:
        """The running loop's, opened by its first caller; what goes wrong there is raised for all who wait for it."""
        if self._pid != os.getpid():
            self._open, self._pid = {}, os.getpid()
        loop = asyncio.get_running_loop()
        future = self._open.get(loop)
        if future is None:
            future = self._open[loop] = loop.create_future()
            await self._connect(loop, future)
        return future.result() if future.done() else await asyncio.shield(future)

    async def close(self) -> None:
        """Close the running loop's engine, if there is one."""
        future = self._open.pop(asyncio.get_running_loop(), None)
        if future is not None and future.done() and not future.cancelled() and not future.exception():
            await future.result().engine.close()

    async def _connect(self, loop: asyncio.AbstractEventLoop, future: "asyncio.Future[Connection]") -> None:
        try:
            self._opening()
            engine = self._make()
            await engine.open()
            if engine.broker is None:
                raise WorkhorseError("the URL names no broker: jobs have nowhere to go")
            future.set_result(Connection(engine, Sender(engine.broker, self._patience)))
        except BaseException as error:
            del self._open[loop]
            if isinstance(error, Exception):
                future.set_exception(error)
                future.exception()  # seen: whoever opened gets it below
            else:
                future.cancel()
            raise
        await self._sweep()

    async def _sweep(self) -> None:
        for loop in [loop for loop in self._open if loop.is_closed()]:
            future = self._open.pop(loop)
            try:
                await future.result().engine.close()
            except Exception as error:
                log.debug("an engine of a closed loop could not be closed: %s", error)
