"""litequeue: it has no worker of its own, so ours for it is a loop of pop, run, done in each of so many threads."""

import json
import threading
import time
from pathlib import Path

from litequeue import LiteQueue

import work


def connect() -> LiteQueue:
    return LiteQueue(Path(work.FOLDER) / "litequeue.db", timeout=60)


class Producer:
    """A connection a thread: one connection cannot be in two calls."""

    def open(self) -> None:
        self._mine = threading.local()
        self._queue()

    def one(self, enqueued: float = 0.0) -> None:
        self._queue().put(json.dumps({"enqueued": enqueued, **work.PAYLOAD}))

    def bulk(self, count: int) -> None:
        queue = self._queue()
        with queue.transaction():
            for _ in range(count):
                self.one()

    def close(self) -> None: ...

    def _queue(self) -> LiteQueue:
        if not hasattr(self._mine, "queue"):
            self._mine.queue = connect()
        return self._mine.queue


def work_off(concurrency: int) -> None:
    threads = [threading.Thread(target=_loop, daemon=True) for _ in range(concurrency)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _loop() -> None:
    queue = connect()
    while True:
        message = queue.pop()
        if message is None:
            time.sleep(work.POLL)
            continue
        work.run(json.loads(message.data)["enqueued"])
        queue.done(message.message_id)
