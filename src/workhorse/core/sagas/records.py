"""What a saga's journal is made of: records, gathered in lines that are written one after the other, each once."""

from collections.abc import Sequence
from typing import Final, Literal, TypeAlias
from zlib import crc32

import msgspec

from workhorse.core.errand import Parent
from workhorse.core.errors import WorkhorseError

Kind: TypeAlias = Literal["step", "action", "call", "sleep", "wait"]

NOTHING: Final = msgspec.Raw(b"null")


class Corrupt(WorkhorseError):
    """A journal that cannot be read: a line is lost, or is not what was written. The message says which."""


class Record(msgspec.Struct, frozen=True, tag_field="is", omit_defaults=True, kw_only=True):
    """One entry. `at`: seconds since the epoch, by the clock of the worker that wrote it."""

    at: float = 0


class Error(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was raised, as text."""

    type: str
    message: str
    traceback: str = ""


class Begin(Record, frozen=True, tag="begin"):
    """Always the first: which code with which arguments. `born` is drawn for this saga, and tells it from another of its id."""

    task: str
    version: int
    born: str
    args: msgspec.Raw
    kwargs: msgspec.Raw
    tagged: bool = False
    result_ttl: float = 0
    parent: Parent | None = None


class Own(Record, frozen=True, tag="own"):
    """A turn has begun: from here on nobody else's next line finds its place free."""

    job: str


class Started(Record, frozen=True, tag="started"):
    """The intent. `path` is its place in the code: its number among the calls, and within a gather the branch's before it.
    `seconds`: how long a sleep is, or a wait for a signal at most."""

    path: str
    kind: Kind
    name: str
    args: msgspec.Raw = NOTHING
    kwargs: msgspec.Raw = NOTHING
    seconds: float | None = None


class Again(Record, frozen=True, tag="again"):
    """The next attempt is under way."""

    of: int


class Failed(Record, frozen=True, tag="failed"):
    """An attempt failed; `wait` is the pause before the next, None: it failed for good. `state`: what an action had on
    it; `counts`: whether it was an attempt, or a snooze."""

    of: int
    error: Error
    wait: float | None = None
    counts: bool = True
    state: msgspec.Raw | None = None


class Done(Record, frozen=True, tag="done"):
    """The outcome; of a wait, which signal it took ("" where none came in time)."""

    of: int
    result: msgspec.Raw = NOTHING
    signal: str = ""


class Noted(Record, frozen=True, tag="noted"):
    """What the code asked of the world beside its steps: the time."""

    path: str
    value: float


class Sent(Record, frozen=True, tag="sent"):
    """The jobs that these entries ask for are published: written in the same settle."""

    of: tuple[int, ...]


class Woke(Record, frozen=True, tag="woke"):
    """The time is over that this entry asked for."""

    of: int


class Undoing(Record, frozen=True, tag="undoing"):
    """From here on nothing is done any more but undone; `error` is None where the saga was cancelled."""

    error: Error | None = None


class Taking(Record, frozen=True, tag="taking"):
    """A step is about to be taken back: written before, as with a step itself, so that who dies in it is known."""

    of: int


class Undone(Record, frozen=True, tag="undone"):
    """A step is taken back; `skipped`: someone said to go on without."""

    of: int
    skipped: bool = False


class UndoFailed(Record, frozen=True, tag="undo_failed"):
    """An attempt to take a step back failed; `wait` as of Failed."""

    of: int
    error: Error
    wait: float | None = None


class Resumed(Record, frozen=True, tag="resumed"):
    """Someone said to go on: what had failed to be undone is tried anew."""


class Ended(Record, frozen=True, tag="ended"):
    """Nothing follows."""

    status: Literal["succeeded", "compensated"]


AnyRecord: TypeAlias = (
    Begin
    | Own
    | Started
    | Again
    | Failed
    | Done
    | Noted
    | Sent
    | Woke
    | Undoing
    | Taking
    | Undone
    | UndoFailed
    | Resumed
    | Ended
)

_encode = msgspec.json.Encoder().encode
_decoder = msgspec.json.Decoder(list[AnyRecord])
_HEAD: Final = len("00000000:")


def text(record: AnyRecord) -> bytes:
    """One record as JSON."""
    return _encode(record)


def line(texts: Sequence[bytes]) -> bytes:
    """One line: these records in an array, behind a checksum."""
    joined = b"[%b]" % b",".join(texts)
    return b"%08x:%b" % (crc32(joined), joined)


def load(line: bytes, what: str) -> list[AnyRecord]:
    """The records of a line; Corrupt, naming `what`, for bytes that are not as they were written."""
    joined = line[_HEAD:]
    if line[:_HEAD] != b"%08x:" % crc32(joined):
        raise Corrupt(f"{what}: its checksum is wrong: its bytes are not as they were written")
    try:
        return _decoder.decode(joined)
    except (ValueError, RecursionError) as error:
        raise Corrupt(f"{what}: it is not of our shape, perhaps of a newer release: {error}") from None
