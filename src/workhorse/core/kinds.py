"""How objects of a class come apart into plain values and together again, for each kind of class that can be registered."""

import dataclasses
import functools
import inspect
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, Final, NamedTuple, get_type_hints

import msgspec

from workhorse.core import models
from workhorse.core.alike import alike
from workhorse.core.errors import DeclarationError
from workhorse.core.fitting import fit
from workhorse.core.looks import class_of, is_class, is_dict


class Kind(NamedTuple):
    """`take` gives the body, whose items may again be anything; `make` rebuilds the object from it.

    `make` raises ValueError for a body that does not fit, `take` TypeError for an object that would not come back whole.
    """

    tag: str
    cls: type[Any]
    take: Callable[[Any], Any]
    make: Callable[[Any], Any]


def kind_of(cls: Any, tag: str) -> Kind:
    """How this class travels. DeclarationError for what is no class, or keeps more than attributes."""
    if not is_class(cls):
        raise DeclarationError(f"register: expected a class, got {cls!r}")
    if issubclass(cls, Enum):
        return Kind(tag, cls, _take_value, cls)
    if models.is_model(cls):
        return Kind(tag, cls, _take_model, functools.partial(models.load, cls))
    names = field_names(cls)
    if names is None:
        return _by_attributes(cls, tag)
    _refuse_lost_arguments(cls)
    return Kind(tag, cls, functools.partial(_take_fields, names), functools.partial(_make_fields, cls, names))


def is_described(cls: Any) -> bool:
    """Whether the class says its own fields or values: such a class is registered by standing in an annotation."""
    return is_class(cls) and (issubclass(cls, Enum) or models.is_model(cls) or field_names(cls) is not None)


def field_names(cls: type[Any]) -> tuple[str, ...] | None:
    """The names of a struct's, dataclass's, attrs class's or named tuple's fields; None for any other class."""
    if issubclass(cls, msgspec.Struct):
        return tuple(cls.__struct_fields__)
    if dataclasses.is_dataclass(cls):
        return tuple(field.name for field in dataclasses.fields(cls))
    if "__attrs_attrs__" in vars(cls):
        return tuple(field.name for field in cls.__attrs_attrs__)
    fields: Any = getattr(cls, "_fields", None)
    return tuple(fields) if fields is not None and issubclass(cls, tuple) else None


@functools.lru_cache(maxsize=4096)
def field_hints(cls: Any) -> Mapping[str, Any]:
    """The annotations of its fields; none at all where they do not resolve."""
    try:
        return get_type_hints(cls, include_extras=True)
    except Exception:  # any: annotations are code
        return {}


def _take_value(member: Any) -> Any:
    return member.value


def _take_model(model: Any) -> Any:
    body = models.dump(model)
    if not alike(models.load(type(model), body), model):
        raise TypeError(
            f"{_name(class_of(model))} does not come back whole from its own JSON; look at its excluded and Any fields"
        )
    return body


def _take_fields(names: tuple[str, ...], value: Any) -> Any:
    return {name: item for name in names if (item := getattr(value, name)) is not msgspec.UNSET}


def _make_fields(cls: Any, names: tuple[str, ...], body: Any) -> Any:
    if not is_dict(body):
        raise ValueError(f"expected a mapping of fields, got {_name(class_of(body))}")
    hints = field_hints(cls)
    given = {name: _fit_field(name, body[name], hints) for name in names if name in body}
    if _is_made_of_fields(cls):
        return cls(**given)
    made = cls(**{argument: given[name] for name, argument in _arguments(cls) if name in given})
    for name, item in given.items():
        if getattr(made, name, _NOTHING) is not item:  # __init__ changed it, or does not take it
            object.__setattr__(made, name, item)  # the class may be frozen
    return made


def _is_made_of_fields(cls: type[Any]) -> bool:
    return issubclass(cls, msgspec.Struct | tuple)


def _fit_field(name: str, item: Any, hints: Mapping[str, Any]) -> Any:
    try:
        return fit(item, hints.get(name, Any))
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def _arguments(cls: Any) -> list[tuple[str, str]]:
    """Each field that `__init__` takes, and the name by which it takes it."""
    if dataclasses.is_dataclass(cls):
        return [(field.name, field.name) for field in dataclasses.fields(cls) if field.init]
    return [(field.name, field.alias or field.name) for field in cls.__attrs_attrs__ if field.init]


def _refuse_lost_arguments(cls: Any) -> None:
    if _is_made_of_fields(cls):
        return
    known = {argument for _, argument in _arguments(cls)}
    for name, parameter in inspect.signature(cls).parameters.items():
        starred = parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        if name not in known and parameter.default is parameter.empty and not starred:
            raise DeclarationError(
                f"{_name(cls)}: its argument {name!r} is no field, and the object forgets it; give it a default"
            )


_MADE_IN_PYTHON: Final = 1 << 9  # Py_TPFLAGS_HEAPTYPE
_NOTHING: Final = object()


def _by_attributes(cls: type[Any], tag: str) -> Kind:
    for base in cls.__mro__[:-1]:
        if not base.__flags__ & _MADE_IN_PYTHON:
            raise DeclarationError(
                f"{_name(cls)}: expected a class whose objects are their attributes, got one that holds what {base.__name__} "
                f"holds; wrap it in a dataclass"
            )
    slots = tuple(name for base in cls.__mro__ for name in _slots(base))
    return Kind(tag, cls, functools.partial(_take_attributes, slots), functools.partial(_make_attributes, cls, slots))


def _slots(cls: type[Any]) -> list[str]:
    slots: Any = vars(cls).get("__slots__", ())
    names = [slots] if isinstance(slots, str) else list(slots)
    hidden = f"_{cls.__name__.lstrip('_')}"
    return [
        hidden + name if name.startswith("__") and not name.endswith("__") else name
        for name in names
        if name not in ("__dict__", "__weakref__")
    ]


def _take_attributes(slots: tuple[str, ...], value: Any) -> Any:
    held = {name: getattr(value, name) for name in slots if hasattr(value, name)}
    return {**held, **getattr(value, "__dict__", {})}


def _make_attributes(cls: Any, slots: tuple[str, ...], body: Any) -> Any:
    """Never through `__init__`, nor through any setter: what arrives becomes attributes, and nothing is called."""
    if not is_dict(body) or not all(isinstance(name, str) for name in body):
        raise ValueError(f"expected a mapping of attributes, got {_name(class_of(body))}")
    made = object.__new__(cls)
    for name, item in body.items():
        if name in slots:
            object.__setattr__(made, name, item)
        elif name.startswith("__") or not hasattr(made, "__dict__"):
            raise ValueError(f"expected an attribute of {_name(cls)}, got {name!r}")
        else:
            made.__dict__[name] = item
    return made


def _name(cls: type[Any]) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"
