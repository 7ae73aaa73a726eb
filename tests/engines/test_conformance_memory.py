"""The conformance suite over the engine in memory, on a clock that the tests move."""

from conformance_memory import InMemory
from workhorse.testing.conformance import Conformance


class TestMemory(InMemory, Conformance):
    """`memory://NAME`."""
