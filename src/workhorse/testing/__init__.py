"""Tests without servers, threads or sleeping."""

from workhorse.testing.bench import Bench, drain, in_memory
from workhorse.testing.clock import ManualClock
from workhorse.testing.recorder import Recorder

__all__ = ["Bench", "ManualClock", "Recorder", "drain", "in_memory"]
