"""A signature as it travels: arguments bind as in a call, and what does not fit never reaches the function."""

import functools
import socket
import typing
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NewType, ParamSpec, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from travellers import Blank, Customer, Order, Point, Stranger, Tree, named
from workhorse.core.document import NO_KWARGS, decode, encode
from workhorse.core.schema import Schema, Unfit, decode_any, encode_unknown
from workhorse.errors import DeclarationError

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


def binding(a: int, b: str = "b", /, c: int = 0, *, d: int, e: str = "e") -> None: ...
def gathering(first: int, *rest: int, named: str = "", **more: float) -> None: ...
def keyed(x: int, /, **more: int) -> None: ...
def nothing() -> None: ...
def untyped(a, b=1): ...  # type: ignore[no-untyped-def]
def mixed(plain: int, anything: Any, when: datetime | None = None) -> None: ...
def self_named(self: int, p0: int = 1, args: int = 2) -> None: ...


@pytest.mark.parametrize(
    ("fn", "args", "kwargs"),
    [
        (binding, (1,), {"d": 4}),
        (binding, (1, "x"), {"c": 3, "d": 4}),
        (binding, (1, "x", 2), {"e": "y", "d": 4}),
        (gathering, (1,), {}),
        (gathering, (1, 2, 3), {"named": "x", "y": 1.5, "first_": 2.0}),
        (gathering, (), {"first": 1, "z": 0.5}),
        (keyed, (1,), {"x": 2}),
        (nothing, (), {}),
        (untyped, ((1, 2),), {"b": {3}}),
        (mixed, (1,), {"anything": (2,), "when": datetime(2024, 1, 1, tzinfo=PARIS)}),
        (mixed, (1, Decimal("1.10")), {}),
        (self_named, (1,), {"args": 5}),
        (self_named, (), {"self": 1, "p0": 3}),
    ],
)
def test_arguments_bind_as_python_binds_them(fn: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    assert travelled(schema(fn), *args, **kwargs) == (list(args), kwargs)
    document = decode(encode(*encode_unknown(args, kwargs), tagged=True))
    assert schema(fn).decode(document.args, document.kwargs, True) == (list(args), kwargs)


MISBOUND: list[tuple[Any, bytes, bytes, str]] = [
    (binding, b"[]", b'{"d":1}', "expected a value for 'a', got none"),
    (binding, b"[1]", b"{}", "expected a value for 'd', got none"),
    (binding, b'[1,"x",2,3]', b'{"d":1}', "expected at most 3 positional arguments, got 4"),
    (binding, b"[1]", b'{"d":1,"b":"x"}', "got 'b'"),
    (binding, b'[1,"x",2]', b'{"d":1,"c":3}', "expected 'c' once, got it by position and by name"),
    (binding, b"[1]", b'{"d":1,"f":2}', "expected the arguments 'c', 'd', 'e', got 'f'"),
    (binding, b'["1"]', b'{"d":1}', "a: expected `int`, got `str`"),
    (binding, b"[1]", b'{"d":null}', "d: expected `int`, got `null`"),
    (gathering, b"[1,2,null]", b"{}", r"rest\[1\]: expected `int`"),
    (gathering, b"[1]", b'{"y":"z"}', "y: expected `float`"),
    (gathering, b"[]", b"{}", "'first'"),
    (keyed, b"[]", b'{"x":1}', "'x'"),
    (nothing, b"[1]", b"{}", "expected at most 0 positional"),
    (nothing, b"[]", b'{"a":1}', "expected no named arguments, got 'a'"),
    (untyped, b"[]", b"{}", "'a'"),
    (binding, b"{}", b"{}", "arguments: expected `array`"),
    (binding, b"[1]", b"[]", "arguments: expected `object`"),
    (binding, b"[1", b"{}", "arguments: "),
]


@pytest.mark.parametrize(("fn", "args", "kwargs", "reason"), MISBOUND)
def test_what_does_not_bind_is_refused_on_arrival(fn: Any, args: bytes, kwargs: bytes, reason: str) -> None:
    with pytest.raises(Unfit, match=reason):
        schema(fn).decode(raw(args), raw(kwargs), False)


def test_what_does_not_bind_is_refused_when_it_is_sent() -> None:
    for args, kwargs, reason in [
        ((), {}, "expected a value for 'a', 'd', got none"),
        ((1, "b", 2, 3), {"d": 1}, "at most 3"),
        ((1,), {"d": 1, "nope": 2}, "got 'nope'"),
        ((1, "b", 2), {"c": 1, "d": 2}, "expected 'c' once"),
    ]:
        with pytest.raises(Unfit, match=reason):
            schema(binding).encode(args, kwargs)


def test_the_context_is_not_the_callers() -> None:
    def task(ctx: Stranger, path: str) -> None: ...

    assert travelled(schema(task, skip=1), "a.png") == (["a.png"], {})
    assert [each.name for each in schema(task, skip=1).parameters] == ["path"]


def test_an_unknown_duplicate_in_our_own_envelope_does_not_hurt() -> None:
    assert schema(self_named).decode(raw(b"[1]"), raw(b'{"p0":1,"p0":2}'), False) == ([1], {"p0": 2})


def test_a_renamed_class_is_found_by_its_annotation() -> None:
    sent = b'[{"$old.module.Order":{"order_id":7,"placed_at":null}}]'
    document = decode(encode(sent, b"{}", tagged=True))
    with pytest.raises(
        Unfit, match="orderId"
    ):  # msgspec's JSON name, where the tag is unknown and the body is another's
        of(Order).decode(document.args, document.kwargs, True)
    sent = b'[{"$old.module.Point":{"x":7}}]'
    assert of(Point).decode(raw(sent), NO_KWARGS, True) == ([Point(7)], {})


def test_a_tagged_object_is_never_taken_for_an_empty_one() -> None:
    """Given a sender without annotations and a class whose fields all have defaults, when it arrives, then its fields are there."""

    def sender(points): ...  # type: ignore[no-untyped-def]

    of(Point).prepare()
    args, kwargs = schema(sender).encode(([Point(5)],), {})
    assert of(list[Point]).decode(raw(args), raw(kwargs), False) == ([[Point(5)]], {})
    args, kwargs = schema(sender).encode((Point(5),), {})
    assert of(Point).decode(raw(args), raw(kwargs), False) == ([Point(5)], {})


def test_a_plain_mapping_with_a_dollar_stays_what_it_is() -> None:
    assert travelled(of(dict[str, list[int]]), {"$set": [1]}) == ([{"$set": [1]}], {})
    assert travelled(of(dict[str, datetime]), {"$x": datetime(2024, 1, 1, tzinfo=PARIS)})[0][0].keys() == {"$x"}


def test_another_services_json_is_read_by_the_annotation() -> None:
    def task(customer: Customer, order: Order, when: datetime, id: UUID) -> None: ...

    text = b'[{"Name":"ada"},{"orderId":3},"2024-01-01T00:00:00Z","00000000-0000-0000-0000-000000000003"]'
    (customer, order, when, id), _ = schema(task).decode(raw(text), NO_KWARGS, False)
    assert (customer.name, order, when, id) == ("ada", Order(3), datetime(2024, 1, 1, tzinfo=UTC), UUID(int=3))


def test_objects_without_equality_travel_by_their_fields() -> None:
    ((again,), _) = travelled(of(Blank), Blank(4))
    assert (type(again), again.x) == (Blank, 4)


UNCARRIABLE: list[Any] = [
    Callable[[int], int],
    socket.socket,
    Stranger,
    list[Stranger],
    Stranger | None,
    dict[str, Stranger],
    type[int],
    Iterator[int],
    complex,
    typing.Self,
    Exception,
    msgspec.Raw,
    range,
    typing.IO[str],
    "Nowhere",
    "list[Nowhere]",
]


@pytest.mark.parametrize("hint", UNCARRIABLE, ids=str)
def test_types_that_cannot_travel_are_refused_when_declared(hint: Any) -> None:
    with pytest.raises(DeclarationError, match=r"^task shop\.task: parameter 'value': "):
        of(hint).prepare()

    def task() -> None: ...

    task.__annotations__["return"] = hint
    with pytest.raises(DeclarationError, match=r"^task shop\.task: result: "):
        schema(task).prepare()


def test_a_parameter_specification_takes_anything() -> None:
    def task(*args: P.args, **kwargs: P.kwargs) -> typing.NoReturn: ...

    assert travelled(schema(task), (1,), x={2}) == ([(1,)], {"x": {2}})


class Caller:
    def __call__(self, when: "datetime") -> "UUID": ...  # type: ignore[empty-body]


def test_partials_and_callable_objects_have_signatures_too() -> None:
    moment = datetime(2024, 1, 1)
    assert travelled(schema(Caller()), moment) == ([moment], {})
    assert travelled(schema(functools.partial(binding, 1, "b")), 3, d=4) == ([3], {"d": 4})


def test_nothing_is_resolved_before_it_is_needed() -> None:
    def task(value: "Later") -> None: ...  # type: ignore[name-defined]  # noqa: F821

    its = schema(task)
    with pytest.raises(DeclarationError, match="'Later'"):
        its.prepare()
    task.__globals__["Later"] = int
    try:
        assert travelled(its, 5) == ([5], {})
    finally:
        del task.__globals__["Later"]


def test_a_result_of_another_type_travels_all_the_same() -> None:
    its = of(str)
    assert its.encode_result("x") == b'{"value":"x"}'
    assert its.encode_result(Decimal("1.10")) == b'{"tagged":{"$decimal":"1.10"}}'
    assert its.decode_result(its.encode_result(Decimal("1.10"))) == Decimal("1.10")
    noon = datetime(2024, 7, 1, 12, tzinfo=PARIS)
    assert decode_any(of(datetime).encode_result(noon)).tzinfo is PARIS
    assert decode_any(b'{"value":"x"}') == "x"
    assert decode_any(b'{"tagged":{"$tuple":[1]}}') == (1,)


def test_a_result_is_found_among_other_facts() -> None:
    assert of(int).decode_result(b'{"started":12.5,"value":3}') == 3


@pytest.mark.parametrize("value", [Stranger(), float("nan"), lambda: 1, "\ud800"], ids=named)
def test_a_result_that_cannot_travel_says_why(value: Any) -> None:
    for hint in (Any, str):
        with pytest.raises(Unfit, match=r"^result: "):
            of(hint).encode_result(value)


@pytest.mark.parametrize("data", [b"", b"[]", b'{"value":"x"}', b'{"value"', b"[" * 9_999])
def test_bytes_that_are_no_such_result_are_refused(data: bytes) -> None:
    with pytest.raises(Unfit, match="result"):
        of(int).decode_result(data)


def test_depth_is_refused_wherever_it_comes() -> None:
    tree = Tree()
    for _ in range(5_000):
        tree = Tree([tree])
    with pytest.raises(Unfit, match="nested"):
        of(Tree).encode((tree,), {})
    deep = b"[" + b'{"children":[' * 5_000 + b"]}" * 5_000 + b"]"
    with pytest.raises(Unfit, match="nested"):
        of(Tree).decode(raw(deep), NO_KWARGS, False)


@settings(max_examples=300, deadline=None)
@given(st.binary(), st.binary(), st.booleans())
def test_any_bytes_are_arguments_or_unfit(args: bytes, kwargs: bytes, tagged: bool) -> None:
    for fn in (binding, gathering, mixed):
        try:
            schema(fn).decode(raw(args), raw(kwargs), tagged)
        except Unfit:
            pass


plain = st.tuples(st.integers(), st.text(), st.floats(allow_nan=False, allow_infinity=False), st.datetimes())


@settings(max_examples=200, deadline=None)
@given(plain, st.integers(min_value=0, max_value=4))
def test_any_plain_arguments_arrive(values: tuple[int, str, float, datetime], split: int) -> None:
    def task(a: int, b: str, c: float, d: datetime) -> None: ...

    named = dict(zip("abcd"[split:], values[split:], strict=True))
    assert travelled(schema(task), *values[:split], **named) == (list(values[:split]), named)
