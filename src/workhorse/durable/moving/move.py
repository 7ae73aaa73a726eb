"""A move from an engine that can be listed.

Its queues are paused at the source first, and stay so: nothing that was listed as waiting begins to run there, neither while
the move goes on, nor after it was killed, nor between a job's arrival at the target and its end at the source. What runs
goes on, and is left, or waited for in further rounds.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final

from workhorse.core.contract import Engine, Filter, Row
from workhorse.durable import paging
from workhorse.durable.moving.account import Account
from workhorse.durable.moving.delivery import WAITING, Delivery, inspector_of

RUNS: Final = "it runs at the source"
BEHIND: Final = "its lane is ordered, and a job of it runs at the source"

REST: Final = 0.5
"""Seconds between two rounds, while what runs at the source goes on."""

Step = Callable[[int], None]


class Move:
    """All jobs of some queues that wait or are dead. `round` may be called again, until it says that nothing is left."""

    def __init__(self, source: Engine, target: Engine, queues: Sequence[str] | None, *, dry: bool = False) -> None:
        self._from, self._queues, self._dry = inspector_of(source), queues, dry
        self._source, self._target = source, target
        self.account = Account()

    async def total(self) -> int | None:
        """How many there are to move."""
        states = (*WAITING, "dead")
        return sum(counts.get(state, 0) for counts in (await self._counts()).values() for state in states)

    async def round(self, step: Step) -> bool:
        """Move all that can go now, in pages; `step` gets the number of jobs just looked at. Whether any is left that waits,
        or may come to wait, and was not refused."""
        before = self.account.count
        self.account.stayed.clear()
        queues = list(await self._counts())
        await self._pause(queues)
        delivery = Delivery(self._source, self._target, self.account)
        busy = await self._running(queues)
        lined: list[tuple[int, float, str]] = []
        async for page in self._listed(queues):
            await self._carry(delivery, [row for row in page if row.job.lane is None or row.status == "dead"], step)
            lined += [self._place(row) for row in page if self._is_lined(row, busy)]
        await self._carry_lanes(delivery, sorted(lined), step)
        self.account.remains = await self._counts()
        waits = any(counts.get("running", 0) for counts in self.account.remains.values())
        return waits or self.account.count > before

    async def rest(self) -> None:
        """Until there may be more to move."""
        await asyncio.sleep(REST)

    async def _pause(self, queues: Sequence[str]) -> None:
        """Again in each round: somebody may have resumed them."""
        for queue in () if self._dry else queues:
            await self._from.pause(queue)
            if queue not in self.account.paused:
                self.account.paused.append(queue)

    async def _counts(self) -> dict[str, dict[str, int]]:
        counts = await self._from.count("queue")
        return {queue: held for queue, held in counts.items() if self._queues is None or queue in self._queues}

    async def _running(self, queues: Sequence[str]) -> set[str]:
        """The ordered lanes of what runs: looked for before what waits, so that none is torn by a job that is put back meanwhile."""
        busy: set[str] = set()
        for queue in queues:
            async for page in paging.pages(self._from, Filter(queue=queue, status="running")):
                self.account.keep(RUNS, [row.job.id for row in page])
                busy.update(row.job.lane.key for row in page if row.job.lane is not None and row.job.lane.ordered)
        return busy

    async def _listed(self, queues: Sequence[str]) -> AsyncIterator[Sequence[Row]]:
        for queue in queues:
            for status in ("dead", *WAITING):
                async for page in paging.pages(self._from, Filter(queue=queue, status=status)):
                    yield page

    def _is_lined(self, row: Row, busy: set[str]) -> bool:
        """Whether it goes with its lane; those behind a job that runs stay."""
        if row.job.lane is None or row.status == "dead":
            return False
        if row.job.lane.key in busy:
            self.account.keep(BEHIND, [row.job.id])
        return row.job.lane.key not in busy

    def _place(self, row: Row) -> tuple[int, float, str]:
        return row.place, row.accepted, row.job.id

    async def _carry_lanes(self, delivery: Delivery, lined: Sequence[tuple[int, float, str]], step: Step) -> None:
        """In the order of their acceptance: the target accepts them in the same."""
        for start in range(0, len(lined), paging.PAGE):
            chunk = lined[start : start + paging.PAGE]
            order = {id: number for number, (_, _, id) in enumerate(chunk)}
            rows = await self._from.list(Filter(ids=list(order)), len(order))
            waiting = [row for row in rows if row.status in WAITING]
            await self._carry(delivery, sorted(waiting, key=lambda row: order[row.job.id]), step)

    async def _carry(self, delivery: Delivery, rows: Sequence[Row], step: Step) -> None:
        if rows:
            await delivery.carry(rows, dry=self._dry)
            step(len(rows))
