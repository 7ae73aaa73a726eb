"""SAQ on Redis and PostgreSQL: no result is kept."""

import asyncio
from typing import Any

import uvloop
from saq import Queue, Worker

import work

FORGET = -1


async def noop(context: Any, *, user_id: int, note: str, enqueued: float = 0.0) -> None:
    work.run(enqueued)


async def connect() -> Queue:
    queue = Queue.from_url(work.URL)
    await queue.connect()
    return queue


def setup() -> None:
    asyncio.run(_install())


async def _install() -> None:
    await (await connect()).disconnect()


class Producer:
    async def open(self) -> None:
        self._queue = await connect()

    async def one(self, enqueued: float = 0.0) -> None:
        await self._queue.enqueue("noop", ttl=FORGET, enqueued=enqueued, **work.PAYLOAD)

    async def close(self) -> None:
        await self._queue.disconnect()


def work_off(concurrency: int) -> None:
    uvloop.run(_work_off(concurrency))


async def _work_off(concurrency: int) -> None:
    await Worker(await connect(), functions=[noop], concurrency=concurrency).start()
