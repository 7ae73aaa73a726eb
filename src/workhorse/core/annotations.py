"""What an annotation says about how its values travel: plainly, because it names every type in them; or tagged."""

import collections.abc as abc
import sys
import typing
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Final, Literal, TypeVar, get_args, get_origin
from uuid import UUID

import msgspec

from workhorse.core import models, tags
from workhorse.core.fitting import is_union
from workhorse.core.kinds import field_names
from workhorse.core.looks import is_class


class Uncarriable(Exception):
    """The reason why no value of this annotation could travel."""


@dataclass
class Survey:
    """What was seen in an annotation. `open`: something in it is left to the value (Any, an unbound type variable, a type
    that JSON has no exact form for). `zoned`: times, whose zone's name plain JSON would lose. `loops`: a class inside
    itself. `names`: mappings, or models, whose members may have any name."""

    classes: list[Any] = field(default_factory=list[Any])
    open: bool = False
    zoned: bool = False
    loops: bool = False
    names: bool = False


def shown(hint: Any) -> str:
    """An annotation as its author would write it."""
    if isinstance(hint, type) and get_origin(hint) is None:
        return hint.__qualname__ if hint.__module__ == "builtins" else f"{hint.__module__}.{hint.__qualname__}"
    return str(hint).replace("typing.", "")


def survey(hint: Any) -> Survey:
    """Look through an annotation and all that it is made of. Raises Uncarriable for a type that cannot travel."""
    seen = Survey()
    _visit(hint, seen, ())
    return seen


_SCALARS: Final = frozenset(
    {
        bool,
        int,
        float,
        str,
        bytes,
        bytearray,
        memoryview,
        date,
        timedelta,
        Decimal,
        UUID,
        None,
        type(None),
        msgspec.UnsetType,
    }
)
_ZONED: Final = frozenset({datetime, time})
_CONTAINERS: Final = frozenset(
    {list, set, frozenset, tuple, abc.Sequence, abc.MutableSequence, abc.Collection, abc.Set, abc.MutableSet}
)
_MAPPINGS: Final = frozenset({dict, abc.Mapping, abc.MutableMapping})
_KEYS: Final = frozenset({str, int, date, UUID, Decimal})
_OPEN: Final = frozenset({Any, object, abc.Iterable, abc.Container, abc.Reversible, abc.Hashable, abc.Sized})


def _visit(hint: Any, seen: Survey, inside: tuple[Any, ...]) -> None:
    origin, args = get_origin(hint), get_args(hint)
    if isinstance(hint, typing.ParamSpecArgs | typing.ParamSpecKwargs):  # first of all: they have no hash
        seen.open = True
    elif hint in _ZONED:
        seen.zoned = True
    elif hint in _SCALARS or hint is typing.LiteralString:
        return
    elif hint in _OPEN or origin in _OPEN:
        seen.open = True
    elif origin is Literal:
        seen.open = seen.open or not all(
            isinstance(value, str | int | None) and type(value) is not bool for value in args
        )
        for value in args:
            _declare_member(value, seen)
    elif is_union(hint):
        _visit_union(args, seen, inside)
    elif (under := _under(hint, origin, args)) is not hint:
        _visit(under, seen, inside)
    elif isinstance(hint, TypeVar):
        seen.open = True
        for bound in hint.__constraints__ or (hint.__bound__ or Any,):
            _visit(bound, seen, inside)
    else:
        _visit_container_or_class(origin or hint, args, seen, inside)


def _under(hint: Any, origin: Any, args: tuple[Any, ...]) -> Any:
    """What stands under a wrapper that says nothing about the value's type."""
    if origin is Annotated or origin in (typing.Final, typing.Required, typing.NotRequired):
        return args[0]
    if isinstance(hint, typing.NewType):
        return hint.__supertype__
    if sys.version_info >= (3, 12) and isinstance(hint, typing.TypeAliasType):
        return hint.__value__
    return hint


def _visit_union(args: tuple[Any, ...], seen: Survey, inside: tuple[Any, ...]) -> None:
    arms = [arm for arm in args if arm is not type(None)]
    for arm in arms:
        _visit(arm, seen, inside)
    seen.open = seen.open or (seen.zoned and len(arms) > 1)  # an arm beside it might take a tagged time for its own


def _visit_container_or_class(cls: Any, args: tuple[Any, ...], seen: Survey, inside: tuple[Any, ...]) -> None:
    if cls in _MAPPINGS:
        seen.names = True
        if not args or not _is_key(args[0]):
            seen.open = True
    elif cls in _CONTAINERS:
        seen.open = seen.open or (not args and cls is not tuple) or (cls is tuple and not args)
    else:
        _visit_class(cls, seen, inside)
        return
    for part in args:
        if part is not Ellipsis:
            _visit(part, seen, inside)


def _is_key(hint: Any) -> bool:
    """Whether JSON's text keys hold it exactly, and msgspec reads it back."""
    if isinstance(hint, type) and issubclass(hint, Enum):
        return all(type(member.value) in (str, int) for member in hint)
    return hint in _KEYS or (get_origin(hint) is Literal and all(isinstance(value, str) for value in get_args(hint)))


def _visit_class(cls: Any, seen: Survey, inside: tuple[Any, ...]) -> None:
    if cls in inside:
        seen.loops = True
        return
    if not is_class(cls):
        raise Uncarriable(f"{shown(cls)} is no type whose values can travel")
    if typing.is_typeddict(cls):
        _visit_fields(cls, None, seen, inside)
        return
    if tags.is_built_in(cls):
        seen.open = True  # it says itself how it travels, whatever fields it has
        return
    names = field_names(cls)
    described = names is not None or issubclass(cls, Enum) or models.is_model(cls)
    if not described and tags.by_class(cls) is None:
        raise Uncarriable(
            f"objects of {shown(cls)} cannot travel; register the class with workhorse.wire.register, "
            f"or pass what they are made of"
        )
    if described:
        seen.classes.append(cls)
    seen.names = seen.names or models.is_model(cls)
    seen.open = seen.open or not described
    if names:
        _visit_fields(cls, names, seen, inside)


def _visit_fields(cls: Any, names: tuple[str, ...] | None, seen: Survey, inside: tuple[Any, ...]) -> None:
    try:
        hints = typing.get_type_hints(cls, include_extras=True)
    except Exception as error:  # any: annotations are code
        raise Uncarriable(f"the annotations of {shown(cls)} do not resolve: {error}") from None
    for name in hints if names is None else names:
        # msgspec leaves fields with an underscore out of its JSON
        seen.open = seen.open or name.startswith("_") or name not in hints
        _visit(hints.get(name, Any), seen, (*inside, cls))


def _declare_member(value: Any, seen: Survey) -> None:
    if isinstance(value, Enum):
        seen.classes.append(type(value))
        seen.open = True
