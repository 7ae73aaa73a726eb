"""What comes in: envelopes that no engine can store are refused before anything is written; and the rest of one, as JSON."""

from collections.abc import Mapping
from typing import Final

import msgspec

from workhorse.core.contract import Envelope, Lane, Unique
from workhorse.core.durations import LONGEST

PRIORITIES: Final = 3  # 1 to 3
MAX_SIZE: Final = 32 << 20


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


def unpack(extra: bytes) -> Extra:
    """What `pack` made."""
    return _decode(extra)


def lane_of(extra: bytes | None) -> Lane | None:
    """The lane that the job was published with."""
    return _decode(extra).lane if extra else None
