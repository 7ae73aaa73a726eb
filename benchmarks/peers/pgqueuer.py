"""pgqueuer on asyncpg: so many jobs a batch."""

import asyncio
import json

import asyncpg
import uvloop
from pgqueuer import PgQueuer
from pgqueuer.db import AsyncpgDriver
from pgqueuer.models import Job
from pgqueuer.queries import Queries

import work

PLAIN = json.dumps(work.PAYLOAD).encode()


async def connect() -> AsyncpgDriver:
    return AsyncpgDriver(await asyncpg.connect(work.URL))


def setup() -> None:
    asyncio.run(_install())


async def _install() -> None:
    await Queries(await connect()).install()


class Producer:
    async def open(self) -> None:
        self._driver = await connect()
        self._queries = Queries(self._driver)

    async def one(self, enqueued: float = 0.0) -> None:
        await self._queries.enqueue("noop", json.dumps({"enqueued": enqueued, **work.PAYLOAD}).encode())

    async def bulk(self, count: int) -> None:
        await self._queries.enqueue(["noop"] * count, [PLAIN] * count, [0] * count)

    async def close(self) -> None: ...


def work_off(concurrency: int) -> None:
    uvloop.run(_work_off(concurrency))


async def _work_off(concurrency: int) -> None:
    queuer = PgQueuer(await connect())

    @queuer.entrypoint("noop")
    async def noop(job: Job) -> None:
        work.run(json.loads(job.payload or b"{}").get("enqueued", 0.0))

    await queuer.run(batch_size=concurrency)
