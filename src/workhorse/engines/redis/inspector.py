"""The inspector: shows jobs to people, and takes their orders. Each goes in chunks, so that no script keeps workers waiting."""

from collections.abc import Sequence
from itertools import chain
from typing import Final, Literal

import msgspec

from workhorse.core import trail as trails
from workhorse.core.contract import Filter, Row
from workhorse.engines import keeping
from workhorse.engines.redis import counting, search
from workhorse.engines.redis.link import Link
from workhorse.engines.redis.scripts import LEAN_ON_JOBS, Script, script
from workhorse.engines.redis.wire import Word

_PUT_BACK: Final = 50
"""Dead jobs that one script puts back: each gets another trail, and may enter a lane."""

_FIND_DEAD: Final = script(*LEAN_ON_JOBS, "sifting", "find_dead")
_RETRY: Final = script(*LEAN_ON_JOBS, "sifting", "retry")
_CANCEL: Final = script(*LEAN_ON_JOBS, "sifting", "cancel")
_DELETE: Final = script(*LEAN_ON_JOBS, "sifting", "delete")
_PAUSE: Final = script("pause")
_RESUME: Final = script("wakes", "resume")


class Inspector:
    """As the contract says."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def count(self, by: Literal["queue", "task", "status"], /) -> dict[str, dict[str, int]]:
        return await counting.count(self._link, by)

    async def list(self, which: Filter, limit: int = 100, /) -> Sequence[Row]:
        return await search.find(self._link, which, limit)

    async def show(self, id: str, /) -> Row | None:
        found = await search.rows(self._link, [id])
        return found[0] if found else None

    async def retry(self, which: Filter, /) -> int:
        if which.status not in (None, "dead"):
            return 0
        done, dead = 0, msgspec.structs.replace(which, status="dead")
        async for found in search.sift(self._link, dead, _FIND_DEAD):
            words = [
                (id, int(attempt), trails.renewed(trail, int(attempt)))
                for id, attempt, trail in zip(found[::3], found[1::3], found[2::3], strict=True)
            ]
            for start in range(0, len(words), _PUT_BACK):
                done += await self._link.run(_RETRY, *chain.from_iterable(words[start : start + _PUT_BACK]))
        return done

    async def cancel(self, which: Filter, /) -> int:
        return await self._order(which, _CANCEL)

    async def delete(self, which: Filter, /) -> int:
        return await self._order(which, _DELETE, keeping.DELETED, keeping.micros(keeping.DELETED_TTL))

    async def pause(self, queue: str, /) -> None:
        await self._link.run(_PAUSE, queue)

    async def resume(self, queue: str, /) -> None:
        await self._link.run(_RESUME, queue)

    async def paused(self) -> Sequence[str]:
        """The queues that are paused; beyond the contract, for people."""
        return [queue.decode() for queue in await self._link.ask("SMEMBERS", self._link.key("paused"))]

    async def _order(self, which: Filter, order: Script, *more: Word) -> int:
        return sum([count async for (count,) in search.sift(self._link, which, order, *more, most=search.ORDERED)])
