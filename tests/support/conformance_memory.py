"""Stores in memory for the conformance suite: what its test files share."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from workhorse.engine import Engine
from workhorse.engines import open_engine
from workhorse.engines.sqlite import memory
from workhorse.engines.sqlite.tx import Tx
from workhorse.testing.clock import ManualClock


class RolledBack(Exception):
    """The caller changed its mind."""


class InMemory:
    """`memory://NAME` on a clock that the tests move: one store for all engines of the name."""

    @pytest.fixture(autouse=True)
    def homes(self) -> Iterator[None]:
        self.clock = ManualClock()
        self.shared: dict[str, dict[str, Any]] = defaultdict(dict)
        """What all engines of one name know together."""
        yield
        for name in self.shared:
            memory.forget(name)

    def engine(self, name: str) -> Engine:
        memory.home(name, clock=self.clock)
        engine = open_engine(f"memory://{name}")
        self.shared[name]["engine"] = engine
        return engine

    async def pass_time(self, seconds: float) -> None:
        self.clock.advance(seconds)

    async def transact(self, name: str, statements: Sequence[tuple[str, tuple[object, ...]]], *, commit: bool) -> None:
        """A store in memory has no second connection: the caller borrows its own, and whoever lends it tells who waits."""

        def run(tx: Tx) -> None:
            for text, values in statements:
                tx.con.execute(text, values)
            if not commit:
                raise RolledBack

        link = memory.home(name)
        try:
            await link.write(run)
        except RolledBack:
            return
        link.ears.tell(*link.ears.wanted())
