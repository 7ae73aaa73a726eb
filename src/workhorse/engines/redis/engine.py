"""The engine that a URL of Redis names: broker, store and inspector over one link."""

from workhorse.engines.redis import urls
from workhorse.engines.redis.broker import Broker
from workhorse.engines.redis.link import Link
from workhorse.engines.redis.store import Store
from workhorse.engines.redis.waits import Waits


class RedisEngine:
    """As the contract says."""

    def __init__(self, link: Link) -> None:
        self._link = link
        waits = Waits(link, link.place.poll)
        self._broker = Broker(link, waits)
        self._store = Store(link, waits)

    @property
    def broker(self) -> Broker:
        return self._broker

    @property
    def store(self) -> Store:
        return self._store

    @property
    def inspector(self) -> None:
        return None

    @property
    def statements(self) -> None:
        return None

    async def open(self) -> None:
        """Connect and check. EngineRefused: the server cannot be used as it is."""
        await self._link.open()

    async def close(self) -> None:
        """Hang up."""
        await self._link.close()


def redis(url: str) -> RedisEngine:
    """The engine of `redis://` or `rediss://`, not yet open."""
    return RedisEngine(Link(urls.place(url)))
