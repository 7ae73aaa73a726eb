"""What is sent in an argument arrives as it was, type and all; what would not is refused when it is sent."""

import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Annotated, Any, Literal, NewType, ParamSpec, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
import pytest

from travellers import (
    Account,
    Address,
    Box,
    Colour,
    Customer,
    HiddenSeat,
    Mixed,
    Order,
    Pair,
    Point,
    RushOrder,
    Seat,
    Stranger,
    Tagged,
    Tree,
    named,
)
from workhorse.core.document import decode, encode
from workhorse.core.schema import Schema, Unfit, encode_unknown

PARIS = ZoneInfo("Europe/Paris")
T = TypeVar("T")
P = ParamSpec("P")
UserId = NewType("UserId", int)


def schema(fn: Callable[..., Any], skip: int = 0) -> Schema:
    return Schema(fn, "shop.task", skip)


def of(hint: Any) -> Schema:
    """The schema of a task with one parameter of this annotation, and this result."""

    def task(value: Any) -> Any: ...

    task.__annotations__ = {"value": hint, "return": hint}
    return schema(task)


def travelled(its: Schema, *args: Any, **kwargs: Any) -> tuple[list[Any], dict[str, Any]]:
    """Over the wire and back."""
    document = decode(encode(*its.encode(args, kwargs)))
    return its.decode(document.args, document.kwargs, document.tagged)


def raw(text: bytes) -> msgspec.Raw:
    return msgspec.Raw(text)


SOUND: list[tuple[Any, Any]] = [
    (int, 5),
    (int, 2**200),
    (float, -0.0),
    (bool, True),
    (str, "a\0é"),
    (bytes, b"\0\xff"),
    (None, None),
    (int | str | None, "x"),
    (Colour, Colour.RED),
    (Mixed, Mixed.PAIR),
    (Mixed, Mixed.HALF),
    (date, date.max),
    (time, time(1, 2, 3, 4)),
    (time, time(1, tzinfo=PARIS)),
    (timedelta, timedelta(-3, 2, 1)),
    (timedelta, timedelta.min),
    (Decimal, Decimal("1.10")),
    (UUID, UUID(int=7)),
    (tuple[int, ...], (1, 2)),
    (tuple[int, str], (1, "a")),
    (list[int], [1]),
    (set[int], {1, 2}),
    (frozenset[tuple[int, ...]], frozenset({(1,)})),
    (dict[str, int], {"$set": 1}),
    (dict[int, str], {1: "a"}),
    (dict[tuple[int, int], str], {(1, 2): "a"}),
    (dict[Colour, int], {Colour.RED: 1}),
    (dict[str, Any], {"a": (1, {2})}),
    (dict[datetime, int], {datetime(2024, 1, 1, tzinfo=PARIS): 1}),
    (list, [1, (2,)]),
    (dict, {1: 2}),
    (tuple, (1, [2])),
    (set, {1}),
    (Any, (1, {"$x": 1})),
    (object, {(1, 2)}),
    (Sequence[int], [1]),
    (Mapping[str, int], {"a": 1}),
    (Iterable[int], (1, 2)),
    (T, (1,)),
    (UserId, UserId(4)),
    (Literal["a", 1], "a"),
    (Literal[Colour.RED], Colour.RED),
    (Literal[True], True),
    (typing.LiteralString, "a"),
    (Annotated[int, msgspec.Meta(ge=3)], 3),
    (Point, Point(1)),
    (list[Point], [Point(1), Point(2)]),
    (Tagged, Tagged(1, (2, Colour.RED))),
    (Box[int], Box(4)),
    (Order, Order(1)),
    (Order, Order(1, datetime(2024, 7, 1, tzinfo=PARIS))),
    (dict[str, Order], {"a": Order(1)}),
    (Tree, Tree([Tree(), Tree([Tree()])])),
    (Customer, Customer(Name="ada", born=date(1815, 12, 10))),
    (list[Customer], [Customer(Name="ada")]),
    (Customer | None, None),
    (Customer | None, Customer(Name="ada")),
    (Customer | int, Customer(Name="ada")),
    (Customer | int, 4),
    (Seat, Seat(1)),
    (HiddenSeat, HiddenSeat(1)),
    (Address, {"city": "Oslo"}),
    (Pair, Pair(1, date.min)),
    (Account, Account("ada")),
    (list[Account], [Account("ada")]),
    (Point | Order, Order(2)),
    (list[Point | Order], [Point(1), Order(2)]),
    (UUID | str, UUID(int=3)),
    (UUID | str, "x"),
    (datetime | str, datetime(2024, 1, 1, tzinfo=PARIS)),
    (list[int] | set[int], {1}),
    (Order | dict[str, int], {"a": 1}),
]


@pytest.mark.parametrize(("hint", "value"), SOUND, ids=named)
def test_what_is_sent_arrives(hint: Any, value: Any) -> None:
    (again,), named = travelled(of(hint), value)
    assert (again, type(again), named) == (value, type(value), {})
    assert of(hint).decode_result(of(hint).encode_result(value)) == value


@pytest.mark.parametrize(("hint", "value"), SOUND, ids=named)
def test_a_concrete_annotation_accepts_the_tagged_form(hint: Any, value: Any) -> None:
    of(hint).prepare()  # the receiver knows the classes; the sender only tags
    document = decode(encode(*(part for part in encode_unknown((value,), {})), tagged=True))
    assert of(hint).decode(document.args, document.kwargs, document.tagged) == ([value], {})


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2024, 7, 1, 12),
        datetime(2024, 7, 1, 12, tzinfo=UTC),
        datetime(2024, 7, 1, 12, tzinfo=timezone(timedelta(hours=-3, minutes=-30))),
        datetime(2024, 7, 1, 12, tzinfo=timezone(timedelta(seconds=3601))),
        datetime(2024, 7, 1, 12, tzinfo=PARIS),
        datetime(2024, 10, 27, 2, 30, fold=1, tzinfo=PARIS),
    ],
    ids=str,
)
@pytest.mark.parametrize("hint", [datetime, datetime | None, Any, datetime | str], ids=str)
def test_a_moment_keeps_its_zone(hint: Any, moment: datetime) -> None:
    ((again,), _) = travelled(of(hint), moment)
    assert again == moment
    assert (again.utcoffset(), str(again.tzinfo)) == (moment.utcoffset(), str(moment.tzinfo))


UNFIT: list[tuple[Any, Any, str]] = [
    (int, True, "got `bool`"),
    (int, "1", "value: expected `int`, got `str`"),
    (int, 1.0, "got `float`"),
    (int, 10**5_000, "limit"),
    (bool, 1, "got `int`"),
    (float, float("nan"), "value: expected a finite number, got nan"),
    (float | None, float("inf"), "value: expected a finite number, got inf"),
    (list[float | None], [1.0, float("nan")], r"value\[1\]: expected a finite number"),
    (str, b"x", "expected str, got b'x'"),
    (str, Decimal(1), "would arrive as '1'"),
    (str, "\ud800", "value: lone surrogate"),
    (dict[str, str], {"a": "\ud800"}, r"value\['a'\]: lone surrogate"),
    (bytes, "eA==", "expected bytes"),
    (datetime, "2024-01-01T00:00:00", "expected datetime"),
    (Decimal, 1.1, "expected decimal.Decimal"),
    (UUID, "x", "[Ii]nvalid"),
    (Colour, "red", "expected .*Colour"),
    (Mixed, "x", "not a valid"),
    (list[int], [1, "a"], r"value\[1\]: expected `int`, got `str`"),
    (dict[str, list[int]], {"a": ["b"]}, r"value\[\.\.\.\]\[0\]: expected `int`"),
    (tuple[int, str], (1,), "length 2"),
    (Annotated[int, msgspec.Meta(ge=3)], 2, ">= 3"),
    (Annotated[str, msgspec.Meta(pattern="^a$")], "b", "pattern|matching"),
    (Literal["a"], "b", "value"),
    (Literal[Colour.RED], Colour.GREEN, "one of"),
    (Point, {"x": 1, "note": ""}, "expected .*Point"),
    (Point, Point("one"), r"value\.x: expected `int`"),  # type: ignore[arg-type]
    (Tagged, Tagged("one"), "x: Expected `int`"),  # type: ignore[arg-type]
    (Order, RushOrder(1), "expected .*Order, got RushOrder"),
    (Address, {"city": "Oslo", "street": "x"}, "expected .*Address"),
    (Address, {}, "city"),
    (Customer, {"Name": "ada"}, "expected .*Customer"),
    (Customer, Customer.model_construct(name=""), "Name: .*at least 1 character"),
    (list[Customer], [Customer.model_construct(name="")], r"value\[0\]: Customer: Name"),
    (Account, 5, "expected .*Account"),
    (Any, Stranger(), "value: cannot travel: .*Stranger"),
    (dict[str, Any], {"a": [Stranger()]}, r"value\['a'\]\[0\]: cannot travel"),
    (Point | Order, 5, "[Ee]xpected"),
    (list[int] | set[int], ["x"], r"expected `int`"),
]


@pytest.mark.parametrize(("hint", "value", "reason"), UNFIT, ids=named)
def test_what_does_not_fit_is_refused_when_it_is_sent(hint: Any, value: Any, reason: str) -> None:
    with pytest.raises(Unfit, match=reason):
        of(hint).encode((value,), {})
