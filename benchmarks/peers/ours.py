"""Workhorse, by its public names only. BENCH_OPTIONS: what follows its URL; BENCH_KEEP: results and retention as by default."""

import os
from datetime import timedelta

import work
from workhorse import Workhorse

NAME = "bench"
KEEP = "BENCH_KEEP" in os.environ

app = Workhorse(work.URL + os.environ.get("BENCH_OPTIONS", ""), name=NAME, **({} if KEEP else {"retain": 0}))


@app.task(result_ttl=timedelta(hours=1) if KEEP else 0)
async def noop(user_id: int, note: str, enqueued: float = 0.0) -> None:
    work.run(enqueued)


work.gate()


class Producer:
    async def open(self) -> None:
        await app.engine()

    async def one(self, enqueued: float = 0.0) -> None:
        await noop.enqueue(enqueued=enqueued, **work.PAYLOAD)

    async def bulk(self, count: int) -> None:
        await app.enqueue_many(noop.job(**work.PAYLOAD) for _ in range(count))

    async def close(self) -> None:
        await app.close()
