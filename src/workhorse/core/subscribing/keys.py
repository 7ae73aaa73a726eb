"""The signature of a subscriber, whose one argument is the event: its keys are made of the event's fields."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from workhorse.core.codec import Unfit, located
from workhorse.core.events.fields import plain_of
from workhorse.core.fitting import to_wire
from workhorse.core.keys import KeyText, bounded
from workhorse.core.schema import Schema


class EventSchema(Schema):
    """As of any task, but for its keys."""

    def key(self, names: tuple[str, ...] | None) -> KeyText:
        """The text of a key that is made of these fields (None: of all)."""

        def text(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str:
            event = args[0] if args else next(iter(kwargs.values()), None)
            return bounded(_canonical(event) if names is None else b",".join([_field(event, name) for name in names]))

        return text


def _field(event: Any, name: str) -> bytes:
    try:
        return _canonical(plain_of(event, name))
    except KeyError:
        raise Unfit(f"expected a field {name!r}, since a key is made of it, got none") from None


def _canonical(value: Any) -> bytes:
    try:
        return _orderly.encode(value)
    except (TypeError, ValueError) as error:
        raise Unfit(located(error, "its key")) from None


_orderly: Final = msgspec.json.Encoder(enc_hook=to_wire, order="deterministic")
