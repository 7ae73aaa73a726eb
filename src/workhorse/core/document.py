"""The payload of an envelope: one JSON document of a fixed shape, with its version and a checksum, as `docs/protocol.md` has it."""

from typing import Annotated, Final, TypeAlias
from zlib import crc32

import msgspec

from workhorse.core import cloud_event
from workhorse.core.cloud_event import CloudEvent
from workhorse.core.contract import Lane, Unique
from workhorse.core.durations import LONGEST, seconds
from workhorse.core.errand import Errand, Parent
from workhorse.core.errors import DeclarationError, WorkhorseError
from workhorse.core.retry import Exponential, Fixed, Linear, Retry

VERSION: Final = 1

NO_ARGS: Final = msgspec.Raw(b"[]")
NO_KWARGS: Final = msgspec.Raw(b"{}")

_Seconds: TypeAlias = Annotated[float, msgspec.Meta(ge=0, le=LONGEST)]


class Malformed(WorkhorseError):
    """A payload that is no document of ours: broken JSON, a wrong checksum, a wrong shape. The message says which."""


class NewerVersion(WorkhorseError):
    """A payload whose version this release does not know. Whoever wrote it may be right: hand it back, never run or drop it."""


class FixedDoc(msgspec.Struct, frozen=True, gc=False, tag="fixed", tag_field="kind"):
    """The same wait before every retry, in seconds."""

    seconds: float


class LinearDoc(msgspec.Struct, frozen=True, gc=False, tag="linear", tag_field="kind"):
    """Waits that grow by a step, in seconds."""

    first: float
    step: float
    max: float


class ExponentialDoc(msgspec.Struct, frozen=True, gc=False, tag="exponential", tag_field="kind"):
    """Waits that multiply, in seconds."""

    first: float
    factor: float
    max: float
    min: float


class RetryDoc(msgspec.Struct, frozen=True, gc=False):
    """A Retry as it travels: without `on` and `never`, which are classes and stay where they are declared."""

    retries: int
    delay: FixedDoc | LinearDoc | ExponentialDoc
    jitter: float | None = None


class Member(msgspec.Struct, frozen=True, gc=False):
    """A job's place in a group: its number, from 0, among so many."""

    id: str
    number: Annotated[int, msgspec.Meta(ge=0)]
    of: Annotated[int, msgspec.Meta(ge=1)]


class Gathering(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """That a job's first argument is the results of a group of so many; `ends`: how each ended instead."""

    of: Annotated[int, msgspec.Meta(ge=1)]
    ends: bool = False


class Overrides(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What this one job said by `.options(...)`; all else is the task's own, as the worker's code declares it. And what
    follows its end, and whence it comes.

    `timeout` and `result_ttl` are seconds; a `timeout` of None is no limit. `hops`: how many jobs it followed.
    """

    retry: RetryDoc | None = None
    timeout: _Seconds | msgspec.UnsetType | None = msgspec.UNSET
    result_ttl: _Seconds | msgspec.UnsetType = msgspec.UNSET
    max_crashes: Annotated[int, msgspec.Meta(ge=1)] | msgspec.UnsetType = msgspec.UNSET
    then: "tuple[FollowUpDoc, ...]" = ()
    on_dead: "FollowUpDoc | None" = None
    hops: Annotated[int, msgspec.Meta(ge=0)] = 0
    member: Member | None = None
    gathers: Gathering | None = None
    errand: Errand | None = None  # what a saga's later jobs are for
    parent: Parent | None = None  # the saga that this job's end wakes


class FollowUpDoc(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A job whose first argument is not there yet: `args` are those after it. `expires` is seconds from its acceptance,
    `until` the same as a moment; an `id` is one that was given."""

    task: str
    queue: str
    args: msgspec.Raw = NO_ARGS
    kwargs: msgspec.Raw = NO_KWARGS
    tagged: bool = False
    headers: dict[str, str] = {}
    priority: int = 2
    delay: _Seconds | None = None
    at: float | None = None
    expires: _Seconds | None = None
    until: float | None = None
    id: str = ""
    overrides: Overrides = msgspec.field(name="options", default=Overrides())
    lane: Lane | None = None
    unique: Unique | None = None


NO_OVERRIDES: Final = FollowUpDoc("", "").overrides


class Document(msgspec.Struct, frozen=True, gc=False):
    """The value of "job": arguments, still bytes, and the job's own options. `tagged`: every argument is tagged JSON,
    because the sender had no signature to go by. `event`: what was published, of which `args` is the content."""

    args: msgspec.Raw = NO_ARGS
    kwargs: msgspec.Raw = NO_KWARGS
    tagged: bool = False
    overrides: Overrides = msgspec.field(name="options", default=NO_OVERRIDES)
    event: CloudEvent | None = None


def encode(args: bytes, kwargs: bytes, tagged: bool = False, overrides: Overrides = NO_OVERRIDES) -> bytes:
    """The payload's bytes; `args` is a JSON array, `kwargs` a JSON object, both as `Schema.encode` gives them."""
    job = b'{"args":%b,"kwargs":%b' % (args, kwargs)
    if tagged:
        job += b',"tagged":true'
    if overrides != NO_OVERRIDES:
        job += b',"options":' + _encoder.encode(overrides)
    job += b"}"
    return b'{"v":1,"crc":"%08x","job":%b}' % (crc32(job), job)


def decode(payload: bytes) -> Document:
    """The document of these bytes; Malformed or NewerVersion, with the reason, where there is none."""
    # Our own writer leaves no space anywhere: its bytes are taken apart by position, which costs a quarter of a parse.
    if payload.startswith(_HEAD) and payload.endswith(b"}"):
        job = payload[_JOB:-1]
        if payload[_CRC:_JOB] == b'%08x","job":' % crc32(job):
            try:
                return _documents.decode(job)
            except (ValueError, RecursionError) as error:
                raise Malformed(f"the job is not of our shape: {_reason(error)}") from error
    if payload.startswith(cloud_event.HEAD):
        return _of_event(payload)
    return _decode_any(payload)


def retry_to_doc(retry: Retry) -> RetryDoc:
    """A Retry as it travels with one job. DeclarationError for a delay, or a filter, that is code: it belongs on the task."""
    if retry.on != (Exception,) or retry.never:
        raise DeclarationError(
            "retry: `on` and `never` cannot travel with one job; say them where the task is declared"
        )
    return RetryDoc(retry.retries, _delay_to_doc(retry.delay), retry.jitter)


def retry_from_doc(doc: RetryDoc, declared: Retry | None = None) -> Retry:
    """The Retry again, with the filters of `declared`, the task's own. Malformed for numbers out of range."""
    filters = declared or Retry()
    try:
        return Retry(doc.retries, _delay_from_doc(doc.delay), jitter=doc.jitter, on=filters.on, never=filters.never)
    except DeclarationError as error:
        raise Malformed(f"options of the job: {error}") from error


def _delay_to_doc(delay: object) -> FixedDoc | LinearDoc | ExponentialDoc:
    match delay:
        case Fixed(each):
            return FixedDoc(seconds(each, "Fixed"))
        case Linear(first, step, longest):
            return LinearDoc(seconds(first, "Linear"), seconds(step, "Linear"), seconds(longest, "Linear"))
        case Exponential(first, factor, longest, least):
            what = "Exponential"
            return ExponentialDoc(seconds(first, what), float(factor), seconds(longest, what), seconds(least, what))
        case _:
            raise DeclarationError(
                f"retry: expected a delay of Fixed, Linear or Exponential, got {delay!r}, which cannot travel with one job; "
                f"say it where the task is declared"
            )


def _delay_from_doc(doc: FixedDoc | LinearDoc | ExponentialDoc) -> Fixed | Linear | Exponential:
    match doc:
        case FixedDoc():
            return Fixed(doc.seconds)
        case LinearDoc():
            return Linear(doc.first, doc.step, doc.max)
        case ExponentialDoc():
            return Exponential(doc.first, doc.factor, doc.max, doc.min)


_HEAD: Final = b'{"v":1,"crc":"'
_CRC: Final = len(_HEAD)
_JOB: Final = _CRC + len(b'00000000","job":')

_encoder = msgspec.json.Encoder()
_documents = msgspec.json.Decoder(Document)


class _Frame(msgspec.Struct, gc=False):
    """The outermost object, whoever wrote it."""

    v: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    crc: str = ""
    job: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class _Version(msgspec.Struct, gc=False):
    """The version alone: a newer frame may have any shape around it."""

    v: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    specversion: str = ""  # it is an event


_frames = msgspec.json.Decoder(_Frame)
_versions = msgspec.json.Decoder(_Version)


def _decode_any(payload: bytes) -> Document:
    try:
        version = _versions.decode(payload)
        if version.specversion and isinstance(version.v, msgspec.UnsetType):
            return _of_event(payload)
        _check_version(version)
        frame = _frames.decode(payload)
        if isinstance(frame.job, msgspec.UnsetType):
            raise Malformed('expected a member "job", found none')
        found = f"{crc32(frame.job):08x}"
        if found != frame.crc:
            raise Malformed(
                f"the checksum is wrong: expected {found}, got {frame.crc!r}; the bytes were changed on their way"
            )
        return _documents.decode(frame.job)
    except (ValueError, RecursionError) as error:
        raise Malformed(f"not a document of ours: {_reason(error)}") from error


def _of_event(payload: bytes) -> Document:
    """Its content is the one argument of whoever handles it."""
    try:
        event = cloud_event.decode(payload)
    except (ValueError, RecursionError) as error:
        raise Malformed(f"not an event: {_reason(error)}") from error
    if event.specversion.partition(".")[0] != cloud_event.SPEC.partition(".")[0]:
        raise NewerVersion(f"expected an event of CloudEvents {cloud_event.SPEC}, got {event.specversion[:40]!r}")
    overrides = Overrides(hops=event.hops) if event.hops else NO_OVERRIDES
    return Document(msgspec.Raw(b"[%b]" % event.data), overrides=overrides, event=event)


def _check_version(frame: _Version) -> None:
    """Anything but a version that we know is taken for newer: who is wrong about that loses nothing."""
    given = "none" if isinstance(frame.v, msgspec.UnsetType) else bytes(frame.v).strip()
    if given == b"%d" % VERSION:
        return
    shown = given if isinstance(given, str) else given[:40].decode("utf-8", "replace")
    raise NewerVersion(
        f"expected version {VERSION}, got {shown}; run a worker of the release that wrote it, or a newer one"
    )


def _reason(error: Exception) -> str:
    return "nested too deep" if isinstance(error, RecursionError) else str(error)
