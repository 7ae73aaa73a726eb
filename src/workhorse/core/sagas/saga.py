"""The running saga, seen from inside: what its code may ask for."""

import hashlib
import random
from collections.abc import Awaitable
from datetime import UTC, datetime
from typing import Any, ParamSpec, TypeVar, overload
from uuid import UUID

from workhorse.core import names
from workhorse.core.action import Action
from workhorse.core.durations import Duration, seconds
from workhorse.core.retry import Retry
from workhorse.core.sagas.doing import ActionDeed
from workhorse.core.sagas.step import RETRY, TIMEOUT, effort_of
from workhorse.core.sagas.telling import Teller
from workhorse.core.task import Task

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")
T2 = TypeVar("T2")
T3 = TypeVar("T3")
T4 = TypeVar("T4")
A = TypeVar("A", bound=Action)


class Saga:
    """The running saga, seen from inside; always the first parameter."""

    def __init__(self, teller: Teller) -> None:
        self._teller = teller

    @property
    def id(self) -> str:
        """The saga's id."""
        return self._teller.id

    @property
    def idempotency_key(self) -> str:
        """Each read gives this saga's next key, the same on every replay."""
        return hashlib.sha256(self._teller.draw()).hexdigest()[:32]

    async def do(self, action: A, *, retry: Retry = RETRY, timeout: Duration | None = TIMEOUT) -> A:
        """Execute an action as a step; its fields are journalled and come back with it.

        `retry`, `timeout`: as of a step, for its rollback too. JobFailed when it failed for good, Unfit when a field of
        it cannot travel.
        """
        effort = effort_of(retry, timeout, "saga.do")
        done: A = await self._teller.perform(ActionDeed(action, effort))
        return done

    async def call(self, task: Task[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run another task as a step, without holding this worker. JobFailed when that job is dead, cancelled or deleted."""
        result: R = await self._teller.call(task, args, kwargs)
        return result

    async def sleep(self, duration: Duration) -> None:
        """Go on later (seconds or a timedelta); no worker waits."""
        await self._teller.sleep(seconds(duration, "saga.sleep"))

    @overload
    async def wait_for(self, name: str, type: type[T], *, timeout: Duration) -> T | None: ...
    @overload
    async def wait_for(self, name: str, type: type[T]) -> T: ...
    async def wait_for(self, name: str, type: Any, *, timeout: Duration | None = None) -> Any:
        """Wait for a signal of this name; with a timeout, None when it did not come. No worker waits."""
        patience = None if timeout is None else seconds(timeout, "saga.wait_for: timeout")
        return await self._teller.wait_for(names.name(name, "saga.wait_for: name"), type, patience)

    @overload
    async def gather(self, a: Awaitable[T], b: Awaitable[T2], /) -> tuple[T, T2]: ...
    @overload
    async def gather(self, a: Awaitable[T], b: Awaitable[T2], c: Awaitable[T3], /) -> tuple[T, T2, T3]: ...
    @overload
    async def gather(
        self, a: Awaitable[T], b: Awaitable[T2], c: Awaitable[T3], d: Awaitable[T4], /
    ) -> tuple[T, T2, T3, T4]: ...
    @overload
    async def gather(self, *steps: Awaitable[T]) -> list[T]: ...
    async def gather(self, *steps: Awaitable[Any]) -> Any:
        """Steps side by side, or coroutines made of them; a list of what they return, as asyncio's. It waits for all; then
        the first error, in their order, is raised."""
        return await self._teller.gather(steps)

    def now(self) -> datetime:
        """The time, journalled: the same on every replay."""
        return datetime.fromtimestamp(self._teller.now(), UTC)

    def random(self) -> float:
        """A random number from 0 to 1, the same on every replay."""
        return random.Random(self._teller.draw()).random()

    def uuid(self) -> UUID:
        """A random UUID, the same on every replay."""
        return UUID(bytes=self._teller.draw()[:16], version=4)
