"""procrastinate on psycopg: fetched one at a time, so many side by side; ended jobs are kept, as by default."""

import asyncio

import procrastinate
import uvloop

import work

app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=work.URL, min_size=2, max_size=20))


@app.task(name="noop", queue="bench")
async def noop(user_id: int, note: str, enqueued: float = 0.0) -> None:
    work.run(enqueued)


def setup() -> None:
    asyncio.run(_install())


async def _install() -> None:
    async with app.open_async():
        await app.schema_manager.apply_schema_async()


class Producer:
    async def open(self) -> None:
        await app.open_async()

    async def one(self, enqueued: float = 0.0) -> None:
        await noop.defer_async(enqueued=enqueued, **work.PAYLOAD)

    async def bulk(self, count: int) -> None:
        await noop.batch_defer_async(*[work.PAYLOAD] * count)

    async def close(self) -> None:
        await app.close_async()


def work_off(concurrency: int) -> None:
    uvloop.run(_work_off(concurrency))


async def _work_off(concurrency: int) -> None:
    async with app.open_async():
        await app.run_worker_async(concurrency=concurrency, install_signal_handlers=False)
