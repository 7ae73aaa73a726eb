"""The store: remembers facts, each verb one statement."""

from collections.abc import Mapping, Sequence
from typing import Final

from workhorse.core.contract import Put
from workhorse.engines.keeping import SECOND, micros
from workhorse.engines.postgres.link import Link
from workhorse.engines.postgres.news import News
from workhorse.engines.prefixes import beyond

_LIVING: Final = "(expires is null or expires > (select workhorse.now_us()))"
_GET: Final = f"select key, value, version from workhorse.facts where key = any($1::text[]) and {_LIVING}"
_PUT: Final = (
    "select workhorse.put($1::text[], $2::bytea[], $3::bigint[], $4::bigint[], workhorse.now_us()) as versions"
)
_NOW: Final = "select workhorse.now_us() as now"
_DELETE: Final = (
    "with held as materialized (select f.key from workhorse.facts f"
    " join unnest($1::text[], $2::bigint[]) as asked (key, expect) on asked.key = f.key"
    f" where {_LIVING} and (asked.expect is null or asked.expect = f.version) order by f.key for update of f)"
    " delete from workhorse.facts f using held where f.key = held.key returning f.key"
)
_SCAN: Final = (
    "select key, value, version from workhorse.facts where key >= $1::text and key > $2::text and key < $3::text"
    f" and {_LIVING} order by key limit $4::bigint"
)


class Store:
    """As the contract says."""

    def __init__(self, link: Link, news: News) -> None:
        self._link, self._news = link, news

    async def get(self, keys: Sequence[str], /) -> list[tuple[bytes, int] | None]:
        if not keys:
            return []
        rows = await self._link.fetch(_GET, list(keys))
        found = {key: (value, version) for key, value, version in rows}
        return [found.get(key) for key in keys]

    async def put(self, puts: Sequence[Put], /) -> list[int | None]:
        if not puts:
            return []
        (row,) = await self._link.fetch(_PUT, *columns(puts))
        versions: list[int | None] = row["versions"]
        written = [put.key for put, version in zip(puts, versions, strict=True) if version is not None]
        self._news.tell((), written)
        self._news.wear(len(written))
        return versions

    async def delete(self, keys: Mapping[str, int | None], /) -> list[bool]:
        if not keys:
            return []
        rows = await self._link.fetch(_DELETE, list(keys), list(keys.values()))
        gone = {key for (key,) in rows}
        self._news.tell((), gone)
        return [key in gone for key in keys]

    async def scan(self, prefix: str, after: str = "", limit: int = 1000, /) -> list[tuple[str, bytes, int]]:
        rows = await self._link.fetch(_SCAN, max(prefix, after), after, beyond(prefix), limit)
        return [(key, value, version) for key, value, version in rows]

    async def now(self) -> float:
        (row,) = await self._link.fetch(_NOW)
        return int(row["now"]) / SECOND

    async def wait(self, known: Mapping[str, int], timeout: float, /) -> None:
        await self._news.for_facts(known, timeout)


def columns(puts: Sequence[Put]) -> tuple[list[str], list[bytes], list[int | None], list[int | None]]:
    """Puts as `workhorse.put` takes them: keys, values, expectations, lives in microseconds."""
    return (
        [put.key for put in puts],
        [put.value for put in puts],
        [put.expect for put in puts],
        [None if put.ttl is None else micros(put.ttl) for put in puts],
    )
