"""The real engine in memory, its desk a loop of the simulation: what waits there at its turn is committed together, as ever."""

from collections.abc import Callable
from contextvars import ContextVar
from queue import SimpleQueue
from threading import Lock
from typing import Any, TypeVar

from simulation.loop import Loop
from workhorse.engines.keeping import SECOND, Policy
from workhorse.engines.sqlite.desk import Desk, Some
from workhorse.engines.sqlite.engine import SqlEngine
from workhorse.engines.sqlite.homes import MemoryHome
from workhorse.engines.sqlite.link import Link
from workhorse.engines.sqlite.tx import Tx

T = TypeVar("T")

Witness = Callable[[Any, float], None]
"""Told of a write's answer, and of its moment by the engine's clock, inside the transaction."""

WITNESS: ContextVar[Witness | None] = ContextVar("witness", default=None)

DAYS = 86_400 * SECOND


class SimulatedLink(Link):
    """Its desk takes its turns on a loop, and each write has its witness."""

    def __init__(self, loop: Loop, retain: int = 30 * DAYS) -> None:
        super().__init__(MemoryHome("simulation", Policy(retain=retain)))
        self._loop = loop

    def open(self) -> None:
        if self._desk is None:
            self._desk = Desk(self.home, self.ears, self.home.connect(), None, Lock())
            self._desk.ops = _Waiting(self._loop, self._desk)

    def close(self) -> None:
        if self._desk is not None:
            self._desk.con.close()

    async def write(self, work: Callable[[Tx], T], weight: int = 1) -> T:
        return await super().write(_witnessed(work), weight)

    async def hold(self, work: Callable[[Tx], T], weight: int = 1) -> T:
        return await super().hold(_witnessed(work), weight)

    def engine(self) -> SqlEngine:
        """One more on the same store."""
        return SqlEngine(self, shared=True)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """What the database holds, past all verbs."""
        assert self._desk is not None
        return self._desk.con.execute(sql).fetchall()


class _Waiting(SimpleQueue):  # type: ignore[type-arg]
    """Operations that wait; the first of them calls the desk to its loop."""

    def __init__(self, loop: Loop, desk: Desk) -> None:
        super().__init__()
        self._loop, self._desk = loop, desk

    def put(self, op: Some | None, block: bool = True, timeout: float | None = None) -> None:
        if self.empty():
            self._loop.call_soon(self._turn)
        super().put(op)

    def get(self, block: bool = True, timeout: float | None = None) -> Some | None:
        """Never waits: those that were there may all have been given up."""
        return super().get(block=False)

    def _turn(self) -> None:
        if not self.empty():
            self._desk.turn()
        if not self.empty():
            self._loop.call_soon(self._turn)


def _witnessed(work: Callable[[Tx], T]) -> Callable[[Tx], T]:
    witness = WITNESS.get()
    if witness is None:
        return work

    def and_told(tx: Tx) -> T:
        answer = work(tx)
        witness(answer, tx.now / SECOND)
        return answer

    return and_told
