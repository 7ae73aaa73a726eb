"""Waiting for what another process or thread does: no signal of it reaches a test, so this looks, and gives up in time."""

import time
from collections.abc import Callable


def until(so: Callable[[], bool], seconds: float = 60) -> None:
    """Return as soon as it is so; AssertionError after `seconds`."""
    end = time.monotonic() + seconds
    while not so():
        assert time.monotonic() < end, f"it did not come within {seconds:g} s"
        time.sleep(0.01)
