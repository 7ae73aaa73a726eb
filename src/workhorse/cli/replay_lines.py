"""One line of a recording: a message as JSON, as people write it, as `workhorse dead APP export` does, or as CloudEvents."""

import base64
import binascii
import re
from hashlib import sha256
from typing import Any, Final, NamedTuple

import msgspec

from workhorse.app import Workhorse
from workhorse.core import document
from workhorse.core.contract import Envelope
from workhorse.core.document import NO_ARGS, NO_KWARGS, Document, Malformed, NewerVersion
from workhorse.core.envelope import encode_job
from workhorse.core.errors import DeclarationError
from workhorse.core.job import Priority
from workhorse.core.names import NAME
from workhorse.core.redaction import HIDDEN
from workhorse.core.registry import Declared
from workhorse.core.schema import Unfit

ID: Final = re.compile(r"[A-Za-z0-9_.:/+~@-]{1,400}")
"""Ids of ours, too: those of dead letters."""


class Bad(Exception):
    """A line that is no message; its text says what was expected."""


class Recorded(NamedTuple):
    """A message. `envelope` is None where only the job itself, if it is still there, can be put back; `why` says why."""

    id: str
    envelope: Envelope | None
    died: int | None = None  # it was recorded as a dead letter, of this attempt
    why: str = ""


class _Line(msgspec.Struct, forbid_unknown_fields=True):
    """All that may stand there: what a message is made of, and what an export tells beside."""

    task: str
    id: str = ""
    queue: str = ""
    priority: int = 2
    headers: dict[str, str] = {}
    args: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    kwargs: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    payload: str | None = None
    payload_base64: str | None = None
    status: str = ""
    attempt: int = 1
    unreadable: str = ""
    crashes: Any = None
    accepted: Any = None
    due: Any = None
    ended: Any = None
    worker: Any = None
    reason: Any = None
    cancel: Any = None
    hand_backs: Any = None
    note: Any = None
    attempts: Any = None


class _Event(msgspec.Struct):
    specversion: str
    id: str
    type: str


class _Kind(msgspec.Struct):
    specversion: str | None = None


def recorded(text: bytes, number: int, app: Workhorse, queue: str | None) -> Recorded:
    """The message of this line; `queue`: another than its own. Bad, with the reason, where there is none."""
    try:
        if msgspec.json.decode(text, type=_Kind).specversion is not None:
            return _event(text, app, queue)
        line = msgspec.json.decode(text, type=_Line)
    except (ValueError, RecursionError) as error:
        raise Bad(f"expected a message as JSON, got something else: {error}") from None
    line.id = line.id or "line-" + sha256(b"%d:%b" % (number, text)).hexdigest()[:32]
    _check(line, queue)
    return _job(line, _payload(line), app, queue)


def _event(text: bytes, app: Workhorse, queue: str | None) -> Recorded:
    event = msgspec.json.decode(text, type=_Event)
    if queue is None:
        raise Bad("is an event, which many may have had a copy of; say with --queue whose copy this is to be")
    id = f"{event.id}@{queue}"
    if not ID.fullmatch(id) or not NAME.fullmatch(event.type):
        raise Bad(f"expected an event with an id and a media type, got {event.id!r} and {event.type!r}")
    return Recorded(id, _served(Envelope(id, event.type, text, queue), app))


def _check(line: _Line, queue: str | None) -> None:
    if line.unreadable:
        raise Bad(f"was no message any more when it was exported: {line.unreadable}")
    if not ID.fullmatch(line.id):
        raise Bad(f"id: expected at most 400 of the characters A-Z a-z 0-9 _ . : / + ~ @ -, got {line.id!r}")
    for what, name in (("task", line.task), ("queue", queue or line.queue)):
        if name and not NAME.fullmatch(name):
            raise Bad(f"{what}: expected 1 to 200 of the characters A-Z a-z 0-9 _ . : / + -, got {name!r}")
    if line.priority not in tuple(Priority):
        raise Bad(f"priority: expected 1 (low), 2 or 3 (high), got {line.priority}")


def _payload(line: _Line) -> bytes:
    """As it was recorded; made of the arguments where only these stand there."""
    args, kwargs = _raw(line.args, NO_ARGS), _raw(line.kwargs, NO_KWARGS)
    if line.payload is None and line.payload_base64 is None:
        return document.encode(args, kwargs)
    try:
        payload = (line.payload or "").encode() or base64.b64decode(line.payload_base64 or "", validate=True)
        found = document.decode(payload)
    except (binascii.Error, Malformed, NewerVersion) as error:
        raise Bad(f"payload: {error}") from None
    said = [(line.args, found.args), (line.kwargs, found.kwargs)]
    if any(told is not msgspec.UNSET and _differ(told, kept) for told, kept in said):
        raise Bad(
            "expected args and kwargs as they stand in its payload, got others; to change them, leave payload out"
        )
    return payload


def _raw(told: msgspec.Raw | msgspec.UnsetType, none: msgspec.Raw) -> bytes:
    return bytes(none if isinstance(told, msgspec.UnsetType) else told)


def _differ(told: msgspec.Raw | msgspec.UnsetType, kept: msgspec.Raw) -> bool:
    return bool(msgspec.json.decode(_raw(told, kept)) != msgspec.json.decode(kept))


def _job(line: _Line, payload: bytes, app: Workhorse, queue: str | None) -> Recorded:
    found, died = document.decode(payload), line.attempt if line.status == "dead" else None
    task = app.registry.get(line.task)
    if found.overrides.errand is not None or found.overrides.gathers is not None:
        why = "belongs to a saga or a group, which nothing replays: only its own dead letter can be put back"
        return Recorded(line.id, None, died, why)
    headers = {name: value for name, value in line.headers.items() if value != HIDDEN}
    if task is None:
        return Recorded(line.id, _strange(line, payload, app, queue, headers), died)
    return Recorded(line.id, _known(task, line, payload, found, app, queue, headers), died)


def _strange(line: _Line, payload: bytes, app: Workhorse, queue: str | None, headers: dict[str, str]) -> Envelope:
    """Of a task that another service knows, which a queue must be named for."""
    if not (queue or line.queue):
        try:
            app.registry.find(line.task)
        except DeclarationError as error:
            raise Bad(f"{error}; of another service's task say the queue") from None
    found = Envelope(line.id, line.task, payload, queue or line.queue, headers=headers, priority=line.priority)
    return _served(found, app)


def _served(envelope: Envelope, app: Workhorse) -> Envelope:
    """The same. Bad for an event that does not fit whoever of this app has subscribed on its queue."""
    subscriber = app.registry.serving(envelope)
    try:
        found = document.decode(envelope.payload)
        if subscriber is not None:
            subscriber.definition.arguments(found)
    except (Unfit, Malformed, NewerVersion) as error:
        raise Bad(f"does not fit {envelope.task}: {error}") from None
    return envelope


def _known(
    task: Declared,
    line: _Line,
    payload: bytes,
    found: Document,
    app: Workhorse,
    queue: str | None,
    headers: dict[str, str],
) -> Envelope:
    try:
        args, kwargs = task.schema.decode(found.args, found.kwargs, found.tagged)
        to = queue or line.queue or task.settings.queue
        job = task.options(queue=to, priority=Priority(line.priority), headers=headers).job(*args, **kwargs)
        if why := app.refusal(job):
            raise Bad(why)
        envelope = encode_job(job, task, find=app.registry.get)
    except (Unfit, DeclarationError) as error:
        raise Bad(f"does not fit {line.task}: {error}") from None
    # its own options, a follow-up say, travel in the payload: they are those of the recording
    return msgspec.structs.replace(envelope, id=line.id, payload=payload)
