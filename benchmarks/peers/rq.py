"""RQ: SimpleWorker, which runs jobs in its own process instead of forking for each; no result is kept."""

import redis
import rq

import work

TASK, FORGET = "peers.rq.noop", 0


def noop(user_id: int, note: str, enqueued: float = 0.0) -> None:
    work.run(enqueued)


def connect() -> rq.Queue:
    return rq.Queue("bench", connection=redis.Redis.from_url(work.URL))


class Producer:
    def open(self) -> None:
        self._queue = connect()

    def one(self, enqueued: float = 0.0) -> None:
        self._queue.enqueue(TASK, kwargs={"enqueued": enqueued, **work.PAYLOAD}, result_ttl=FORGET)

    def bulk(self, count: int) -> None:
        self._queue.enqueue_many([
            rq.Queue.prepare_data(TASK, kwargs=work.PAYLOAD, result_ttl=FORGET) for _ in range(count)
        ])  # fmt: skip

    def close(self) -> None: ...


def work_off(concurrency: int) -> None:
    queue = connect()
    rq.SimpleWorker([queue], connection=queue.connection).work(logging_level="ERROR")
