"""The simulated world: processes that can be killed and frozen, and a wall clock that can be set."""

import asyncio
import itertools
from collections.abc import Callable, Coroutine
from typing import Any

from simulation.history import History
from simulation.loop import Scheduler

EPOCH = 1_900_000_000.0

Main = Callable[[], Coroutine[Any, Any, object]]


class Process:
    """Two loops, as a worker has two threads; both go with it. `told` is what an operator may call to stop it."""

    def __init__(self, world: "World", kind: str, number: int, main: Main, told: Callable[[], object] | None) -> None:
        self.world, self.kind, self.name, self.told = world, kind, f"{kind}{number}", told
        name = self.name
        self.loops = [world.scheduler.loop(name), world.scheduler.loop(f"{name}/leases")]
        for loop in self.loops:
            loop.process = self  # type: ignore[attr-defined]
        self.alive = True
        self.loops[0].call_soon(self._begin, main)

    def _begin(self, main: Main) -> None:
        self.loops[0].create_task(main()).add_done_callback(self._ended)

    def _ended(self, _: "asyncio.Task[object]") -> None:
        for error in (error for loop in self.loops for error in loop.unheard()):
            self.world.history.add(self.name, "error", error=repr(error))
        self.world.history.add(self.name, "ended")
        self.world.gone(self)


class World:
    """`replace` is called with each process that died or ended."""

    def __init__(self, seed: int, replace: Callable[[Process], None]) -> None:
        self.scheduler = Scheduler(seed)
        self.set_by = 0.0
        """Seconds by which somebody has set the wall clock."""
        self.history = History(lambda: self.scheduler.now, self.wall)
        self.processes: list[Process] = []
        self.runs = itertools.count(1)
        """Numbers of the runs of tasks."""
        self.operator = self.scheduler.loop("operator")
        """Where things happen at a time, and to nobody's process."""
        self._replace = replace
        self._numbered: dict[str, int] = {}

    def wall(self) -> float:
        return EPOCH + self.scheduler.now + self.set_by

    def spawn(self, kind: str, main: Main, told: Callable[[], object] | None = None) -> None:
        """One more process, `kind1`, `kind2`, and so on."""
        self._numbered[kind] = self._numbered.get(kind, 0) + 1
        process = Process(self, kind, self._numbered[kind], main, told)
        self.processes.append(process)
        self.history.add(process.name, "spawned")

    def kill(self, process: Process, why: str) -> None:
        """Nothing of it runs any more, and nothing is cleaned up."""
        if process.alive:
            self.history.add(process.name, "killed", why=why)
            self.gone(process)

    def gone(self, process: Process) -> None:
        """It does not live any more; its place may be taken."""
        if process.alive:
            process.alive = False
            self.processes.remove(process)
            for loop in process.loops:
                loop.die()
            self._replace(process)

    def freeze(self, process: Process, seconds: float) -> None:
        """It stands still for so long, and knows nothing of it."""
        self.history.add(process.name, "frozen", seconds=round(seconds, 3))
        for loop in process.loops:
            loop.frozen_until = self.scheduler.now + seconds

    def thaw(self) -> None:
        """All that are frozen go on."""
        for process in self.processes:
            for loop in process.loops:
                loop.frozen_until = 0.0

    def set_clock(self, by: float) -> None:
        """The host's wall clock jumps."""
        self.set_by += by
        self.history.add("operator", "jump", by=by)


def here() -> Process:
    """The process whose code runs now."""
    process: Process = asyncio.get_running_loop().process  # type: ignore[attr-defined]
    return process
