"""What came of calling a task, judged where the exception still is one: in the worker, or in a process of its pool."""

import traceback
from typing import TypeAlias

import msgspec

from workhorse.core.errors import GiveUp, RetryLater, Skip
from workhorse.core.retry import Retry
from workhorse.core.trail import TRACEBACK

MESSAGE = 2048
"""Characters of an error's text that are kept."""


class Done(msgspec.Struct, frozen=True, tag_field="kind", tag="done"):
    """The task returned; `result` is the codec's document, empty when none is kept; `missing`: why it cannot be kept."""

    result: bytes = b""
    missing: str = ""
    note: str = ""


class Failed(msgspec.Struct, frozen=True, tag_field="kind", tag="failed"):
    """The task raised, ran out of time or died; `again` is whether its Retry takes this error."""

    type: str
    message: str
    traceback: str = ""
    again: bool = True

    @property
    def text(self) -> str:
        """`ValueError: bad address`, on one line."""
        return f"{self.type}: {self.message}" if self.message else self.type


class Later(msgspec.Struct, frozen=True, tag_field="kind", tag="later"):
    """The task asked for another time itself."""

    after: float
    counts: bool
    type: str = "RetryLater"
    message: str = ""


class Unfitting(msgspec.Struct, frozen=True, tag_field="kind", tag="unfitting"):
    """The arguments do not fit the task's signature; it was not called."""

    reason: str


class Interrupted(msgspec.Struct, frozen=True, tag_field="kind", tag="interrupted"):
    """The worker ended the call: cancelled, lost, or shutting down."""

    why: str


class Many(msgspec.Struct, frozen=True, tag_field="kind", tag="many"):
    """A batch came to its end: one verdict for each of its items."""

    verdicts: tuple[Done | Failed | Later, ...]


Verdict: TypeAlias = Done | Failed | Later | Unfitting | Interrupted | Many


def judge(error: BaseException, retry: Retry) -> Done | Failed | Later:
    """The verdict on what a task raised. SystemExit, KeyboardInterrupt and a CancelledError of its own are failures too."""
    if isinstance(error, RetryLater):
        return Later(error.after, error.counts, message=text_of(error))
    if isinstance(error, Skip):
        return Done(note=text_of(error.reason) or "skipped")
    if isinstance(error, GiveUp):
        return Failed("GiveUp", text_of(error.reason), again=False)
    again = retry.allows(error) if isinstance(error, Exception) else True
    return Failed(type(error).__name__, text_of(error), traceback_of(error), again)


def text_of(error: object) -> str:
    """The text of an error, or of its reason; also when its `str` raises."""
    try:
        return plain(str(error)[:MESSAGE])
    except BaseException as failure:
        return f"<its text raised {type(failure).__name__}>"


def traceback_of(error: BaseException) -> str:
    """The end of the traceback, without the worker's own frames on top."""
    try:
        own = error.__traceback__
        frames = own.tb_next if own is not None and own.tb_next is not None else own
        lines = traceback.format_exception(type(error), error, frames)
        text = "".join(lines)
    except BaseException as failure:
        return f"<its traceback raised {type(failure).__name__}>"
    return plain(text.encode(errors="backslashreplace")[-TRACEBACK:].decode(errors="ignore"))


def plain(text: object) -> str:
    """Text that every encoder takes: lone surrogates as escapes."""
    return str(text).encode(errors="backslashreplace").decode()
