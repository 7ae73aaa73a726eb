"""repid on Redis streams, a hundred messages a read."""

import repid
import uvloop

import work

app = repid.Repid(title="bench", version="1")
app.servers.register_server("default", repid.RedisServer(work.URL, batch_size=100), is_default=True)
router = repid.Router()


@router.actor(channel="default")
async def noop(user_id: int, note: str, enqueued: float = 0.0) -> None:
    work.run(enqueued)


app.include_router(router)


class Producer:
    async def open(self) -> None:
        self._connection = app.servers.default.connection()
        await self._connection.__aenter__()

    async def one(self, enqueued: float = 0.0) -> None:
        payload = {"enqueued": enqueued, **work.PAYLOAD}
        await app.send_message_json(channel="default", payload=payload, headers={"topic": "noop"})

    async def close(self) -> None:
        await self._connection.__aexit__(None, None, None)


def work_off(concurrency: int) -> None:
    uvloop.run(_work_off(concurrency))


async def _work_off(concurrency: int) -> None:
    async with app.servers.default.connection():
        await app.run_worker(tasks_limit=concurrency)
