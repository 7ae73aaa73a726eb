"""Envelopes as rows and back; and what no row can hold, refused before anything is written."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from workhorse.core.contract import Envelope, Lane, Unique
from workhorse.core.durations import LONGEST
from workhorse.engines.sql.inserts import Insert
from workhorse.engines.sql.tx import DEAD, FOREVER, LIVE, PARKED

PRIORITIES: Final = 3  # 1 to 3
MAX_SIZE: Final = 32 << 20
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


class Extra(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What most envelopes leave at its default."""

    headers: Mapping[str, str] = {}
    topic: str = ""
    delay: float = 0
    at: float | None = None
    expires: float | None = None
    look: bool = False
    lane: Lane | None = None
    unique: Unique | None = None


_NOTHING: Final = Extra()
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Extra).decode


def refusal(env: Envelope) -> str:
    """Why this envelope cannot be stored; empty: it can."""
    if not env.id or not env.task:
        return "expected an id and a task's name, got an empty one"
    if not (env.queue or env.topic):
        return "expected a queue or a topic, got neither"
    if not (text := f"{env.id}{env.task}{env.queue}{env.topic}").isascii() and not _encodable(text):
        return "expected names that are Unicode text, got lone surrogates"
    if not 1 <= env.priority <= PRIORITIES:
        return f"priority: expected 1 to {PRIORITIES}, got {env.priority!r}"
    if len(env.payload) + len(env.trail) > MAX_SIZE:
        return f"payload: expected at most {MAX_SIZE} bytes, got {len(env.payload) + len(env.trail)}"
    if not 0 <= env.delay <= LONGEST or (env.at is not None and not -LONGEST <= env.at <= 4 * LONGEST):
        return f"expected a time within a century, got delay {env.delay!r}, at {env.at!r}"
    if env.expires is not None and not 0 <= env.expires <= LONGEST:
        return f"expires: expected 0 to {LONGEST:g} seconds, got {env.expires!r}"
    return _rest_refusal(env) if env.headers or env.lane or env.unique else ""


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _rest_refusal(env: Envelope) -> str:
    try:
        pack(env)
    except (UnicodeEncodeError, TypeError, msgspec.MsgspecError) as error:
        return f"headers, lane or unique key: {error}"
    return _lane_refusal(env.lane) if env.lane is not None else ""


def _lane_refusal(lane: Lane) -> str:
    if lane.width is not None and lane.width < 1:
        return f"lane {lane.key}: expected a width of at least 1, got {lane.width!r}"
    if not 0 <= lane.every <= LONGEST or lane.burst < 1:
        return f"lane {lane.key}: expected a rate of 0 or more and a burst of at least 1, got {lane.every!r}, {lane.burst!r}"
    return ""


def due(env: Envelope, now: int) -> int:
    """When it may be claimed at the earliest; a moment in the past is now, so that nobody jumps the queue."""
    if env.at is not None:
        return max(now, round(env.at * 1_000_000))
    return now + round(env.delay * 1_000_000) if env.delay else now


def plain(env: Envelope, now: int) -> tuple[object, ...]:
    """The values of `INSERT`."""
    expires = None if env.expires is None else now + round(env.expires * 1_000_000)
    payload = env.payload if len(env.payload) <= INLINE else None
    moment = now if env.at is None and not env.delay else due(env, now)
    extra = pack(env)
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
    asks = lane is not None and (lane.ordered or due(env, now) <= now)
    ukey = env.unique.key if env.unique is not None else None
    return (*values, PARKED if asks else LIVE, lane and lane.key, rank, ukey, None, None)


def pack(env: Envelope) -> bytes | None:
    """The rest of the envelope as JSON; None where it is all defaults."""
    if (
        not (env.headers or env.topic or env.delay or env.look or env.lane or env.unique)
        and env.at is env.expires is None
    ):
        return None
    return _encode(Extra(env.headers, env.topic, env.delay, env.at, env.expires, env.look, env.lane, env.unique))


def repack(old: bytes | None, env: Envelope) -> bytes | None:
    """For a job that is replaced: it takes the new one's headers and times, and keeps its lane and its unique key."""
    kept = _decode(old) if old else _NOTHING
    return pack(msgspec.structs.replace(env, topic=kept.topic, lane=kept.lane, unique=kept.unique))


def lane_of(extra: bytes | None) -> Lane | None:
    """The lane that the job was published with."""
    return _decode(extra).lane if extra else None


def envelope(row: tuple[Any, ...], bodies: Mapping[int, bytes]) -> Envelope:
    """The envelope of a row of `COLUMNS`."""
    seq, id, task, payload, attempt, trail, extra, queue, priority = row
    if payload is None:
        payload = bodies.get(seq, b"")
    if extra is None:
        return Envelope(id, task, payload, queue, "", {}, priority, 0, None, None, attempt, "", False, trail or b"")
    rest = _decode(extra)
    return Envelope(
        id, task, payload, queue, rest.topic, rest.headers, priority, rest.delay, rest.at, rest.expires, attempt, "",
        rest.look, trail or b"", rest.lane, rest.unique,
    )  # fmt: skip
