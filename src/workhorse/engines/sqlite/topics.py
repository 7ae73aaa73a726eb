"""Topics: which queues are bound to one, and the copies that they get."""

from collections.abc import Iterator
from typing import Final

import msgspec

from workhorse.core.contract import Envelope
from workhorse.core.errors import DeclarationError
from workhorse.engines.sqlite.tx import Tx

# With as many dots in the pattern as in the topic, each dot of the one is a dot of the other, so that no star can reach over one.
BOUND: Final = (
    "(b.topic = :topic or (instr(b.topic, '*')"
    " and length(b.topic) - length(replace(b.topic, '.', '')) = length(:topic) - length(replace(:topic, '.', ''))"
    " and :topic glob replace(replace(b.topic, '[', '[[]'), '?', '[?]')))"
)


def bind(tx: Tx, topic: str, queue: str, bound: bool, priority: int | None, expires: float | None) -> None:
    """Copy what is published to the topic to the queue from now on, or no more."""
    if any("*" in part and part != "*" for part in topic.split(".")):
        raise DeclarationError(f"topic {topic!r}: expected a star to stand for one whole part between dots")
    tx.run("delete from workhorse_bindings where topic = ? and queue = ?", topic, queue)
    if bound:
        sql = "insert into workhorse_bindings (topic, queue, priority, expires) values (?, ?, ?, ?)"
        tx.run(sql, topic, queue, priority, expires)


def copies(tx: Tx, env: Envelope) -> Iterator[Envelope]:
    """One job for each queue that is bound to the event's topic; `id@queue`."""
    sql = f"select b.queue, b.priority, b.expires from workhorse_bindings b where {BOUND} group by b.queue"
    for queue, priority, expires in tx.con.execute(sql, {"topic": env.topic}).fetchall():
        yield msgspec.structs.replace(
            env,
            id=f"{env.id}@{queue}",
            queue=queue,
            priority=env.priority if priority is None else priority,
            expires=env.expires if expires is None else expires,
            unique=env.unique and msgspec.structs.replace(env.unique, key=f"{env.unique.key}@{queue}"),
        )
