"""The engine of `?slots=queue`: a part a queue, and a center."""

from collections.abc import Callable

from workhorse.engines.redis.spread.broker import Broker
from workhorse.engines.redis.spread.inspector import Inspector
from workhorse.engines.redis.spread.parts import Part, Parts
from workhorse.engines.redis.store import Store
from workhorse.engines.redis.urls import Place


class SpreadEngine:
    """As the contract says, with `transactions` false; `describe` and `check` are for people."""

    def __init__(self, place: Place, make: Callable[[Place], Part]) -> None:
        self._parts = Parts(place, make)
        self._broker, self._inspector = Broker(self._parts), Inspector(self._parts)

    @property
    def broker(self) -> Broker:
        return self._broker

    @property
    def store(self) -> Store:
        return self._parts.center.store

    @property
    def inspector(self) -> Inspector:
        return self._inspector

    @property
    def statements(self) -> None:
        return None

    async def open(self) -> None:
        """Connect to where the facts are; the queues' own nodes when they are first asked."""
        await self._parts.center.open()

    async def close(self) -> None:
        """Hang up everywhere."""
        await self._parts.close()

    async def describe(self) -> list[tuple[str, str]]:
        """Facts about the servers, for `doctor`."""
        queues = await self._parts.queues()
        return [*await self._parts.center.describe(), ("slots", f"one a queue, {len(queues)} of them")]

    async def check(self) -> list[tuple[str, str]]:
        """Problems, each with its fix."""
        said = await self._parts.each(await self._parts.queues(), lambda part: part.check())
        return list(dict.fromkeys([*await self._parts.center.check(), *(each for part in said for each in part)]))
