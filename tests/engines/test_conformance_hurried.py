"""An engine whose time runs twenty times as fast as the suite's passes all the same: how one whose clock nobody can move is tested.

Deterministic here: the fast time is a manual clock's.
"""

from conformance_memory import InMemory
from workhorse.engine import Engine
from workhorse.testing.conformance import Conformance, hurried


class TestHurried(InMemory, Conformance):
    """The engine in memory, twenty times as fast."""

    def engine(self, name: str) -> Engine:
        return hurried(super().engine(name), 20)

    async def pass_time(self, seconds: float) -> None:
        await super().pass_time(seconds / 20)
