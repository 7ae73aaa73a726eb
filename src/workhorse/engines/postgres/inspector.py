"""The inspector: shows jobs to people, and takes their orders."""

import asyncio
from collections.abc import Sequence
from typing import Final, Literal

from workhorse.core.contract import Filter, Row
from workhorse.engines.postgres import orders, search
from workhorse.engines.postgres.aside import aside
from workhorse.engines.postgres.link import Link
from workhorse.engines.postgres.news import News

_CLAIMS: Final = (
    "select virtualtransaction from pg_locks where locktype = 'relation' and granted and pid <> pg_backend_pid()"
    " and database = (select oid from pg_database where datname = current_database())"
    " and (relation = 'workhorse.paused'::regclass or (relation = 'workhorse.jobs'::regclass and mode = 'RowExclusiveLock'))"
    " group by virtualtransaction having count(distinct relation) = 2"
)
_LOOK: Final = 0.005


class Inspector:
    """As the contract says."""

    def __init__(self, link: Link, news: News) -> None:
        self._link, self._news = link, news

    async def count(self, by: Literal["queue", "task", "status"], /) -> dict[str, dict[str, int]]:
        return search.counted(await aside(self._link, search.counting(by)))

    async def list(self, which: Filter, limit: int = 100, /) -> Sequence[Row]:
        sql, values = search.finding(which, limit)
        return [search.row(found) for found in await aside(self._link, sql, *values)]

    async def show(self, id: str, /) -> Row | None:
        sql, values = search.finding(Filter(ids=(id,)), 1)
        found = await self._link.fetch(sql, *values)
        return search.row(found[0]) if found else None

    async def retry(self, which: Filter, /) -> int:
        return await self._order(which, orders.retry)

    async def cancel(self, which: Filter, /) -> int:
        return await self._order(which, orders.cancel)

    async def delete(self, which: Filter, /) -> int:
        return await self._order(which, orders.delete)

    async def pause(self, queue: str, /) -> None:
        """Claims that began before may not know it yet: it returns when they have ended."""
        await self._link.run("insert into workhorse.paused (queue) values ($1::text) on conflict do nothing", queue)
        under_way = await self._claims()
        while under_way:
            await asyncio.sleep(_LOOK)
            under_way &= await self._claims()

    async def resume(self, queue: str, /) -> None:
        await self._link.run("delete from workhorse.paused where queue = $1::text", queue)
        self._news.tell((queue,))

    async def paused(self) -> Sequence[str]:
        """The queues that are paused; beyond the contract, for people."""
        return [queue for (queue,) in await self._link.fetch("select queue from workhorse.paused order by queue")]

    async def _order(self, which: Filter, order: orders.Order) -> int:
        done, last = 0, 0
        while True:
            count, behind = await order(self._link, self._news, which, last)
            done += count
            if behind is None:
                return done
            last = behind

    async def _claims(self) -> set[str]:
        """The transactions that look at what is paused and change jobs: none but claims do both."""
        return {transaction for (transaction,) in await self._link.fetch(_CLAIMS)}
