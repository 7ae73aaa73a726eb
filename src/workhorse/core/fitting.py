"""Fits a value that has already been rebuilt to an annotation: as msgspec does it, and by hand for what msgspec refuses."""

import collections.abc as abc
import types
from collections.abc import Callable, Iterable
from enum import Enum
from typing import Annotated, Any, Final, Literal, LiteralString, NewType, TypeVar, Union, get_args, get_origin

import msgspec

from workhorse.core import models
from workhorse.core.looks import class_of, is_array, is_collection, is_dict, is_mapping


class Foreign(dict[str, Any]):
    """A tagged value whose tag nobody registered here: a mapping of one member, which `dumps` gives back as it came."""

    @property
    def is_whole(self) -> bool:
        """Whether it is still what arrived: nobody added to it, or took its tag."""
        return len(self) == 1 and next(iter(self)).startswith("$")

    @property
    def body(self) -> Any:
        """What stands under the tag."""
        return next(iter(self.values()), None)


def fit(value: Any, hint: Any) -> Any:
    """The value as the annotation wants it: itself where it fits, converted where JSON has only the nearest type
    (text for a UUID, a mapping for a class). ValueError, with the path, where it does not fit."""
    if hint is Any or hint is object:
        return value
    if type(value) is Foreign:
        value = value.body
    try:
        return msgspec.convert(value, hint, dec_hook=from_wire, str_keys=_has_text_keys(value))
    except TypeError:  # a type that msgspec cannot describe
        return _fit_by_hand(value, hint)


def bare(value: Any) -> Any:
    """Without unregistered tags, at any depth: for an annotation that names the classes itself."""
    kind = class_of(value)
    if kind is Foreign:
        return bare(value.body)
    if kind is dict:
        return {key: bare(item) for key, item in value.items()}
    if kind is list or kind is tuple:
        items = [bare(item) for item in value]
        return items if kind is list else tuple(items)
    return value


def to_wire(value: Any) -> Any:
    """What msgspec's encoder asks for a value of a type that it does not know."""
    if models.is_instance(value):
        return models.dump(value)
    for plain in (str, int, float):  # a subclass under a concrete annotation arrives as what is annotated
        if isinstance(value, plain):
            return plain(value)
    raise TypeError(f"expected a type that can travel, got {_name(type(value))}")


def from_wire(cls: Any, body: Any) -> Any:
    """What msgspec's decoder asks for an annotation that it does not know."""
    cls = get_origin(cls) or cls
    if isinstance(body, cls):
        return body
    if models.is_model(cls):
        return models.load(cls, body.body if isinstance(body, Foreign) else body)
    raise ValueError(f"Expected `{_name(cls)}`, got `{_name(type(body))}`")


def _has_text_keys(value: Any) -> bool:
    # JSON has text for every key; a mapping rebuilt from pairs has the keys themselves.
    return not is_mapping(value) or all(isinstance(key, str) for key in value)


def _fit_by_hand(value: Any, hint: Any) -> Any:
    origin, args = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return fit(value, args[0])
    under: Any = hint
    if isinstance(hint, NewType):
        return fit(value, under.__supertype__)
    if isinstance(hint, TypeVar):
        return _fit_any(value, under.__constraints__ or (under.__bound__ or Any,))
    if is_union(hint):
        return _fit_any(value, args)
    if origin is Literal:
        return _fit_literal(value, args)
    if under is LiteralString:
        return fit(value, str)
    made = _CONTAINERS.get(origin)
    if made is not None and args:
        return made(value, args)
    return _fit_class(value, origin or hint)


def _fit_any(value: Any, arms: Iterable[Any]) -> Any:
    """By the arm that is the value's very class, else by the first that takes it."""
    arms = sorted(arms, key=lambda arm: _runtime_class(arm) is not type(value))
    reasons: list[str] = []
    for arm in arms:
        try:
            return fit(value, arm)
        except (ValueError, TypeError) as error:
            reasons.append(str(error))
    raise ValueError("; ".join(dict.fromkeys(reasons)))


def is_union(hint: Any) -> bool:
    """Whether the annotation is a union, however it is spelt."""
    origin: Any = get_origin(hint)
    return origin is Union or origin is types.UnionType


def _runtime_class(hint: Any) -> Any:
    return get_origin(hint) or hint


def _fit_literal(value: Any, allowed: tuple[Any, ...]) -> Any:
    if any(value == each and type(value) is type(each) for each in allowed):
        return value
    raise ValueError(f"Expected one of {', '.join(map(repr, allowed))}")


def _fit_class(value: Any, cls: Any) -> Any:
    if isinstance(cls, type):
        if isinstance(value, cls):
            return value
        if issubclass(cls, Enum):
            return cls(value)
    raise ValueError(f"Expected `{_name(cls)}`, got `{_name(type(value))}`")


def _fit_items(kind: Callable[[Iterable[Any]], Any]) -> Callable[[Any, tuple[Any, ...]], Any]:
    def fit_items(value: Any, args: tuple[Any, ...]) -> Any:
        if not is_collection(value):
            raise ValueError(f"Expected `array`, got `{_name(type(value))}`")
        return kind(fit(item, args[0]) for item in value)

    return fit_items


def _fit_tuple(value: Any, args: tuple[Any, ...]) -> Any:
    if not is_array(value):
        raise ValueError(f"Expected `array`, got `{_name(type(value))}`")
    if len(args) == 2 and args[1] is Ellipsis:
        return tuple(fit(item, args[0]) for item in value)
    if len(args) != len(value):
        raise ValueError(f"Expected `array` of length {len(args)}, got {len(value)}")
    return tuple(fit(item, hint) for item, hint in zip(value, args, strict=True))


def _fit_mapping(value: Any, args: tuple[Any, ...]) -> Any:
    if not is_dict(value):
        raise ValueError(f"Expected `object`, got `{_name(type(value))}`")
    return {fit(key, args[0]): fit(item, args[1]) for key, item in value.items()}


_CONTAINERS: Final[dict[Any, Callable[[Any, tuple[Any, ...]], Any]]] = {
    **dict.fromkeys((list, abc.Sequence, abc.MutableSequence, abc.Collection), _fit_items(list)),
    **dict.fromkeys((set, abc.Set, abc.MutableSet), _fit_items(set)),
    frozenset: _fit_items(frozenset),
    tuple: _fit_tuple,
    **dict.fromkeys((dict, abc.Mapping, abc.MutableMapping), _fit_mapping),
}


def _name(cls: Any) -> str:
    return getattr(cls, "__qualname__", None) or str(cls)
