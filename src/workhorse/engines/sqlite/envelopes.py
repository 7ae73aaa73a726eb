"""Envelopes as rows and back."""

from collections.abc import Mapping
from typing import Any, Final

from workhorse.core.contract import Envelope
from workhorse.engines import intake
from workhorse.engines.keeping import FOREVER
from workhorse.engines.sqlite.inserts import Insert
from workhorse.engines.sqlite.tx import DEAD, LIVE, PARKED

INLINE: Final = 1500
"""Larger payloads live in a table of their own: claim and settle rewrite the row, and would copy them each time."""

COLUMNS: Final = "seq, id, task, payload, attempt, trail, extra, queue, priority"
"""What `envelope` takes, in this order."""

INSERT: Final = Insert(
    "insert into workhorse_jobs (id, queue, task, priority, due, attempt, accepted, expires, trail, extra, payload)",
    11,
    "on conflict (id) do nothing",
)
"""Takes what `plain` gives."""

INTO: Final = (
    "insert into workhorse_jobs (id, queue, task, priority, due, attempt, accepted, expires, trail, extra, payload,"
    " state, lane, rank, ukey, ended, reason)"
)
MARKS: Final = ", ".join("?" * 17)
"""With INTO: take what `full` gives."""


def plain(env: Envelope, now: int) -> tuple[object, ...]:
    """The values of `INSERT`."""
    expires = None if env.expires is None else now + round(env.expires * 1_000_000)
    payload = env.payload if len(env.payload) <= INLINE else None
    moment = now if env.at is None and not env.delay else intake.due(env, now)
    extra = intake.pack(env)
    return (
        env.id,
        env.queue,
        env.task,
        env.priority,
        moment,
        env.attempt,
        now,
        expires,
        env.trail or None,
        extra,
        payload,
    )


def full(env: Envelope, now: int, kept: int) -> tuple[object, ...]:
    """The values of a job with a lane, a unique key, or among the dead, which are kept until then. Who asks for a slot now is parked
    first: admission follows."""
    lane, values = env.lane, plain(env, now)
    rank = -env.priority if lane is not None and not lane.ordered else 0
    if env.dead:
        return (*values[:4], min(kept, FOREVER), *values[5:], DEAD, lane and lane.key, rank, None, now, env.dead)
    asks = lane is not None and (lane.ordered or intake.due(env, now) <= now)
    ukey = env.unique.key if env.unique is not None else None
    return (*values, PARKED if asks else LIVE, lane and lane.key, rank, ukey, None, None)


def envelope(row: tuple[Any, ...], bodies: Mapping[int, bytes]) -> Envelope:
    """The envelope of a row of `COLUMNS`."""
    seq, id, task, payload, attempt, trail, extra, queue, priority = row
    if payload is None:
        payload = bodies.get(seq, b"")
    if extra is None:
        return Envelope(id, task, payload, queue, "", {}, priority, 0, None, None, attempt, "", False, trail or b"")
    rest = intake.unpack(extra)
    return Envelope(
        id, task, payload, queue, rest.topic, rest.headers, priority, rest.delay, rest.at, rest.expires, attempt, "",
        rest.look, trail or b"", rest.lane, rest.unique,
    )  # fmt: skip
