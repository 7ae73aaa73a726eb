"""The inspector of spread queues: asks every part, or the one of the queue that is meant."""

from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from itertools import chain
from typing import Any, Final, Literal

import msgspec

from workhorse.core.contract import Filter, Put, Row
from workhorse.engines import keeping
from workhorse.engines.redis.spread.parts import Part, Parts, T

_PAGE: Final = 500
_ENDED: Final = ("succeeded", "dead", "cancelled")


class Inspector:
    """As the contract says."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def count(self, by: Literal["queue", "task", "status"], /) -> dict[str, dict[str, int]]:
        counts: dict[str, dict[str, int]] = {}
        for each in await self._each(Filter(), lambda part: part.inspector.count(by)):
            for name, inner in each.items():
                for key, number in inner.items():
                    of = counts.setdefault(name, {})
                    of[key] = of.get(key, 0) + number
        return counts

    async def list(self, which: Filter, limit: int = 100, /) -> Sequence[Row]:
        found = chain.from_iterable(await self._each(which, lambda part: part.inspector.list(which, limit)))
        return sorted(found, key=lambda row: row.job.id)[:limit]

    async def show(self, id: str, /) -> Row | None:
        found = await self._each(Filter(), lambda part: part.inspector.show(id))
        return next((row for row in found if row is not None), None)

    async def retry(self, which: Filter, /) -> int:
        if which.status not in (None, "dead"):
            return 0
        done, dead = 0, msgspec.structs.replace(which, status="dead")
        while page := await self.list(dead, _PAGE):
            await self._parts.center.store.delete(dict.fromkeys(f"result/{row.job.id}" for row in page))
            these = msgspec.structs.replace(dead, ids=[row.job.id for row in page])
            done += sum(await self._each(dead, partial(_retry, these)))
            dead = msgspec.structs.replace(dead, after=page[-1].job.id)
        return done

    async def cancel(self, which: Filter, /) -> int:
        return sum(await self._each(which, lambda part: part.inspector.cancel(which)))

    async def delete(self, which: Filter, /) -> int:
        done = 0
        while page := await self.list(which, _PAGE):
            these = msgspec.structs.replace(which, ids=[row.job.id for row in page])
            done += sum(await self._each(which, partial(_delete, these)))
            live = [row.job.id for row in page if row.status not in _ENDED]
            told = [Put(f"result/{id}", keeping.DELETED, ttl=keeping.DELETED_TTL) for id in live]
            await self._parts.center.store.put(told)
            which = msgspec.structs.replace(which, after=page[-1].job.id)
        return done

    async def pause(self, queue: str, /) -> None:
        await self._parts.remember([queue])
        await (await self._parts.of(queue)).inspector.pause(queue)

    async def resume(self, queue: str, /) -> None:
        await (await self._parts.of(queue)).inspector.resume(queue)

    async def paused(self) -> Sequence[str]:
        """The queues that are paused; beyond the contract, for people."""
        return [*chain.from_iterable(await self._each(Filter(), lambda part: part.inspector.paused()))]

    async def _each(self, which: Filter, ask: Callable[[Part], Coroutine[Any, Any, T]]) -> Sequence[T]:
        return await self._parts.each([which.queue] if which.queue else await self._parts.queues(), ask)


async def _retry(which: Filter, part: Part) -> int:
    return await part.inspector.retry(which)


async def _delete(which: Filter, part: Part) -> int:
    return await part.inspector.delete(which)
