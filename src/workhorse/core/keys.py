"""The text of a key: the same for the same arguments, whether they are passed by position, by name or not at all."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from workhorse.core import wire
from workhorse.core.codec import Codec, Unfit
from workhorse.core.errors import DeclarationError
from workhorse.core.names import did_you_mean
from workhorse.core.parameters import EXTRA, REST, Parameter, Parameters

KeyText: TypeAlias = Callable[[tuple[Any, ...], Mapping[str, Any]], str]
"""From a job's arguments to the text of its key. Unfit for values that cannot travel."""

LONGEST: Final = 200
"""Characters; what is longer stands as its digest: every engine has the key in an index."""

_Part: TypeAlias = Callable[[tuple[Any, ...], Mapping[str, Any]], bytes]


def check_names(names: Sequence[str], known: Sequence[str] | None, what: str) -> None:
    """DeclarationError for a name that is no parameter; of a signature that is not known (None) nothing can be said."""
    for name in names:
        if known is not None and name not in known:
            expected = ", ".join(map(repr, known)) or "none, as the task has no parameters"
            raise DeclarationError(
                f"{what}: expected parameters of the task ({expected}), got {name!r}{did_you_mean(name, known)}"
            )


def key_text(parameters: Parameters, names: Sequence[str] | None) -> KeyText:
    """For a known signature: of these parameters, or of all of them."""
    by_name = {each.name: each for each in parameters.all}
    chosen = parameters.all if names is None else [by_name[name] for name in names]
    parts = [_part(each, parameters) for each in chosen]
    return lambda args, kwargs: bounded(b",".join([part(args, kwargs) for part in parts]))


def unknown_text(args: tuple[Any, ...], kwargs: Mapping[str, Any], names: Sequence[str] | None) -> str:
    """For a task of another service, whose signature nobody here knows: what a key names must be passed by name."""
    if names is None:
        parts = [_ANY.canonical(value, f"argument {index}") for index, value in enumerate(args, 1)]
        return bounded(b",".join([*parts, *(_member(name, kwargs[name], _ANY) for name in sorted(kwargs))]))
    for name in names:
        if name not in kwargs:
            raise Unfit(f"expected {name!r} by name, since its key is made of it and the signature is not known here")
    return bounded(b",".join([_ANY.canonical(kwargs[name], name) for name in names]))


def bounded(text: bytes) -> str:
    """As it is, or its digest: `#` begins no JSON, so that none is taken for the other."""
    shown = text.decode()
    return shown if len(shown) <= LONGEST else "#" + hashlib.sha256(text).hexdigest()


def _part(parameter: Parameter, parameters: Parameters) -> _Part:
    name, codec = parameter.name, parameter.codec
    if parameter.kind is REST:
        after = len(parameters.positional)
        return lambda args, kwargs: b"[%b]" % b",".join([codec.canonical(value, name) for value in args[after:]])
    if parameter.kind is EXTRA:
        known = parameters.named
        return lambda args, kwargs: (
            b"{%b}" % b",".join([_member(each, kwargs[each], codec) for each in sorted(kwargs) if each not in known])
        )
    place = parameters.positional.index(parameter) if parameter in parameters.positional else LONGEST
    default = b"" if parameter.required else _default(parameter)

    def part(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bytes:
        if place < len(args):
            return codec.canonical(args[place], name)
        return codec.canonical(kwargs[name], name) if name in kwargs else default

    return part


def _member(name: str, value: Any, codec: Codec) -> bytes:
    return b"%b:%b" % (wire.encode(name, "name"), codec.canonical(value, name))


def _default(parameter: Parameter) -> bytes:
    """A default need not fit its annotation, nor travel: nobody passes it."""
    for codec in (parameter.codec, _ANY):
        try:
            return codec.canonical(parameter.default, parameter.name)
        except Unfit:
            continue
    return b"default"


_ANY: Final = Codec(Any)
