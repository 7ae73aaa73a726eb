"""dramatiq on Redis: its own worker command, one process of so many threads."""

import dramatiq
from dramatiq.brokers.redis import RedisBroker

import work

dramatiq.set_broker(RedisBroker(url=work.URL))


@dramatiq.actor
def noop(user_id: int, note: str, enqueued: float = 0.0) -> None:
    work.run(enqueued)


work.gate()


class Producer:
    def open(self) -> None: ...

    def one(self, enqueued: float = 0.0) -> None:
        noop.send(enqueued=enqueued, **work.PAYLOAD)

    def close(self) -> None: ...
