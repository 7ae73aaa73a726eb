"""Pruning: what is no longer kept goes, in small batches, now and then, beside what the process does."""

import asyncio
from typing import Final

from hiredis import ReplyError

from workhorse.core.errors import WorkhorseError
from workhorse.engines.redis import search
from workhorse.engines.redis.link import Link
from workhorse.engines.redis.scripts import LEAN_ON_JOBS, script

BATCH: Final = 100
"""Of jobs, facts and unique keys that one script forgets at most."""

WORN: Final = 1000
EVERY: Final = 60.0
_QUEUES: Final = 50
_PRUNE: Final = script(*LEAN_ON_JOBS, "prune")


class Pruner:
    """Knows when it is time: so much has ended or was written since, or a minute has passed. One batch after the other as long as there is
    more; several processes may do it at once."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._worn = 0
        self._last: float | None = None
        self._lane = b"0"
        self._task: asyncio.Task[None] | None = None

    def wear(self, count: int = 0) -> None:
        """So many jobs have ended, or facts were written. Cheap: it only starts the work where it is time."""
        self._worn += count
        now = (loop := asyncio.get_running_loop()).time()
        if self._last is None:
            self._last = now
        if (self._worn >= WORN or now - self._last >= EVERY) and (self._task is None or self._task.done()):
            self._worn, self._last = 0, now
            self._task = loop.create_task(self._quietly())

    async def prune(self) -> None:
        """Until nothing is left to forget."""
        queues = await search.queues_of(self._link)
        for start in range(0, max(1, len(queues)), _QUEUES):
            more = 1
            while more:
                self._lane, more = await self._link.run(_PRUNE, BATCH, self._lane, *queues[start : start + _QUEUES])

    async def close(self) -> None:
        """Stop, where this loop began it."""
        task, self._task = self._task, None
        if task is not None and task.get_loop() is asyncio.get_running_loop():
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _quietly(self) -> None:
        try:
            await self.prune()
        except (WorkhorseError, ReplyError):  # the verbs say it to who asks; here nobody does
            pass
