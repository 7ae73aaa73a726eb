"""Values as tagged JSON: what travels where no annotation says the type."""

from collections.abc import Callable
from typing import Any, TypeVar, overload

from workhorse.core import tags
from workhorse.core.wire import dumps, loads

__all__ = ["dumps", "loads", "register"]

C = TypeVar("C", bound=type[Any])


@overload
def register(cls: C, /) -> C: ...
@overload
def register(*, tag: str) -> Callable[[C], C]: ...
def register(cls: C | None = None, /, *, tag: str | None = None) -> C | Callable[[C], C]:
    """Let objects of this class travel; the tag (default: its qualified name) is what stands on the wire.

    Enums travel by value, structs, dataclasses, attrs classes and named tuples by their fields, pydantic models by their own
    JSON, any other class by its attributes (rebuilt without `__init__`). Two classes of one tag: DeclarationError.
    """
    if cls is not None:
        tags.register(cls)
        return cls

    def tagging(cls: C) -> C:
        tags.register(cls, tag)
        return cls

    return tagging
