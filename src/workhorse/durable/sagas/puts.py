"""Puts of all turns of a worker: what comes while one call is under way goes in the next, so that many share a commit."""

import asyncio
from collections.abc import Sequence

from workhorse.core.contract import Put, Store
from workhorse.core.errors import WorkhorseError

MOST = 200
"""Turns that share one call."""


class Puts:
    """One call at a time over one store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._gathered: list[tuple[Sequence[Put], asyncio.Future[list[int | None]]]] = []
        self._calling: asyncio.Task[None] | None = None

    async def put(self, puts: Sequence[Put]) -> list[int | None]:
        """As the store's; never cancelled in flight."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[list[int | None]] = loop.create_future()
        self._gathered.append((puts, future))
        if self._calling is None:
            self._calling = loop.create_task(self._call())
        return await future

    async def get(self, key: str) -> tuple[bytes, int] | None:
        """Value and version of one fact."""
        return (await self._store.get([key]))[0]

    async def _call(self) -> None:
        while self._gathered:
            batch, self._gathered = self._gathered[:MOST], self._gathered[MOST:]
            try:
                versions = await self._store.put([put for puts, _ in batch for put in puts])
            except Exception as error:
                await self._apart(batch, error)
            else:
                _answer(batch, versions)
        self._calling = None

    async def _apart(
        self, batch: list[tuple[Sequence[Put], "asyncio.Future[list[int | None]]"]], error: Exception
    ) -> None:
        """An engine that is away is so for all; one that chokes on something of one must not keep the others."""
        if len(batch) == 1 or isinstance(error, WorkhorseError):
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
            return
        for each in batch:
            try:
                _answer([each], await self._store.put(each[0]))
            except Exception as own:
                if not each[1].done():
                    each[1].set_exception(own)


def _answer(
    batch: Sequence[tuple[Sequence[Put], "asyncio.Future[list[int | None]]"]], versions: Sequence[int | None]
) -> None:
    start = 0
    for puts, future in batch:
        if not future.done():  # its turn was interrupted
            future.set_result(list(versions[start : start + len(puts)]))
        start += len(puts)
