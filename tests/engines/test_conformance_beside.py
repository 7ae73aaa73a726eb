"""The conformance suite over a file whose facts stand in a store in memory: all that is promised without one transaction for
both holds there, too."""

from collections.abc import Iterator

import pytest

from conformance_sqlite import OnDisk
from workhorse.durable.beside import Beside
from workhorse.engine import Engine
from workhorse.engines import open_engine
from workhorse.engines.sqlite import memory
from workhorse.testing.conformance import Conformance


class TestBeside(OnDisk, Conformance):
    """`sqlite:////FILE` with `store="memory://NAME"`."""

    without = ("transactions", "statements")

    @pytest.fixture(autouse=True)
    def homes(self) -> Iterator[None]:
        self.homes_made: list[str] = []
        yield
        for name in self.homes_made:
            memory.forget(name)

    def engine(self, name: str) -> Engine:
        self.homes_made.append(name)
        memory.home(name, clock=self.clock)
        return Beside(super().engine(name), open_engine(f"memory://{name}"))
