"""What a value of unknown type looks like, said so that a type checker believes it."""

from collections.abc import Mapping
from typing import Any, TypeGuard


def is_list(value: object) -> TypeGuard[list[Any]]:
    """A list."""
    return isinstance(value, list)


def is_array(value: object) -> TypeGuard[list[Any] | tuple[Any, ...]]:
    """A list or a tuple: one array in JSON."""
    return isinstance(value, list | tuple)


def is_collection(value: object) -> TypeGuard[list[Any] | tuple[Any, ...] | set[Any] | frozenset[Any]]:
    """A list, a tuple or a set."""
    return isinstance(value, list | tuple | set | frozenset)


def is_dict(value: object) -> TypeGuard[dict[Any, Any]]:
    """A dict."""
    return isinstance(value, dict)


def is_mapping(value: object) -> TypeGuard[Mapping[Any, Any]]:
    """Any mapping."""
    return isinstance(value, Mapping)


def is_class(value: object) -> TypeGuard[type[Any]]:
    """A class."""
    return isinstance(value, type)


def class_of(value: object) -> type[Any]:
    """Its very class."""
    return type(value)
