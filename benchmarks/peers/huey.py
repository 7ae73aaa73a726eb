"""huey on SQLite: threads of one consumer. BENCH_FSYNC: synchronous=full instead of off."""

import os

from huey import SqliteHuey

import work

queue = SqliteHuey(
    "bench", filename=str(work.FOLDER / "huey.db"), results=False, fsync="BENCH_FSYNC" in os.environ, timeout=60
)


@queue.task()
def noop(user_id: int, note: str, enqueued: float = 0.0) -> None:
    work.run(enqueued)


class Producer:
    def open(self) -> None: ...

    def one(self, enqueued: float = 0.0) -> None:
        noop(enqueued=enqueued, **work.PAYLOAD)

    def close(self) -> None: ...


def work_off(concurrency: int) -> None:
    queue.create_consumer(
        workers=concurrency, periodic=False, initial_delay=work.POLL, max_delay=work.POLL, backoff=1.01
    ).run()
