"""One role of one peer, run in that peer's own environment. The last line of its output is its answer, as JSON.

python role.py PEER setup
python role.py PEER enqueue single|bulk|callers COUNT SECONDS
python role.py PEER latency SAMPLES
python role.py PEER worker CONCURRENCY
"""

import asyncio
import gc
import inspect
import json
import os
import random
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from itertools import repeat
from threading import Lock
from typing import Any

import work

try:
    from uvloop import run as run_loop
except ImportError:
    from asyncio import run as run_loop

CALLERS = 100
CHUNK = 1000
"""Jobs handed to a bulk API at once."""


class Clock:
    """So many jobs, or so many seconds, whichever ends first."""

    def __init__(self, count: int, seconds: float) -> None:
        self.left, self.begun = count, time.perf_counter()
        self._end = self.begun + seconds
        self._lock = Lock()

    def take(self, most: int = 1) -> int:
        """How many to enqueue now; 0: it is over."""
        with self._lock:
            taken = min(most, self.left) if time.perf_counter() < self._end else 0
            self.left -= taken
        return taken


async def enqueue(producer: Any, mode: str, count: int, seconds: float) -> dict[str, float]:
    """How many there were, and how long it took."""
    await done(producer.open())
    gc.collect()
    clock = Clock(count, seconds)
    if mode == "bulk":
        await in_bulk(producer, clock)
    else:
        await beside_each_other(producer, clock, 1 if mode == "single" else CALLERS)
    took = time.perf_counter() - clock.begun
    await done(producer.close())
    return {"jobs": count - clock.left, "seconds": took}


async def in_bulk(producer: Any, clock: Clock) -> None:
    while size := clock.take(CHUNK):
        await done(producer.bulk(size))


async def beside_each_other(producer: Any, clock: Clock, callers: int) -> None:
    """Each of them enqueues one job after the other: coroutines, or threads where the peer blocks."""
    if inspect.iscoroutinefunction(producer.one):
        await asyncio.gather(*(one_by_one(producer.one, clock) for _ in range(callers)))
    elif callers == 1:
        blocking(producer.one, clock)
    else:
        with ThreadPoolExecutor(callers) as threads:
            list(threads.map(blocking, repeat(producer.one, callers), repeat(clock)))


async def one_by_one(one: Callable[[], Awaitable[Any]], clock: Clock) -> None:
    while clock.take():
        await one()


def blocking(one: Callable[[], Any], clock: Clock) -> None:
    while clock.take():
        one()


async def latency(producer: Any, samples: int) -> dict[str, float]:
    """One job after the other to an idle worker; each carries the moment before its enqueue call."""
    await done(producer.open())
    for _ in range(samples):
        before = ran()
        await done(producer.one(time.monotonic()))
        patience = time.monotonic() + 5
        while ran() == before and time.monotonic() < patience:
            await asyncio.sleep(0.0005)
        await asyncio.sleep(random.uniform(0.004, 0.02))  # so that no poll of a peer falls into step
    await done(producer.close())
    return {"jobs": samples}


def ran() -> int:
    return os.stat(os.environ["BENCH_TICKS"]).st_size


async def done(answer: Any) -> None:
    """What a peer returns, awaited if it is to be."""
    if inspect.isawaitable(answer):
        await answer


def answer(question: Coroutine[Any, Any, Any]) -> None:
    print(json.dumps(run_loop(question)), flush=True)


def main(name: str, role: str, *words: str) -> None:
    peer = import_module(f"peers.{name}")
    if role == "setup":
        getattr(peer, "setup", lambda: None)()  # makes the tables, where the first enqueue does not
    elif role == "enqueue":
        answer(enqueue(peer.Producer(), words[0], int(words[1]), float(words[2])))
    elif role == "latency":
        answer(latency(peer.Producer(), int(words[0])))
    else:
        work.gate()
        peer.work_off(int(words[0]))
    sys.stdout.flush()
    os._exit(0)  # some peers leave threads behind that never end


if __name__ == "__main__":
    main(*sys.argv[1:])
