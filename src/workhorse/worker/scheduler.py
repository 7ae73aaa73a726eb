"""Enqueues the ticks of an app's schedules while its worker lives. Every worker does, and none leads: a tick's id is the same for all.

What time it is the engine says, at each look: a worker's own clock has no say.
"""

import asyncio
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Final, Self

import msgspec

from workhorse.core.contract import Broker, Envelope, Store
from workhorse.core.envelope import encode_job
from workhorse.core.errors import WorkhorseError
from workhorse.core.happenings import TickRefused, TicksMissed
from workhorse.core.instrument import Bus, log
from workhorse.core.registry import Declared
from workhorse.core.schedule import Schedule
from workhorse.core.schema import Unfit
from workhorse.durable import ticks
from workhorse.durable.ticks import Marked, Step
from workhorse.worker.backoff import Backoff

LOOK: Final = 5.0
"""Seconds between two looks at most: after that a pause is seen, and a jump of the engine's clock."""

LEAVING: Final = 1.0
"""Seconds that the end waits for a look that is under way."""


class Scheduler:
    """For the scheduled tasks of an app, by the names of their schedules."""

    def __init__(self, broker: Broker, store: Store, tasks: Mapping[str, Declared], bus: Bus, backoff: Backoff) -> None:
        self._broker, self._store, self._tasks, self._bus, self._backoff = broker, store, tasks, bus, backoff
        self.looked = asyncio.Event()
        """Set by the first look, whatever came of it."""

    async def __aenter__(self) -> Self:
        self._stopped = asyncio.Event()
        self._looking = asyncio.create_task(self._run())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        # not cancelled: what a publish in flight came to would not be known
        await asyncio.wait([self._looking], timeout=LEAVING)

    async def _run(self) -> None:
        while not self._stopped.is_set():
            patience = await self._guarded_look()
            self.looked.set()
            try:
                await asyncio.wait_for(self._stopped.wait(), patience)
            except TimeoutError:
                continue

    async def _guarded_look(self) -> float:
        try:
            return await self._backoff.keep_trying("schedule", self.look, self._stopped.is_set) or 0.0
        except Exception as error:  # of one look; all later ticks hang on this loop
            unexpected = not isinstance(error, WorkhorseError)
            log.error("a look at the schedules failed, another follows: %s", error, exc_info=unexpected)
            return LOOK

    async def look(self) -> float:
        """Publish what is due, then move the marks; seconds until the next look."""
        now, marked = await self._store.now(), await ticks.marks(self._store, self._tasks)
        steps = {
            name: step
            for name, (mark, _) in marked.items()
            if (step := ticks.due(self._schedule(name), mark, now)) is not None
        }
        if jobs := [job for name, step in steps.items() for job in self._jobs(name, step, now)]:
            await self._publish(jobs)
        if steps:
            await self._move(steps, marked)
        stand = {name: steps[name].mark if name in steps else mark for name, (mark, _) in marked.items()}
        live = {name: mark for name, mark in stand.items() if mark is not None and not mark.paused}
        coming = [ticks.upcoming(self._schedule(name), mark) - now for name, mark in live.items()]
        return max(0.0, min(LOOK, *coming))

    def _schedule(self, name: str) -> Schedule:
        schedule = self._tasks[name].definition.schedule
        assert schedule is not None
        return schedule

    def _jobs(self, name: str, step: Step, now: float) -> Iterator[Envelope]:
        task = self._tasks[name]
        for moment in step.run:
            id = ticks.id_of(name, moment)
            try:
                job = encode_job(task.job(), task, lambda: now)
            except Unfit as error:  # one that cannot be made must not keep back the others
                self._bus.say(TickRefused(task.name, id, str(error)))
                continue
            late = moment + ticks.lag(self._schedule(name), id) - now
            yield msgspec.structs.replace(job, id=id, delay=max(0.0, late))

    async def _publish(self, jobs: list[Envelope]) -> None:
        answers = await self._broker.publish(jobs)
        for job, answer in zip(jobs, answers, strict=True):
            if answer.kind == "refused":
                self._bus.say(TickRefused(job.task, job.id, answer.reason))

    async def _move(self, steps: Mapping[str, Step], marked: Mapping[str, Marked]) -> None:
        """Where another moved a mark meanwhile, it published the same."""
        puts = [ticks.put(name, step.mark, marked[name].version) for name, step in steps.items()]
        versions = await self._store.put(puts)
        for (name, step), version in zip(steps.items(), versions, strict=True):
            if version is not None and step.skipped is not None:
                self._bus.say(TicksMissed(name, *step.skipped))
