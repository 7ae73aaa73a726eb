"""DBOS on SQLite and PostgreSQL: each job is a durable workflow; its input, status and output are rows, always kept."""

import os
import time

import sqlalchemy
from dbos import DBOS, DBOSClient

import work

URL = work.URL.replace("postgresql://", "postgresql+psycopg://")
TARGET = {"workflow_name": "noop", "queue_name": "bench"}


@DBOS.workflow(name="noop")
def noop(user_id: int, note: str, enqueued: float = 0.0) -> None:
    work.run(enqueued)


def launch(concurrency: int) -> None:
    DBOS(
        config={
            "name": "bench",
            "system_database_url": URL,
            "application_version": "1",
            "executor_id": f"worker-{os.getpid()}",
            "log_level": "ERROR",
        }
    )
    DBOS.launch()
    DBOS.register_queue("bench", worker_concurrency=concurrency, polling_interval_sec=work.POLL)


def setup() -> None:
    launch(1)
    DBOS.destroy()


class Producer:
    def open(self) -> None:
        self._client = DBOSClient(system_database_url=URL)
        self._engine = sqlalchemy.create_engine(URL)

    def one(self, enqueued: float = 0.0) -> None:
        self._client.enqueue(TARGET, enqueued=enqueued, **work.PAYLOAD)

    def bulk(self, count: int) -> None:
        with self._engine.begin() as transaction:
            for _ in range(count):
                self._client.enqueue_in_transaction(transaction, TARGET, **work.PAYLOAD)

    def close(self) -> None:
        self._client.destroy()


def work_off(concurrency: int) -> None:
    launch(concurrency)
    while True:
        time.sleep(60)
