"""The inspector: shows jobs to people, and takes their orders."""

from collections.abc import Sequence
from typing import Final, Literal

from workhorse.core.contract import Filter, Row
from workhorse.engines.sqlite import orders, search
from workhorse.engines.sqlite.aside import aside
from workhorse.engines.sqlite.link import Link
from workhorse.engines.sqlite.tx import Tx

_CHUNK: Final = 1000
"""Jobs in one transaction of an order, so that workers get their turns while a million dead letters go."""


class Inspector:
    """As the contract says."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def count(self, by: Literal["queue", "task", "status"], /) -> dict[str, dict[str, int]]:
        return await aside(self._link, lambda tx: search.count(tx, by))

    async def list(self, which: Filter, limit: int = 100, /) -> Sequence[Row]:
        return await aside(self._link, lambda tx: search.find(tx, which, limit))

    async def show(self, id: str, /) -> Row | None:
        found = await self._link.read(lambda tx: search.find(tx, Filter(ids=(id,)), 1))
        return found[0] if found else None

    async def retry(self, which: Filter, /) -> int:
        return await self._order(which, orders.retry)

    async def cancel(self, which: Filter, /) -> int:
        return await self._order(which, orders.cancel)

    async def delete(self, which: Filter, /) -> int:
        return await self._order(which, orders.delete)

    async def pause(self, queue: str, /) -> None:
        await self._link.write(lambda tx: tx.run("insert or ignore into workhorse_paused (queue) values (?)", queue))

    async def resume(self, queue: str, /) -> None:
        await self._link.write(lambda tx: _resume(tx, queue))

    async def paused(self) -> Sequence[str]:
        """The queues that are paused; beyond the contract, for people."""
        return await self._link.read(lambda tx: [queue for (queue,) in tx.all("select queue from workhorse_paused")])

    async def _order(self, which: Filter, order: orders.Order) -> int:
        done, last = 0, 0

        def chunk(tx: Tx) -> tuple[int, int]:
            seqs = search.numbers_of(tx, which, last, _CHUNK)
            return (order(tx, seqs), seqs[-1] if len(seqs) == _CHUNK else 0) if seqs else (0, 0)

        while True:
            count, last = await self._link.write(chunk, _CHUNK)
            done += count
            if not last:
                return done


def _resume(tx: Tx, queue: str) -> None:
    tx.run("delete from workhorse_paused where queue = ?", queue)
    tx.queues.add(queue)
