"""What type checkers take for an event: an object of a class that describes its own fields."""

from typing import Any, ClassVar, Protocol, TypeAlias

import msgspec


class DataclassLike(Protocol):
    """An object of a dataclass."""

    __dataclass_fields__: ClassVar[dict[str, Any]]


class AttrsLike(Protocol):
    """An object of an attrs class."""

    __attrs_attrs__: ClassVar[Any]


class ModelLike(Protocol):
    """A pydantic model."""

    def model_dump_json(self) -> str:
        """As JSON text."""
        ...


Event: TypeAlias = msgspec.Struct | DataclassLike | AttrsLike | ModelLike
