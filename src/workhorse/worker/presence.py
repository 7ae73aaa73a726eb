"""A worker's sign of life, for people: a fact under `worker/` that goes away by itself when the worker does."""

import asyncio
import os
import platform
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

import msgspec

from workhorse.core.contract import Put, Store
from workhorse.core.errors import WorkhorseError

PREFIX = "worker/"
LEAVING = 1.0
"""Seconds for taking the sign away: a worker that stops must not wait for an engine that is away."""

SHOWN = 50
"""Running jobs that are named; the rest are counted."""


class RunningJob(msgspec.Struct, frozen=True):
    """One job that a worker runs; `since` in seconds since the epoch."""

    id: str
    task: str
    since: float


class Sign(msgspec.Struct, frozen=True):
    """What a worker says of itself; `rates` are jobs a second by queue since the sign before."""

    name: str
    host: str
    pid: int
    started: float
    seen: float
    queues: Sequence[str]
    concurrency: int
    busy: int
    settled: int
    abandoned: int
    running: Sequence[RunningJob]
    rates: dict[str, float] = {}
    python: str = ""


class State(msgspec.Struct, frozen=True):
    """What the worker knows of itself at this moment."""

    busy: int
    settled: int
    abandoned: int
    running: Sequence[RunningJob]
    by_queue: dict[str, int]


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Sign).decode


class Presence:
    """Writes the sign every few seconds while the worker lives, and takes it away at its end."""

    def __init__(
        self, store: Store, name: str, queues: Sequence[str], concurrency: int, every: float, state: Callable[[], State]
    ) -> None:
        self._store, self._name, self._queues, self._concurrency = store, name, queues, concurrency
        self._every, self._state = every, state
        self._started = self._last = time.time()
        self._before: dict[str, int] = {}

    async def __aenter__(self) -> Self:
        self._signing = asyncio.create_task(self._run())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._signing.cancel()
        try:
            await asyncio.wait_for(self._store.delete({PREFIX + self._name: None}), LEAVING)
        except (WorkhorseError, TimeoutError):
            pass  # it goes away by itself

    async def _run(self) -> None:
        while True:
            try:
                await self._store.put([Put(PREFIX + self._name, _encode(self._sign()), None, self._every * 3)])
            except WorkhorseError:
                pass  # the engine is away: the claim loop tells
            await asyncio.sleep(self._every)

    def _sign(self) -> Sign:
        state, now = self._state(), time.time()
        passed = max(now - self._last, 0.001)
        rates = {queue: round((n - self._before.get(queue, 0)) / passed, 3) for queue, n in state.by_queue.items()}
        self._before, self._last = state.by_queue, now
        return Sign(
            self._name, platform.node(), os.getpid(), self._started, now, list(self._queues), self._concurrency,
            state.busy, state.settled, state.abandoned, state.running[:SHOWN], rates, platform.python_version(),
        )  # fmt: skip


async def signs(store: Store) -> list[Sign]:
    """Who is there."""
    found: list[Sign] = []
    after = ""
    while page := await store.scan(PREFIX, after):
        for key, value, _ in page:
            after = key
            try:
                found.append(_decode(value))
            except msgspec.DecodeError:
                continue  # of another version: no reason to show nobody
    return found
