"""taskiq on Redis streams: its own worker command, one process, a hundred messages a read, acknowledged after the task."""

from taskiq_redis import RedisStreamBroker

import work

broker = RedisStreamBroker(work.URL, consumer_id="0", xread_count=100)


@broker.task("noop")
async def noop(user_id: int, note: str, enqueued: float = 0.0) -> None:
    work.run(enqueued)


work.gate()


class Producer:
    async def open(self) -> None:
        await broker.startup()

    async def one(self, enqueued: float = 0.0) -> None:
        await noop.kiq(enqueued=enqueued, **work.PAYLOAD)

    async def close(self) -> None:
        await broker.shutdown()
