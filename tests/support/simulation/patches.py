"""What a run replaces for its time: the clock, chance, the thread that keeps the leases, and where an app finds its engine."""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from simulation.tasks import app
from simulation.world import World, here
from workhorse import Workhorse
from workhorse.core import ids
from workhorse.core.clock import SystemClock
from workhorse.worker.leases import Leases


@contextmanager
def simulated(world: World, engine: Callable[[], Any], seed: int, app: Workhorse = app) -> Generator[None]:
    """Inside, the worker's code lives in this world."""
    chance = random.Random(seed)
    state = random.getstate()
    random.seed(seed)
    errors = _Errors(world)
    log = logging.getLogger("workhorse")
    before = log.level, log.propagate
    log.setLevel(logging.ERROR)
    log.propagate = False
    log.addHandler(errors)
    try:
        with (
            _clock(world),
            _chance(chance),
            _leases(),
            patch("workhorse.app.places.open_engine", lambda url: engine()),
            app.relocated("memory://simulation", SystemClock()),
        ):
            yield
    finally:
        log.removeHandler(errors)
        log.setLevel(before[0])
        log.propagate = before[1]
        random.setstate(state)


@contextmanager
def _clock(world: World) -> Generator[None]:
    with (
        patch.object(time, "time", world.wall),
        patch.object(time, "time_ns", lambda: round(world.wall() * 1e9)),
        patch.object(time, "monotonic", lambda: world.scheduler.now + 1000),
        patch.object(time, "perf_counter", lambda: world.scheduler.now),
    ):
        yield


@contextmanager
def _chance(chance: random.Random) -> Generator[None]:
    with patch.object(random, "SystemRandom", lambda: chance), patch.object(ids, "randbits", chance.getrandbits):
        yield


@contextmanager
def _leases() -> Generator[None]:
    """The thread of the leases becomes the second loop of its process."""

    def start(self: Leases) -> None:
        self._turn()
        leases = here().loops[1]
        leases.call_soon(lambda: leases.create_task(self._keep()))

    async def stopped_within(self: Leases, seconds: float) -> bool:
        await asyncio.sleep(seconds)
        return self._stop.is_set()

    with patch.object(Leases, "start", start), patch.object(Leases, "_stopped_within", stopped_within):
        yield


class _Errors(logging.Handler):
    """What the worker logs as an error is a line of the account, too."""

    def __init__(self, world: World) -> None:
        super().__init__(logging.ERROR)
        self._world = world

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info:  # a dead letter is told at the same level, and is no failure of the worker's own
            self._world.history.add("log", "error", said=record.getMessage(), error=repr(record.exc_info[1]))
