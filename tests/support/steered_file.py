"""SQLite files on a clock that the tests move: what the tests of any engine's behaviour share."""

from pathlib import Path

import pytest

from workhorse.engine import Engine
from workhorse.engines.keeping import Policy, micros
from workhorse.engines.sqlite.engine import SqlEngine
from workhorse.engines.sqlite.homes import FileHome
from workhorse.engines.sqlite.link import Link
from workhorse.engines.sqlite.steering import Steering
from workhorse.testing.clock import ManualClock


class SteeredFile(FileHome):
    """A database file whose time is a manual clock's."""

    def __init__(self, path: str, clock: ManualClock, synchronous: str) -> None:
        super().__init__(path, Policy(), synchronous, steering=Steering(clock))
        self.clock = clock

    def now(self) -> int:
        return micros(self.clock.time())


class InFiles:
    """`sqlite:////FILE`: each engine has a connection of its own, as another process would."""

    synchronous = "full"

    @pytest.fixture(autouse=True)
    def folder(self, tmp_path: Path) -> None:
        self.files = tmp_path
        self.clock = ManualClock()

    def engine(self, name: str) -> Engine:
        return SqlEngine(Link(SteeredFile(self.file(name), self.clock, self.synchronous)))

    async def pass_time(self, seconds: float) -> None:
        self.clock.advance(seconds)

    def file(self, name: str) -> str:
        return str(self.files / f"{name}.db")
