"""arq: a job's key is removed with its result not kept; it polls."""

from typing import Any

import uvloop
from arq import create_pool
from arq.connections import RedisSettings
from arq.worker import Worker, func

import work

SETTINGS = RedisSettings.from_dsn(work.URL) if work.URL else RedisSettings()


async def noop(context: Any, user_id: int, note: str, enqueued: float = 0.0) -> None:
    work.run(enqueued)


class Producer:
    async def open(self) -> None:
        self._pool = await create_pool(SETTINGS)

    async def one(self, enqueued: float = 0.0) -> None:
        await self._pool.enqueue_job("noop", enqueued=enqueued, **work.PAYLOAD)

    async def close(self) -> None:
        await self._pool.aclose()


def work_off(concurrency: int) -> None:
    uvloop.run(_work_off(concurrency))


async def _work_off(concurrency: int) -> None:
    worker = Worker(
        functions=[func(noop, name="noop", keep_result=0)], redis_settings=SETTINGS, max_jobs=concurrency,
        poll_delay=work.POLL, handle_signals=False,
    )  # fmt: skip
    await worker.async_run()
