"""The conformance suite over the toy: what it does not promise is skipped by name."""

from workhorse_toy import SHELVES, toy

from workhorse.engine import Engine
from workhorse.testing.conformance import Conformance


class TestToy(Conformance):
    """`toy://NAME`, on a clock that the tests move."""

    now = 1_700_000_000.0

    def engine(self, name: str) -> Engine:
        SHELVES[name].clock = lambda: self.now
        return toy(f"toy://{name}")

    async def pass_time(self, seconds: float) -> None:
        self.now += seconds
