"""persist-queue's SQLiteAckQueue: for the threads of one process, with no worker of its own; a loop of get, run, ack in each."""

import threading
import time

from persistqueue import Empty, SQLiteAckQueue
from persistqueue.serializers import json

import work


def connect() -> SQLiteAckQueue:
    return SQLiteAckQueue(
        str(work.FOLDER / "persistqueue"), serializer=json, auto_commit=True, multithreading=True, timeout=60
    )


class Producer:
    def open(self) -> None:
        self._queue = connect()

    def one(self, enqueued: float = 0.0) -> None:
        self._queue.put({"enqueued": enqueued, **work.PAYLOAD})

    def close(self) -> None: ...


def work_off(concurrency: int) -> None:
    queue = connect()
    threads = [threading.Thread(target=_loop, args=(queue,), daemon=True) for _ in range(concurrency)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _loop(queue: SQLiteAckQueue) -> None:
    while True:
        try:
            item = queue.get(block=False)
        except Empty:
            time.sleep(work.POLL)
            continue
        work.run(item["enqueued"])
        queue.ack(item)
