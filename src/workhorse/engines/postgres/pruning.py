"""Pruning: what is no longer kept goes, in small batches, now and then, by whichever process comes first."""

import asyncio
import hashlib
import time
from typing import Final

from workhorse.core.errors import WorkhorseError
from workhorse.engines.postgres.link import Link

BATCH: Final = 1000
"""Rows of one transaction; so much must have ended or been written before it begins."""

EVERY: Final = 60.0
"""Seconds after which it begins anyway, if anything has ended or was written."""

_REST: Final = 0.02
"""Seconds between two batches: the workers come first."""

_PRUNE: Final = "select more, fact_place, lane_place from workhorse.prune($1::bigint, $2::integer, $3::text, $4::text)"


class Pruner:
    """Counts what was worn out, and prunes in a task of its own, so that no verb waits for it."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._turn = turn(link.place.schema)
        self._worn = 0
        self._last = time.monotonic()
        self._facts = self._lanes = ""
        self._task: asyncio.Task[None] | None = None

    def wear(self, rows: int) -> None:
        """So many ended or were written; prune, if it is time."""
        self._worn += rows
        if self._is_time() and (self._task is None or self._task.done()):
            self._task = asyncio.get_running_loop().create_task(self._prune())

    async def prune(self) -> bool:
        """One batch; whether there is more. False also where another process is at it."""
        (row,) = await self._link.fetch(_PRUNE, self._turn, BATCH, self._facts, self._lanes)
        self._facts, self._lanes = row["fact_place"], row["lane_place"]
        return bool(row["more"])

    async def close(self) -> None:
        """Let a batch that is under way end."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    def _is_time(self) -> bool:
        return self._worn >= BATCH or (self._worn > 0 and time.monotonic() - self._last >= EVERY)

    async def _prune(self) -> None:
        try:
            while self._is_time():  # again, if enough ended meanwhile
                self._worn, self._last = 0, time.monotonic()
                more = await self.prune()
                while more:
                    await asyncio.sleep(_REST)
                    more = await self.prune()
        except WorkhorseError:  # it can wait; who asks for something is told what is wrong
            pass


def turn(schema: str) -> int:
    """The number of the lock that one process holds while it prunes this schema."""
    return int.from_bytes(hashlib.blake2b(f"prune {schema}".encode(), digest_size=8).digest(), signed=True)
