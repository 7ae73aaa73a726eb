"""The store: remembers facts, each verb one operation at the link's desk."""

from collections.abc import Mapping, Sequence

from workhorse.core.contract import Put
from workhorse.engines.keeping import SECOND
from workhorse.engines.sqlite import facts
from workhorse.engines.sqlite.link import Link
from workhorse.engines.sqlite.watch import Watches


class Store:
    """As the contract says."""

    def __init__(self, link: Link, watches: Watches) -> None:
        self._link, self._watches = link, watches

    async def get(self, keys: Sequence[str], /) -> list[tuple[bytes, int] | None]:
        return await self._link.read(lambda tx: facts.get(tx, keys))

    async def put(self, puts: Sequence[Put], /) -> list[int | None]:
        if not puts:
            return []
        return await self._link.write(lambda tx: facts.put(tx, puts), len(puts))

    async def delete(self, keys: Mapping[str, int | None], /) -> list[bool]:
        if not keys:
            return []
        return await self._link.write(lambda tx: facts.delete(tx, keys), len(keys))

    async def scan(self, prefix: str, after: str = "", limit: int = 1000, /) -> list[tuple[str, bytes, int]]:
        return await self._link.read(lambda tx: facts.scan(tx, prefix, after, limit))

    async def now(self) -> float:
        return self._link.home.now() / SECOND

    async def wait(self, known: Mapping[str, int], timeout: float, /) -> None:
        link = self._link
        with self._watches.listening(known=known) as ear:
            ear.until = await link.read(lambda tx: facts.next_change(tx, known))
            await ear.heard(timeout, link.home.now, link.home.steering)
