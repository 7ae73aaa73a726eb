"""The engine that a URL of Redis names: broker, store and inspector over one link."""

from workhorse.engines.redis import checks, doctor, schema, urls
from workhorse.engines.redis.broker import Broker
from workhorse.engines.redis.inspector import Inspector
from workhorse.engines.redis.link import Link
from workhorse.engines.redis.pruning import Pruner
from workhorse.engines.redis.spread.engine import SpreadEngine
from workhorse.engines.redis.store import Store
from workhorse.engines.redis.urls import Place
from workhorse.engines.redis.waits import Waits


class RedisEngine:
    """As the contract says; `describe` and `check` are for people."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._waits, self._pruner = Waits(link, link.place.poll), Pruner(link)
        self._broker = Broker(link, self._waits, self._pruner)
        self._store = Store(link, self._waits, self._pruner)
        self._inspector = Inspector(link)

    @property
    def link(self) -> Link:
        """The way to its server."""
        return self._link

    @property
    def broker(self) -> Broker:
        return self._broker

    @property
    def store(self) -> Store:
        return self._store

    @property
    def inspector(self) -> Inspector:
        return self._inspector

    @property
    def statements(self) -> None:
        return None

    async def open(self) -> None:
        """Connect and check. EngineRefused: the server cannot be used as it is."""
        await self._link.open()
        try:
            await checks.admit(self._link)
            await schema.admit(self._link)
        except BaseException:
            await self._link.close()
            raise

    async def close(self) -> None:
        """Hang up."""
        await self._pruner.close()
        await self._waits.close()
        await self._link.close()

    async def describe(self) -> list[tuple[str, str]]:
        """Facts about the server, for `doctor`."""
        return await doctor.describe(self._link)

    async def check(self) -> list[tuple[str, str]]:
        """Problems, each with its fix."""
        return await doctor.check(self._link)


def redis(url: str) -> RedisEngine | SpreadEngine:
    """The engine of `redis://`, `redis+sentinel://` and the like, not yet open."""
    place = urls.place(url)
    return SpreadEngine(place, _whole) if place.spread else _whole(place)


def _whole(place: Place) -> RedisEngine:
    return RedisEngine(Link(place))
