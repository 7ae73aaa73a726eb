"""Looks at the tables for those who wait: one look for all who begin to wait in the same moment."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Final

from workhorse.core.contract import ABSENT
from workhorse.engines.keeping import SECOND
from workhorse.engines.postgres.ears import Ear

Fetch = Callable[..., Awaitable[Sequence[Any]]]

_DUES: Final = """
with moment as materialized (select workhorse.now_us() as now)
select q.queue, min(next.due) - now as due
from moment, unnest($1::text[]) as q(queue)
cross join (values (1::smallint), (2::smallint), (3::smallint)) as level(priority)
left join lateral (
    select j.due from workhorse.jobs j
    where j.queue = q.queue and j.priority = level.priority and j.state = 0 and (j.due > now or j.lease <= now)
    order by j.due limit 1
) as first on true
cross join lateral (
    select case when first.due <= now then first.due else least(first.due, (  -- whatever is due before it is held
        select min(j.lease) from workhorse.jobs j
        where j.queue = q.queue and j.priority = level.priority and j.state = 0 and j.due <= now
    )) end as due
) as next
where not exists (select from workhorse.paused p where p.queue = q.queue)
group by q.queue, now having min(next.due) is not null
union all
select q.queue, 0 from unnest($1::text[]) as q(queue) where exists (select from workhorse.asking where seq > 0)
"""
_FACTS: Final = """
with moment as materialized (select workhorse.now_us() as now)
select f.key, f.version, f.expires - now as life from moment, workhorse.facts f
where f.key = any($1::text[]) and (f.expires is null or f.expires > now)
"""


class Looks:
    """Answers each ear that asks: it is rung, or learns when its time comes."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._fresh: list[Ear] = []
        self._task: asyncio.Task[None] | None = None

    def want(self, ears: Iterable[Ear]) -> None:
        """Look for these soon; what is committed from here on is seen by that look."""
        self._fresh += ears
        if self._fresh and (self._task is None or self._task.done()):
            self._task = asyncio.get_running_loop().create_task(self._serve())

    async def close(self) -> None:
        """Let a look that is under way end."""
        self._fresh.clear()
        if self._task is not None:
            await asyncio.wait([self._task])

    async def _serve(self) -> None:
        while self._fresh:
            ears, self._fresh = self._fresh, []
            try:
                await look(self._fetch, ears)
            except Exception as error:  # who waits is told, whatever it is
                for ear in ears:
                    ear.fail(error)


async def look(fetch: Fetch, ears: Iterable[Ear]) -> None:
    """One look for all of these. Times are told as how far off they are: our own clock has no say."""
    ears = list(ears)
    if queues := list({queue for ear in ears for queue in ear.queues}):
        dues: dict[str, int] = {}
        for queue, due in await fetch(_DUES, queues):
            dues[queue] = min(due, dues.get(queue, due))
        for ear in ears:
            _expect(ear, [dues[queue] for queue in ear.queues if queue in dues])
    if keys := list({key for ear in ears for key in ear.known}):
        facts = {key: (version, life) for key, version, life in await fetch(_FACTS, keys)}
        for ear in ears:
            _compare(ear, facts)


def _expect(ear: Ear, dues: list[int]) -> None:
    """Microseconds from now; what is not in the future is due."""
    if dues:
        ear.within(max(0, min(dues)) / SECOND)


def _compare(ear: Ear, facts: dict[str, tuple[int, int | None]]) -> None:
    for key, version in ear.known.items():
        now, life = facts.get(key, (ABSENT, None))
        if now != version:
            ear.ring()
        elif life is not None:
            ear.within(life / SECOND)
