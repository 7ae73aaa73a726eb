"""The inspector: as the engine's own, which cannot write the results that its orders change."""

from collections.abc import Sequence
from typing import Final, Literal

import msgspec

from workhorse.core import beyond, contract
from workhorse.core.contract import Filter, Row, Store
from workhorse.durable.beside import lives
from workhorse.durable.paging import pages

UNENDED: Final = ("scheduled", "parked", "ready", "pending", "running")


class Inspector:
    """As the contract says."""

    def __init__(self, inspector: contract.Inspector, store: Store | None) -> None:
        self._inspector, self._store = inspector, store

    async def count(self, by: Literal["queue", "task", "status"], /) -> dict[str, dict[str, int]]:
        return await self._inspector.count(by)

    async def list(self, which: Filter, limit: int = 100, /) -> Sequence[Row]:
        return await self._inspector.list(which, limit)

    async def show(self, id: str, /) -> Row | None:
        return await self._inspector.show(id)

    async def retry(self, which: Filter, /) -> int:
        if self._store is None:
            return await self._inspector.retry(which)
        done = 0
        async for page in pages(self._inspector, which):
            dead = [row.job.id for row in page if row.status == "dead"]
            await lives.begin_anew(self._store, dead)
            done += await self._inspector.retry(Filter(ids=dead, status="dead")) if dead else 0
        return done

    async def cancel(self, which: Filter, /) -> int:
        return await self._inspector.cancel(which)

    async def delete(self, which: Filter, /) -> int:
        if self._store is None:
            return await self._inspector.delete(which)
        done = 0
        async for page in pages(self._inspector, which):
            these = msgspec.structs.replace(which, ids=[row.job.id for row in page], after="")
            done += await self._inspector.delete(these)
            await lives.say_deleted(self._store, [row for row in page if row.status in UNENDED])
        return done

    async def pause(self, queue: str, /) -> None:
        await self._inspector.pause(queue)

    async def resume(self, queue: str, /) -> None:
        await self._inspector.resume(queue)

    async def paused(self) -> Sequence[str]:
        """The queues that are paused, where the engine tells; beyond the contract, for people."""
        return await beyond.paused(self._inspector)
