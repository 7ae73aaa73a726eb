"""Watches the demo's jobs: until half are done, then kills a worker; then until all are, noting what became of its jobs."""

import asyncio
import time
from collections.abc import Sequence
from typing import Final

import msgspec

from workhorse.cli.demo_crew import LEASE, Crew
from workhorse.cli.meter import Meter
from workhorse.core.contract import Filter, Inspector, Row
from workhorse.core.errors import WorkhorseError

LOOK: Final = 0.05
"""Seconds between looks."""

PATIENCE: Final = 60.0
"""Seconds without any progress after which the demo gives up: longer than any one file takes."""

ENDED: Final = ("succeeded", "dead", "cancelled")


class Kill(msgspec.Struct):
    """What the killed worker held; when its lease was over, so that this was due again, and when another worker took it:
    seconds after the kill."""

    pid: int
    done: int
    moment: float
    held: list[str]
    due: dict[str, float] = {}
    recovered: dict[str, float] = {}

    @property
    def over(self) -> bool:
        """Whether all that it held was taken over."""
        return len(self.recovered) == len(self.held)


class Watch:
    """One run over `total` jobs of one queue; `before` is what `ended` said when it began."""

    def __init__(self, inspector: Inspector, queue: str, total: int, crew: Crew, meter: Meter) -> None:
        self._inspector, self._queue, self._total, self._crew, self._meter = inspector, queue, total, crew, meter
        self.before: tuple[int, int] = (0, 0)
        self.kill: Kill | None = None
        self._began = self._moved = time.monotonic()
        self._done = 0

    async def run(self) -> float:
        """Until all have ended; for how many seconds that took."""
        while self._done < self._total:
            self._crew.check()
            await self._look()
            if self.kill is None and self._done * 2 >= self._total:
                await self._kill()
            if self.kill is not None and not self.kill.over:
                await self._follow(self.kill)
            if self._done < self._total:
                await asyncio.sleep(LOOK)
        return time.monotonic() - self._began

    async def ended(self) -> tuple[int, int]:
        """How many jobs of the queue have ended, and how many of these are dead."""
        counts = (await self._inspector.count("queue")).get(self._queue, {})
        return sum(counts.get(status, 0) for status in ENDED), counts.get("dead", 0)

    async def _look(self) -> None:
        (ended, dead), (ended_before, dead_before) = await self.ended(), self.before
        now, done = time.monotonic(), ended - ended_before
        if done != self._done:
            self._done, self._moved = done, now
        elif now - self._moved > PATIENCE:
            raise WorkhorseError(f"nothing has moved for {PATIENCE:g} s: {done:,} of {self._total:,} jobs have ended")
        self._meter.at(done, f"{dead - dead_before:,} dead, {done / (now - self._began):,.0f} jobs/s")

    async def _kill(self) -> None:
        """The worker that holds more of the two."""
        running = await self._running()
        pid = max(self._crew.pids, key=lambda pid: len(_of(pid, running)))
        self._crew.kill(pid)
        moment = time.monotonic()
        held = [row.job.id for row in _of(pid, await self._running())]
        self.kill = Kill(pid, self._done, moment, held)
        self._meter.say(
            f"killed worker {pid} with SIGKILL at {self._done:,} of {self._total:,} files: it held {len(held)} jobs, "
            f"which are due again when its lease of {LEASE:g} s runs out"
        )

    async def _follow(self, kill: Kill) -> None:
        """Taken over is what another worker runs, or has ended; what was due before it may come first."""
        missing = [id for id in kill.held if id not in kill.recovered]
        now = time.monotonic() - kill.moment
        for row in await self._inspector.list(Filter(ids=missing), len(missing)):
            if row.status == "running" and _of(kill.pid, [row]):
                continue
            kill.due.setdefault(row.job.id, now)
            if row.status != "ready":
                kill.recovered[row.job.id] = now
        if kill.over:
            self._meter.say(f"the other worker has taken over all {len(kill.held)} of them, {now:.1f} s after the kill")

    async def _running(self) -> Sequence[Row]:
        return await self._inspector.list(Filter(queue=self._queue, status="running"), 1000)


def _of(pid: int, rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if str(pid) in row.worker.split(":")]
