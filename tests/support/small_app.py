"""An app of a few lines, for tests of what stands below the real one: it binds and registers, and keeps what is enqueued."""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, TypeVar, Unpack

from workhorse.core.effort import Attempt
from workhorse.core.handle import Decode, JobHandle, Status
from workhorse.core.job import Job
from workhorse.core.options import settled
from workhorse.core.registry import Declared, Registry, Router
from workhorse.core.typed import JobOptions

R = TypeVar("R")
T = TypeVar("T")


class SmallApp(Router):
    """A Door whose queue is a list; whatever a handle asks is noted in `asked`."""

    def __init__(self, name: str = "shop", **defaults: Unpack[JobOptions]) -> None:
        super().__init__(**defaults)
        self.name = name
        self.registry = Registry()
        self.enqueued: list[Job[Any]] = []
        self.asked: list[tuple[object, ...]] = []

    def _arrived(self, task: Declared, name: str, defaults: Mapping[str, Any]) -> None:
        task.definition.bind(name, settled(self.name, [defaults]), self)
        self.registry.add(task)

    async def enqueue(self, job: Job[R]) -> JobHandle[R]:
        self.enqueued.append(job)
        return JobHandle(job.id, self, bytes.decode)

    def run(self, awaitable: Awaitable[T], /) -> T:
        async def wait() -> T:
            return await awaitable

        return asyncio.run(wait())

    async def status(self, id: str) -> Status:
        self.asked.append(("status", id))
        return "ready"

    async def result(self, id: str, timeout: float | None, decode: Decode) -> Any:
        self.asked.append(("result", id, timeout))
        return decode(b"the result")

    async def cancel(self, id: str) -> bool:
        self.asked.append(("cancel", id))
        return True

    async def history(self, id: str, decode: Decode) -> Sequence[Attempt[Any]]:
        self.asked.append(("history", id))
        return []
