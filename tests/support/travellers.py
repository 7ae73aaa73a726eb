"""Classes of every kind that a signature may name, for the tests of what travels."""

import dataclasses
import re
from datetime import date, datetime
from enum import Enum
from typing import Any, Generic, NamedTuple, NotRequired, TypedDict, TypeVar

import attrs
import msgspec
import pydantic

from workhorse import wire

T = TypeVar("T")


class Colour(Enum):
    RED = "red"
    GREEN = "green"


class Mixed(Enum):
    PAIR = (1, 2)
    HALF = 0.5


@dataclasses.dataclass
class Point:
    x: int = 0
    note: str = ""


@dataclasses.dataclass
class Tagged:
    x: int
    anything: Any = None


@dataclasses.dataclass(eq=False)
class Blank:
    x: int


@dataclasses.dataclass
class Box(Generic[T]):
    item: T


class Order(msgspec.Struct, rename="camel"):
    order_id: int
    placed_at: datetime | None = None


class RushOrder(Order):
    hours: int = 1


class Tree(msgspec.Struct):
    children: "list[Tree]" = []


class Customer(pydantic.BaseModel):
    name: str = pydantic.Field(alias="Name", min_length=1)
    born: date | None = None


@attrs.define
class Seat:
    row: int


@attrs.define
class HiddenSeat:
    _row: int


class Address(TypedDict):
    city: str
    code: NotRequired[int]


class Pair(NamedTuple):
    left: int
    right: date


@wire.register
class Account:
    def __init__(self, owner: str) -> None:
        self._owner = owner

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Account) and other._owner == self._owner

    __hash__ = None  # type: ignore[assignment]


class Stranger:
    pass


def named(value: object) -> str:
    """The name of a test with this value: the same in each process that collects it."""
    try:
        text = repr(value)
    except ValueError:  # an integer with more digits than Python writes
        text = type(value).__name__
    return re.sub(r" at 0x[0-9a-f]+", "", text)
