"""A run of workers whose app has schedules: while one of them is killed, frozen or cut off, each tick comes once."""

import itertools
import json
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from simulation.engine import SimulatedLink
from simulation.line import VERBS, Line
from simulation.nemesis import At, Fault, Nemesis, Peace
from simulation.patches import simulated
from simulation.world import Process, World, here
from workhorse import Context, Cron, Every, Workhorse
from workhorse.core.schedule import Schedule

LEASE: Final = 3.0
LONG: Final = 4.5
"""Seconds in which something may go wrong."""

END: Final = LONG + 3 * LEASE + 0.3
"""No tick is due just then."""

app = Workhorse("memory://simulation", name="sim", result_ttl=0)


@app.task(schedule=Every(seconds=2))
async def beat(ctx: Context) -> None:
    """Told of by its settle."""
    here().world.history.add(here().name, "ticked", ctx.job.id)


@app.task(schedule=Every(seconds=3, jitter=0.5))
async def sway(ctx: Context) -> None:
    """The same."""
    here().world.history.add(here().name, "ticked", ctx.job.id)


@app.task(schedule=Cron("* * * * *", timezone="Europe/Paris"))
async def minute() -> None:
    """Hardly ever due in so short a run."""


@dataclass(frozen=True, slots=True)
class Told:
    """`wrong`: ticks that came twice or never, line by line; `ticks`: how many came."""

    wrong: list[str]
    ticks: int
    history: str


class Ticking:
    """From its nemesis; `go` once. Nothing that has ended is kept, so that only an id's memory stands against a double."""

    def __init__(self, nemesis: Nemesis, workers: int = 2, seed: int = 1) -> None:
        self._seed, self._workers = seed, workers
        self._world = World(seed, self._replace)
        self._link = SimulatedLink(self._world.scheduler.loop("engine"), retain=0)
        verbs = VERBS | {"now", "get"}
        chance = random.Random(seed)
        self._line = Line(self._world, self._link, nemesis, chance, LEASE, verbs)
        self._over = False

    def go(self) -> Told:
        """The whole of it."""
        world = self._world
        with simulated(world, self._line.engine, self._seed, app):
            try:
                self._link.open()
                for _ in range(self._workers):
                    self._spawn()
                world.scheduler.run(lambda: world.scheduler.now >= LONG, LONG)
                self._end()
                marks = [json.loads(value) | {"key": key} for key, value in self._link.rows(_MARKS)]
                left = self._link.rows("select id from workhorse_jobs where state < 2")
            finally:
                world.history.closed = True
                world.scheduler.close()
                self._link.close()
        wrong = [f"still there: {id}" for (id,) in left] + list(self._wrong(marks))
        return Told(wrong, sum(self._ended().values()), world.history.text())

    def _end(self) -> None:
        """No more faults; what there is, is run to its end."""
        world = self._world
        self._line.healed = True
        world.thaw()
        world.scheduler.run(lambda: world.scheduler.now >= END, END)
        self._over = True
        for process in world.processes:
            assert process.told is not None
            process.loops[0].call_soon(process.told)
        world.scheduler.run(lambda: not world.processes, world.scheduler.now + 60)

    def _ended(self) -> Counter[str]:
        settled = [it for it in self._world.history if it.word == "settled" and not it.more["undone"]]
        return Counter(it.job for it in settled if it.more["kind"] == "Succeeded")

    def _wrong(self, marks: Sequence[dict[str, object]]) -> Iterator[str]:
        """By the marks, which tell from when on and until when there were ticks."""
        ended, asked = self._ended(), set[str]()
        for mark in marks:
            name = str(mark["key"]).removeprefix("tick/")
            schedule = app.scheduled()[name].definition.schedule
            assert schedule is not None
            asked |= _ids(name, schedule, float(str(mark["since"])), float(str(mark["at"])))
        yield from (f"came {times} times: {id}" for id, times in ended.items() if times > 1)
        yield from (f"never came: {id}" for id in sorted(asked - ended.keys()))
        yield from (f"came and was none: {id}" for id in sorted(ended.keys() - asked))

    def _spawn(self) -> None:
        worker = app.worker(concurrency=4, lease=LEASE, grace=1.0, signals=())
        self._world.spawn("worker", lambda: worker.run(), worker.stop)

    def _replace(self, process: Process) -> None:
        if not self._over:
            self._world.operator.call_later(0.5, self._respawn)

    def _respawn(self) -> None:
        if not self._over:
            self._spawn()


def each_await(faults: Sequence[Fault]) -> Iterator[tuple[str, Told]]:
    """The run without a fault, then one for each await before and after each verb's effect, and each fault."""
    peace = Peace()
    yield "none", Ticking(peace).go()
    for (number, side), fault in itertools.product(peace.met, faults):
        at = At(number, side, fault)
        yield str(at), Ticking(at).go()


def _ids(name: str, schedule: Schedule, since: float, at: float) -> set[str]:
    """Made here anew, from what the docs say of an id."""
    moments = itertools.takewhile(lambda moment: moment <= at, schedule.after(since, since))
    return {f"tick~{name}~{datetime.fromtimestamp(it, UTC):%Y-%m-%dT%H:%M:%S}Z" for it in moments}


_MARKS: Final = "select key, value from workhorse_facts where key like 'tick/%'"
