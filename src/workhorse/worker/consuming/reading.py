"""What a message says: its media type and its content, read from the bytes that arrived."""

from collections.abc import Callable
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec

from workhorse.core.annotations import Uncarriable
from workhorse.core.codec import Codec
from workhorse.core.contract import Envelope
from workhorse.core.document import Document
from workhorse.core.errors import DeclarationError
from workhorse.core.schema import Unfit
from workhorse.worker.call import Plan

JSON: Final = "application/json"
"""The media type of a job's arguments."""


class Content(NamedTuple):
    """What was read."""

    media_type: str
    value: Any


Read: TypeAlias = Callable[[Envelope, Plan], Content]
"""Reads a message: the envelope has its task (or media type), headers and raw payload, the plan its document and whose
job it is. What it raises makes a dead letter of the message, with that text as the reason."""


def arguments(envelope: Envelope, its: Plan) -> Content:
    """An event's content; of a job: its argument where it has one, else `{"args": [...], "kwargs": {...}}`."""
    args, kwargs = its.arguments()
    values = [*args, *kwargs.values()]
    return Content(_media_type(its), values[0] if len(values) == 1 else {"args": list(args), "kwargs": dict(kwargs)})


def of_class(hint: Any) -> Read:
    """Of jobs whose one argument is of this class. DeclarationError for a class whose values cannot travel."""
    try:
        codec = Codec(hint)
    except Uncarriable as error:
        raise DeclarationError(f"consumer: expected a class whose values can travel, got {hint!r}: {error}") from None

    def read(envelope: Envelope, its: Plan) -> Content:
        document = its.document
        return Content(_media_type(its), codec.decode(_only(document), document.tagged, "content"))

    return read


def _media_type(its: Plan) -> str:
    event = its.document.event
    return JSON if event is None else event.type


def _only(document: Document) -> bytes:
    found = [*_arrays.decode(document.args), *_objects.decode(document.kwargs).values()]
    if len(found) != 1:
        raise Unfit(f"content: expected one argument, got {len(found)}")
    return bytes(found[0])


_arrays: Final = msgspec.json.Decoder(list[msgspec.Raw])
_objects: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
