"""Where jobs of batch tasks wait for one another, before they get a slot together."""

import asyncio
from collections.abc import Callable, Iterable, Sequence

from workhorse.core.batch import Batch
from workhorse.core.clock import Clock
from workhorse.core.registry import Declared
from workhorse.worker.running import Running


class Batches:
    """Collects what is claimed; `ready` gets each batch that is full, or whose first job has waited long enough.

    What waits here has no slot, so that claims go on. A job that its worker died under goes alone: its death must not be
    charged to others again.
    """

    def __init__(self, tasks: Iterable[Declared], clock: Clock, ready: Callable[[Running], None]) -> None:
        self._sizes = {task.name: batch for task in tasks if (batch := task.definition.batch) is not None}
        self._clock, self._ready = clock, ready
        self._open: dict[str, list[Running]] = {}
        self._timers: dict[str, asyncio.Task[None]] = {}

    def sift(self, jobs: list[Running]) -> list[Running]:
        """Take those that belong here; the others are returned."""
        return [running for running in jobs if not self._collected(running)] if self._sizes else jobs

    def take_back(self) -> list[Running]:
        """All that waits: it will not be run here."""
        waiting = [running for jobs in self._open.values() for running in jobs]
        for name in tuple(self._open):
            self._closed(name)
        return waiting

    def _collected(self, running: Running) -> bool:
        claim = running.claim
        batch = self._sizes.get(claim.job.task)
        if batch is None or claim.crashes or claim.cancel or claim.expired:
            return False
        jobs = self._open.setdefault(claim.job.task, [])
        jobs.append(running)
        if len(jobs) >= batch.size:
            self._go(claim.job.task)
        elif len(jobs) == 1:
            self._timers[claim.job.task] = asyncio.create_task(self._time(claim.job.task, batch))
        return True

    async def _time(self, name: str, batch: Batch) -> None:
        await self._clock.sleep(float(batch.wait))  # type: ignore[arg-type]  # its seconds, since it was checked
        self._go(name)

    def _go(self, name: str) -> None:
        jobs = self._closed(name)
        self._ready(Running(jobs[0].claim, mates=jobs))

    def _closed(self, name: str) -> Sequence[Running]:
        timer = self._timers.pop(name, None)
        if timer is not None and timer is not asyncio.current_task():
            timer.cancel()
        return self._open.pop(name)
