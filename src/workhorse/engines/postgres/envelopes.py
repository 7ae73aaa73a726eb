"""Envelopes as the server takes them, and its rows as envelopes."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from workhorse.core.contract import Envelope, Lane, Unique
from workhorse.engines import intake, keeping
from workhorse.engines.keeping import micros

_UNTIL: Final = {"claimed": 0, "settled": 1, "kept": 2}


class Given(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """An envelope without its bytes: the fields of the type `workhorse.envelope`. Durations are microseconds."""

    id: str
    task: str
    priority: int
    attempt: int
    given: bool
    queue: str | None = None
    topic: str | None = None
    delay: int | None = None
    at: int | None = None
    expires: int | None = None
    dead: str | None = None
    lane: str | None = None
    width: int | None = None
    ordered: bool | None = None
    every: int | None = None
    burst: int | None = None
    ukey: str | None = None
    until: int | None = None
    within: int | None = None
    replaces: bool | None = None
    unique: msgspec.Raw | None = None


_NO_LANE: Final = Lane("", width=None)
_NO_KEY: Final = Unique("")

Bytes = tuple[list[bytes | None], list[bytes | None], list[bytes]]


def refusal(env: Envelope) -> str:
    """Why this envelope cannot be stored; empty: it can."""
    if "\0" in env.id or "\0" in env.task or "\0" in env.queue or "\0" in env.topic:
        return "expected names that PostgreSQL can store, got one with the character NUL"
    if "\0" in (env.lane.key if env.lane else "") or "\0" in (env.unique.key if env.unique else ""):
        return "expected keys that PostgreSQL can store, got one with the character NUL"
    return intake.refusal(env)


def given(env: Envelope) -> Given:
    """For the functions `publish` and `settle`."""
    lane, unique = env.lane or _NO_LANE, env.unique or _NO_KEY
    return Given(
        id=env.id,
        task=env.task,
        priority=env.priority,
        attempt=env.attempt,
        given=not keeping.is_ours(env.id),
        queue=env.queue or None,
        topic=None if env.queue else env.topic,
        delay=micros(env.delay) or None,
        at=None if env.at is None else micros(env.at),
        expires=None if env.expires is None else micros(env.expires),
        dead=storable(env.dead) or None,
        lane=lane.key or None,
        width=lane.width,
        ordered=lane.ordered if lane.key else None,
        every=micros(lane.every) if lane.key else None,
        burst=lane.burst if lane.key else None,
        ukey=unique.key or None,
        until=_UNTIL[unique.until] if unique.key else None,
        within=micros(unique.within) if unique.within else None,
        replaces=unique.conflict == "replace" if unique.key else None,
        unique=msgspec.Raw(msgspec.json.encode(unique)) if unique.key else None,
    )


def bytes_of(jobs: Sequence[Envelope]) -> Bytes:
    """Their trails, the rest of them as JSON, and their payloads."""
    return [env.trail or None for env in jobs], [intake.pack(env) for env in jobs], [env.payload for env in jobs]


def storable(text: str) -> str:
    """The text as far as PostgreSQL can store it."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def envelope(
    id: str, task: str, payload: bytes, attempt: int, trail: bytes | None, extra: bytes, queue: str, priority: int
) -> Envelope:
    """One that is more than its row."""
    rest = intake.unpack(extra)
    return Envelope(
        id, task, payload, queue, rest.topic, rest.headers, priority, rest.delay, rest.at, rest.expires, attempt, "",
        rest.look, trail or b"", rest.lane, rest.unique,
    )  # fmt: skip


def as_json(value: Any) -> str:
    """For a parameter of type jsonb."""
    return msgspec.json.encode(value).decode()
