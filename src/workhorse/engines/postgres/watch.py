"""Waiting: a connection that listens, a look when a wait begins, and a look now and then in case that a notification was lost."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

import asyncpg

from workhorse.core.errors import WorkhorseError
from workhorse.engines.postgres.ears import Ears
from workhorse.engines.postgres.link import Link
from workhorse.engines.postgres.looks import Looks
from workhorse.engines.postgres.notifier import told

UNHEARD: Final = 1.0
"""Seconds between looks while nothing is listened to."""

_AGAIN: Final = 0.1
"""Seconds before a lost connection is replaced."""

_PATIENCE: Final = 5.0
"""Seconds after which a connection that does not answer is given up."""

_LOST: Final = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError, WorkhorseError)

Connection = Any


class Watch:
    """Listens from the first wait on, until it is closed."""

    def __init__(self, link: Link, ears: Ears, sender: str) -> None:
        self._link, self._ears, self._sender = link, ears, sender
        self._looks = Looks(link.fetch)
        self._task: asyncio.Task[None] | None = None

    async def for_work(self, queues: Sequence[str], timeout: float) -> None:
        """Until a claim may find work, at most `timeout` seconds."""
        await self._wait(timeout, queues=frozenset(queues))

    async def for_facts(self, known: Mapping[str, int], timeout: float) -> None:
        """Until a version is no longer the known one, at most `timeout` seconds."""
        await self._wait(timeout, known=known)

    async def close(self) -> None:
        """Listen no more; who waits wakes by his own time-out."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
        await self._looks.close()

    async def _wait(self, timeout: float, **what: Any) -> None:
        with self._ears.listening(timeout, **what) as ear:
            if self._task is None:
                self._task = asyncio.get_running_loop().create_task(self._serve())
            self._looks.want([ear])  # only now: what was committed before is seen, and what comes later is heard
            await ear.heard()

    async def _serve(self) -> None:
        while True:
            connection = await self._listening() if self._link.place.listen else None
            self._look()  # what came before we listened
            if connection is None:
                await asyncio.sleep(min(UNHEARD, self._link.place.poll))
            else:
                await self._hear(connection)
                await asyncio.sleep(_AGAIN)

    def _look(self) -> None:
        self._looks.want(self._ears.all())

    async def _listening(self) -> Connection | None:
        try:
            connection = await self._link.connect()
        except _LOST:
            return None
        try:
            async with asyncio.timeout(_PATIENCE):  # its line may be dead since it was opened, without a word
                await connection.add_listener(self._link.place.schema, self._heard)
        except BaseException as error:  # closed just now, too: nobody else knows of it yet
            connection.terminate()
            if isinstance(error, _LOST):
                return None
            raise
        return connection

    async def _hear(self, connection: Connection) -> None:
        """Until the connection is lost. It is asked now and then: one that was cut without a word would stay silent for ever."""
        lost = asyncio.Event()

        def gone(_: object) -> None:
            lost.set()

        connection.add_termination_listener(gone)
        try:
            while not await _set_within(lost, self._link.place.poll) and await _answers(connection):
                self._look()
        finally:
            await _close(connection)

    def _heard(self, connection: object, pid: int, channel: str, text: object) -> None:
        if not self._ears.all():
            return
        said = told(str(text))
        if said.sender == self._sender:
            return
        if said.queues is None or said.keys is None:
            self._look()
        self._ears.tell(said.queues or (), said.keys or ())


async def _set_within(event: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return False


async def _answers(connection: Connection) -> bool:
    try:
        await connection.fetchval("select 1", timeout=_PATIENCE)
    except _LOST:
        connection.terminate()
        return False
    return True


async def _close(connection: Connection) -> None:
    try:
        await connection.close(timeout=_PATIENCE)
    except _LOST:
        pass
