"""The fast way for a signature of plain types: one decoder for all arguments by position, one for all by name."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec.structs import astuple

from workhorse.core.codec import TAG, encoder
from workhorse.core.fitting import from_wire
from workhorse.core.parameters import Parameters

Decoded = tuple[list[Any], dict[str, Any]]


class Swift:
    """Both verbs answer None where the slow way must look, argument by argument, or say what is wrong."""

    def __init__(self, parameters: Parameters) -> None:
        codecs = [each.codec for each in parameters.all]
        self._encodes = all(codec.simple for codec in codecs)
        self._watchful = any(codec.wary for codec in codecs)
        self._required = parameters.required
        self._needed = sum(each.required for each in parameters.all)
        self._names = tuple(parameters.named)
        count = len(parameters.positional)
        self._taken = [frozenset(each.name for each in parameters.positional[:some]) for some in range(count + 1)]
        self._array = _decoder([(each.name, each.codec.hint) for each in parameters.positional], array_like=True)
        self._object = _decoder([(each.name, each.codec.hint) for each in parameters.named.values()], array_like=False)

    def encode(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[bytes, bytes] | None:
        """The arguments' bytes, once they are seen to come back."""
        if not self._encodes or not self._binds(len(args), kwargs):
            return None
        try:
            array = encoder.encode(args)
            if _given(self._array.decode(array)) != args:
                return None
            if not kwargs:
                return array, b"{}"
            named = encoder.encode(kwargs)
            return (array, named) if self._by_name(named) == kwargs else None
        except Exception:  # any: equality may be the user's code
            return None

    def decode(self, args: msgspec.Raw, kwargs: msgspec.Raw) -> Decoded | None:
        """What to call the function with."""
        if self._watchful and (TAG in bytes(args) or TAG in bytes(kwargs)):
            return None
        try:
            values = _given(self._array.decode(args))
            named = {} if len(kwargs) == _EMPTY else self._by_name(kwargs)
        except (ValueError, RecursionError):
            return None
        return (list(values), named) if self._binds(len(values), named) else None

    def _binds(self, count: int, named: Mapping[str, Any]) -> bool:
        if not named:
            return self._needed <= count < len(self._taken) and self._required <= self._taken[count]
        if count >= len(self._taken):
            return False
        taken = self._taken[count]
        return taken.isdisjoint(named) and self._required <= (taken | named.keys())

    def _by_name(self, text: bytes | msgspec.Raw) -> dict[str, Any]:
        values = astuple(self._object.decode(text))
        return {name: value for name, value in zip(self._names, values, strict=True) if value is not _UNSET}


def swift(parameters: Parameters) -> Swift | None:
    """None for a signature with a type that is not plain, or with `*args` or `**kwargs`."""
    return Swift(parameters) if parameters.plain else None


_UNSET: Final = msgspec.UNSET
_EMPTY: Final = len(b"{}")


def _decoder(parameters: list[tuple[str, Any]], *, array_like: bool) -> "msgspec.json.Decoder[Any]":
    # The fields are numbered, since a parameter may have any name, and a struct has names of its own.
    names = {f"p{index}": name for index, (name, _) in enumerate(parameters)}
    fields = [(f"p{index}", hint, _UNSET) for index, (_, hint) in enumerate(parameters)]
    shape = msgspec.defstruct(
        "Arguments", fields, array_like=array_like, rename=names, forbid_unknown_fields=True, gc=False
    )
    return msgspec.json.Decoder(shape, dec_hook=from_wire)


def _given(arguments: Any) -> tuple[Any, ...]:
    values = astuple(arguments)
    while values and values[-1] is _UNSET:
        values = values[:-1]
    return values
