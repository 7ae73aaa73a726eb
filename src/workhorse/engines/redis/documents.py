"""Documents: an envelope as the server keeps it. Eight bytes say when it was accepted and are the server's; then two lengths, the part
that never changes, the part that a replacement changes, and the payload."""

from collections.abc import Mapping
from struct import Struct
from typing import Final

import msgspec

from workhorse.core.contract import Envelope, Lane, Unique
from workhorse.engines.keeping import SECOND


class Fixed(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """What stays. Scripts read the level and the queue, and so may read all of it: no bytes in here, which old ones cannot."""

    level: int
    queue: str
    task: str
    attempt: int = 1
    topic: str = ""
    lane: Lane | None = None
    unique: Unique | None = None


class Loose(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What a replacement brings."""

    headers: Mapping[str, str] = {}
    delay: float = 0
    at: float | None = None
    expires: float | None = None
    look: bool = False


class State(msgspec.Struct, frozen=True, gc=False):
    """What a job has been through, as the scripts keep it. Moments are microseconds."""

    phase: int = 0
    level: int = 0
    queue: str = ""
    attempt: int = 0
    """0: as in the document."""
    crashes: int = 0
    cancel: bool = False
    lane: str | None = None
    slot: bool = False
    seq: int = 0
    """In the order of acceptance, of jobs with a lane."""
    ukey: str | None = None
    worker: str = ""
    ended: int | None = None
    kept: int | None = None
    reason: str = ""
    due: int | None = None
    expires: int | None = None
    """None: as in the document; negative: never."""
    trail: bool = False


LIVE: Final = 0
PARKED: Final = 1
SUCCEEDED: Final = 2
DEAD: Final = 3
CANCELLED: Final = 4

_TOKEN: Final = 16
NOBODY: Final = b"0" * _TOKEN
"""The token of a job that nobody holds."""

_LENGTHS: Final = Struct(">II")
_HEAD: Final = Struct(">dII")
_encode = msgspec.msgpack.Encoder().encode
_fixed = msgspec.msgpack.Decoder(Fixed).decode
_loose = msgspec.msgpack.Decoder(Loose).decode
_state = msgspec.msgpack.Decoder(State).decode


def rest(env: Envelope) -> bytes:
    """The document without its first eight bytes."""
    if env.attempt == 1 and not env.topic and env.lane is None and env.unique is None:
        fixed = _encode((env.priority, env.queue, env.task))
    else:
        fixed = _encode(Fixed(env.priority, env.queue, env.task, env.attempt, env.topic, env.lane, env.unique))
    loose = b""
    if env.headers or env.delay or env.look or env.at is not None or env.expires is not None:
        loose = _encode(Loose(env.headers, env.delay, env.at, env.expires, env.look))
    return _LENGTHS.pack(len(fixed), len(loose)) + fixed + loose + env.payload


def opened(id: str, doc: bytes, state: State | None = None, trail: bytes = b"") -> tuple[Envelope, int, int | None]:
    """The envelope, when it was accepted, and when its life ends."""
    accepted, length, more = _HEAD.unpack_from(doc)
    start = _HEAD.size + length
    fixed = _fixed(doc[_HEAD.size : start])
    attempt = state.attempt if state is not None and state.attempt else fixed.attempt
    payload = doc[start + more :]
    if not more and fixed.lane is None and fixed.unique is None and not fixed.topic:
        env = Envelope(
            id, fixed.task, payload, fixed.queue, "", {}, fixed.level, 0, None, None, attempt, "", False, trail
        )
        return env, int(accepted), _end_of_life(accepted, None, state)
    loose = _loose(doc[start : start + more]) if more else Loose()
    env = Envelope(
        id, fixed.task, payload, fixed.queue, fixed.topic, loose.headers, fixed.level, loose.delay, loose.at, loose.expires, attempt,
        "", loose.look, trail, fixed.lane, fixed.unique,
    )  # fmt: skip
    return env, int(accepted), _end_of_life(accepted, loose.expires, state)


def state(text: bytes) -> tuple[bytes, State]:
    """Of a state as it is stored: the token, and the rest."""
    return text[:_TOKEN], _state(text[_TOKEN:])


def history(text: bytes) -> State:
    """The same without a token, as claims answer it."""
    return _state(text)


def _end_of_life(accepted: float, expires: float | None, state: State | None) -> int | None:
    if state is not None and state.expires is not None:
        return state.expires if state.expires >= 0 else None
    return None if expires is None else int(accepted) + round(expires * SECOND)
