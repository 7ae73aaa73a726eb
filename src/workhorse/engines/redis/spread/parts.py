"""The parts: what is one installation elsewhere is one a queue here, each in its own slot; and a center for what belongs to none."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import replace
from typing import Any, Protocol, TypeVar

from workhorse.engines.redis import search
from workhorse.engines.redis.broker import Broker
from workhorse.engines.redis.inspector import Inspector
from workhorse.engines.redis.link import Link
from workhorse.engines.redis.store import Store
from workhorse.engines.redis.urls import Place

T = TypeVar("T")


class Part(Protocol):
    """An engine over one link: all of it in one slot."""

    @property
    def link(self) -> Link: ...
    @property
    def broker(self) -> Broker: ...
    @property
    def store(self) -> Store: ...
    @property
    def inspector(self) -> Inspector: ...
    async def open(self) -> None: ...
    async def close(self) -> None: ...
    async def describe(self) -> list[tuple[str, str]]: ...
    async def check(self) -> list[tuple[str, str]]: ...


class Parts:
    """The center, which keeps facts, bindings and the names of all queues; and a part a queue, opened when it is first asked for."""

    def __init__(self, place: Place, make: Callable[[Place], Part]) -> None:
        self.center = make(place)
        self._place, self._make = place, make
        self._by_queue: dict[str, Part] = {}
        self._known = set[str]()

    async def of(self, queue: str) -> Part:
        """The part of this queue."""
        if queue not in self._by_queue:
            # no prefix and no queue has an @ in it: no two of them make the same name
            part = self._make(replace(self._place, prefix=f"{self._place.prefix}@{queue}"))
            await part.open()
            if self._by_queue.setdefault(queue, part) is not part:
                await part.close()
        return self._by_queue[queue]

    async def queues(self) -> list[str]:
        """Those that ever had a job."""
        return await search.queues_of(self.center.link)

    async def remember(self, queues: Iterable[str]) -> None:
        """These will have jobs."""
        if new := sorted(set(queues) - self._known):
            await self.center.link.ask("SADD", self.center.link.key("queues"), *new)
            self._known.update(new)

    async def each(self, queues: Sequence[str], ask: Callable[[Part], Coroutine[Any, Any, T]]) -> list[T]:
        """What each of these parts answers, asked at once."""

        async def one(queue: str) -> T:
            return await ask(await self.of(queue))

        return await asyncio.gather(*(one(queue) for queue in queues))

    async def close(self) -> None:
        """All of them."""
        while self._by_queue:
            await self._by_queue.popitem()[1].close()
        await self.center.close()
