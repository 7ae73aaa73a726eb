"""The line between a process and the engine: an await before each verb's effect and one before its answer, where the nemesis waits."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Set
from typing import Any

from simulation.engine import WITNESS, SimulatedLink
from simulation.loop import forever
from simulation.nemesis import Nemesis, Side
from simulation.witness import witness
from simulation.world import Process, World, here
from workhorse.errors import BrokerUnavailable

VERBS = frozenset({"publish", "claim", "settle", "extend", "wait", "get", "put", "cancel", "delete"})

Verb = Callable[..., Awaitable[Any]]


class Line:
    """One for a run."""

    def __init__(
        self,
        world: World,
        link: SimulatedLink,
        nemesis: Nemesis,
        chance: random.Random,
        lease: float,
        verbs: Set[str] = VERBS,
    ) -> None:
        self.verbs = verbs
        self._world, self._link, self._nemesis, self._chance = world, link, nemesis, chance
        self._lease = lease
        self.calls = 0
        """While there may be faults."""
        self.healed = False

    def engine(self) -> "Far":
        """An engine at the far end."""
        return Far(self._link, self)

    def over(self, name: str, verb: Verb) -> Verb:
        """The verb, over this line."""

        async def call(*args: Any) -> Any:
            process = here()
            self.calls += not self.healed
            number = self.calls
            await self._meet(process, name, number, "before")
            WITNESS.set(witness(self._world.history, process.name, name, args))
            try:
                answer = await verb(*args)
            finally:
                WITNESS.set(None)
            await self._meet(process, name, number, "after")
            return answer

        return call

    async def _meet(self, process: Process, verb: str, number: int, side: Side) -> None:
        fault = None if self.healed else self._nemesis.choose(process.name, number, side)
        if fault is None:
            return
        seconds = self._lease * self._chance.uniform(0.05, 1.5) if fault == "stall" else 0.0
        self._world.history.add(
            process.name, "fault", fault=fault, verb=verb, call=number, side=side, seconds=round(seconds, 3)
        )
        if fault == "kill":
            self._world.kill(process, "nemesis")
            await forever()
        elif fault == "freeze":
            self._world.freeze(process, self._lease * self._chance.uniform(1.1, 2))
            await asyncio.sleep(0)
        elif fault == "stall":
            await asyncio.sleep(seconds)
        else:
            raise BrokerUnavailable(f"{verb}: {'the answer is lost' if side == 'after' else 'the line is cut'}")


class Far:
    """The engine as a process sees it."""

    def __init__(self, link: SimulatedLink, line: Line) -> None:
        self._engine = link.engine()
        self.broker, self.store = _Part(self._engine.broker, line), _Part(self._engine.store, line)
        self.inspector, self.statements = _Part(self._engine.inspector, line), self._engine.statements

    async def open(self) -> None:
        await self._engine.open()

    async def close(self) -> None:
        await self._engine.close()


class _Part:
    """Its verbs go over the line."""

    def __init__(self, part: Any, line: Line) -> None:
        self._part, self._line = part, line

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._part, name)
        if name not in self._line.verbs:
            return found
        over = self._line.over(name, found)
        setattr(self, name, over)
        return over
