"""Celery on Redis: acknowledged after the task, results ignored. BENCH_POOL: threads or prefork, each with its own prefetching."""

import os

from celery import Celery

import work

POOL = os.environ.get("BENCH_POOL", "threads")

app = Celery("bench", broker=work.URL)
app.conf.update(
    task_ignore_result=True, task_acks_late=True, worker_prefetch_multiplier=64 if POOL == "prefork" else 4,
    worker_enable_remote_control=False, broker_connection_retry_on_startup=True,
)  # fmt: skip


@app.task(name="noop")
def noop(user_id: int, note: str, enqueued: float = 0.0) -> None:
    work.run(enqueued)


class Producer:
    def open(self) -> None: ...

    def one(self, enqueued: float = 0.0) -> None:
        noop.delay(enqueued=enqueued, **work.PAYLOAD)

    def close(self) -> None: ...


def work_off(concurrency: int) -> None:
    quiet = ["--loglevel", "ERROR", "--without-gossip", "--without-mingle", "--without-heartbeat"]
    app.worker_main(["worker", "--pool", POOL, "--concurrency", str(concurrency), *quiet])
