"""streaQ on Redis streams: no result is kept. The number of jobs at once is its constructor's, so each role makes its own."""

import logging
from typing import Any

import uvloop
from streaq import Worker

import work

FORGET = 0


def connect(concurrency: int = 16) -> tuple[Worker, Any]:
    """The worker, which enqueues too, and its task."""
    logging.getLogger("streaq").setLevel(logging.ERROR)
    worker = Worker(redis_url=work.URL, queue_name="bench", concurrency=concurrency)

    @worker.task(name="noop", ttl=FORGET, silent=True)
    async def noop(user_id: int, note: str, enqueued: float = 0.0) -> None:
        work.run(enqueued)

    return worker, noop


class Producer:
    async def open(self) -> None:
        self._worker, self._noop = connect()
        await self._worker.__aenter__()

    async def one(self, enqueued: float = 0.0) -> None:
        await self._noop.enqueue(enqueued=enqueued, **work.PAYLOAD)

    async def bulk(self, count: int) -> None:
        await self._worker.enqueue_many([self._noop.enqueue(**work.PAYLOAD) for _ in range(count)])

    async def close(self) -> None:
        await self._worker.__aexit__(None, None, None)


def work_off(concurrency: int) -> None:
    worker, _ = connect(concurrency)
    uvloop.run(worker.run_async())
