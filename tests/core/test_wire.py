"""Values as tagged JSON: what goes in comes out, of the same type; or it does not go in."""

import dataclasses
import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, Flag, IntEnum
from typing import Any, NamedTuple
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import attrs
import msgspec
import pydantic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workhorse import wire
from workhorse.errors import DeclarationError

PARIS = ZoneInfo("Europe/Paris")


@wire.register
class Colour(Enum):
    RED = "red"
    PAIR = (1, 2)


@wire.register
class Level(IntEnum):
    LOW = 1


@wire.register
class Rights(Flag):
    READ = 1
    WRITE = 2


@wire.register
@dataclasses.dataclass(frozen=True)
class Point:
    x: int
    tags: frozenset[str] = frozenset()
    norm: float = dataclasses.field(init=False, default=0.0)

    def __post_init__(self) -> None:
        object.__setattr__(self, "norm", float(self.x))


@wire.register(tag="order")
class Order(msgspec.Struct):
    id: int
    total: Decimal
    lines: list[Point] = []


@wire.register
class Customer(pydantic.BaseModel):
    name: str = pydantic.Field(alias="Name")
    born: date | None = None


@wire.register
@attrs.define
class Seat:
    _row: int


@wire.register
class Pair(NamedTuple):
    left: int
    right: str


@wire.register
class Account:
    def __init__(self, owner: str) -> None:
        self._owner = owner
        self.__secret = 1

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Account) and vars(other) == vars(self)


@wire.register
class Box(msgspec.Struct):
    item: Any


class Stranger:
    pass


scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=-(2**20_000), max_value=2**20_000)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.binary()
    | st.uuids()
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.dates()
    | st.times(timezones=st.none() | st.just(UTC) | st.just(PARIS))
    | st.timedeltas()
    | st.datetimes(timezones=st.none() | st.just(UTC) | st.timezones())
    | st.sampled_from([Colour.RED, Colour.PAIR, Level.LOW, Rights.READ | Rights.WRITE])
    | st.builds(Pair, st.integers(), st.text())
)
hashables = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3).map(tuple) | st.frozensets(inner, max_size=3)
)
names = st.text() | st.sampled_from(["$", "$$", "$set", "$tuple", "$order", "$$map", "$nobody"])
values = st.recursive(
    hashables,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(names, inner, max_size=3)
        | st.dictionaries(hashables, inner, max_size=3)
        | st.sets(hashables, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
    ),
    max_leaves=12,
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=3),
    max_leaves=12,
)


def same(left: Any, right: Any) -> bool:
    """Equal, and of the same types all the way down."""
    if type(left) is not type(right):
        return False
    if isinstance(left, list | tuple):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict):
        return len(left) == len(right) and all(
            same(one, two) and same(left[one], right[two]) for one, two in zip(left, right, strict=True)
        )
    if isinstance(left, datetime | time):
        return left.replace(tzinfo=None) == right.replace(tzinfo=None) and left.utcoffset() == right.utcoffset()
    return bool(left == right)


@settings(max_examples=400, deadline=None)
@given(values)
def test_what_goes_in_comes_out_with_the_same_types(value: Any) -> None:
    assert same(wire.loads(wire.dumps(value)), value)


@settings(max_examples=300, deadline=None)
@given(json_values)
def test_a_mapping_is_never_mistaken_for_a_tag(value: Any) -> None:
    assert same(wire.loads(wire.dumps(value)), value)


@settings(max_examples=500, deadline=None)
@given(st.binary() | json_values.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_give_a_value_or_a_value_error(text: bytes) -> None:
    try:
        value = wire.loads(text)
    except ValueError:
        return
    assert same(wire.loads(wire.dumps(value)), value)


@pytest.mark.parametrize(
    "value",
    [
        Point(3, frozenset("ab")),
        Order(1, Decimal("9.90"), [Point(1)]),
        Customer(Name="ada", born=date(1815, 12, 10)),
        Seat(7),
        Account("ada"),
        [Account("ada"), (Point(1),)],
    ],
    ids=["object of sets", "nested", "renamed", "private", "compared", "inside others"],
)
def test_registered_objects_come_back_as_they_were(value: Any) -> None:
    again = wire.loads(wire.dumps(value))
    assert again == value
    assert type(again) is type(value)


def test_a_zone_keeps_its_name_and_the_hour_that_comes_twice() -> None:
    for fold in (0, 1):
        moment = datetime(2024, 10, 27, 2, 30, fold=fold, tzinfo=PARIS)
        again = wire.loads(wire.dumps(moment))
        assert again.tzinfo is PARIS
        assert again.utcoffset() == moment.utcoffset()


def test_an_offset_stays_an_offset_and_naive_stays_naive() -> None:
    offset = timezone(timedelta(hours=5, minutes=45, seconds=1))
    assert wire.loads(wire.dumps(datetime(2024, 1, 1, tzinfo=offset))).utcoffset() == timedelta(seconds=20_701)
    assert wire.loads(wire.dumps(datetime(2024, 1, 1))).tzinfo is None


def test_a_decimal_keeps_its_scale() -> None:
    assert str(wire.loads(wire.dumps(Decimal("1.10")))) == "1.10"


def test_equal_sets_are_equal_bytes() -> None:
    assert wire.dumps({"b", "a", "c"}) == wire.dumps({"c", "b", "a"}) == b'{"$set":["a","b","c"]}'


def test_a_tag_that_nobody_registered_stays_a_mapping_and_goes_on_as_it_came() -> None:
    text = b'{"$elsewhere.Invoice":{"total":{"$decimal":"1.10"}}}'
    invoice = wire.loads(text)
    assert invoice == {"$elsewhere.Invoice": {"total": Decimal("1.10")}}
    assert wire.dumps(invoice) == text
    invoice["note"] = "mine now"
    assert wire.loads(wire.dumps(invoice)) == invoice


def test_a_mapping_of_the_users_own_is_escaped() -> None:
    assert wire.dumps({"$decimal": "1.10"}) == b'{"$$decimal":"1.10"}'
    assert wire.dumps({"$decimal": "1.10", "more": 1}) == b'{"$decimal":"1.10","more":1}'


@pytest.mark.parametrize("text", ['{"a":1,"a":2}', '[{"b":{"a":1,"a":1}}]', '{"a":1,"\\u0061":2}'])
def test_a_name_twice_is_refused_in_foreign_text(text: str) -> None:
    with pytest.raises(ValueError, match="expected each name once"):
        wire.loads(text)


def test_text_is_read_as_bytes_are() -> None:
    assert wire.loads('"é"') == wire.loads('"é"'.encode()) == "é"
    with pytest.raises(TypeError):
        wire.loads(5)  # type: ignore[arg-type]


def test_refusals_name_the_path() -> None:
    with pytest.raises(TypeError, match=r"^value\['a'\]\[1\]\.tags: .*test_wire\.Stranger.*workhorse\.wire\.register"):
        wire.dumps({"a": [1, Point(1, Stranger())]})  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"^value\[0\]\['x'\]: expected a finite number, got nan"):
        wire.dumps([{"x": float("nan")}])


def test_a_subclass_of_a_plain_type_is_not_passed_off_as_it() -> None:
    class Markup(str):
        __slots__ = ()

    for value in (Markup("x"), type("Id", (int,), {})(1), type("Bag", (dict,), {})()):
        with pytest.raises(TypeError, match="registered class"):
            wire.dumps([value])


def test_an_object_that_does_not_fit_its_fields_is_refused_on_arrival() -> None:
    for text in (b'{"$order":{"id":"x","total":"1"}}', b'{"$order":{}}', b'{"$order":[]}', b'{"$order":null}'):
        with pytest.raises(ValueError, match=r"\$order"):
            wire.loads(text)


def test_unknown_fields_are_dropped_and_missing_ones_take_their_defaults() -> None:
    assert wire.loads(b'{"$order":{"id":1,"total":"1.5","colour":"red"}}') == Order(1, Decimal("1.5"))


def test_attributes_from_the_wire_reach_no_setter_and_no_dunder() -> None:
    tag = f"{Account.__module__}.Account"
    with pytest.raises(ValueError, match="__class__"):
        wire.loads(json.dumps({f"${tag}": {"__class__": 1}}))
    assert vars(wire.loads(json.dumps({f"${tag}": {"_owner": "eve"}}))) == {"_owner": "eve"}


def test_two_classes_of_one_tag_are_refused() -> None:
    class Other:
        pass

    with pytest.raises(DeclarationError, match="'order' stands for"):
        wire.register(tag="order")(Other)
    with pytest.raises(DeclarationError, match="'set' stands for"):
        wire.register(tag="set")(Other)


def test_registering_again_changes_nothing() -> None:
    assert wire.register(Order) is Order
    assert wire.register(tag="order")(Order) is Order
    assert wire.loads(b'{"$order":{"id":1,"total":"1"}}') == Order(1, Decimal(1))


@pytest.mark.parametrize("tag", ["", "$x", "a\nb", 5])
def test_a_bad_tag_is_refused(tag: Any) -> None:
    with pytest.raises(DeclarationError, match="tag"):
        wire.register(tag=tag)(Stranger)


@pytest.mark.parametrize("cls", [int, dict, datetime, UUID, 5, "x", type("L", (list,), {}), ValueError])
def test_what_cannot_be_registered_says_so(cls: Any) -> None:
    with pytest.raises(DeclarationError):
        wire.register(cls)


def test_a_class_whose_arguments_are_forgotten_cannot_be_registered() -> None:
    @dataclasses.dataclass
    class Hashed:
        salt: dataclasses.InitVar[str]
        value: str = ""

    with pytest.raises(DeclarationError, match="salt"):
        wire.register(Hashed)


def test_a_model_that_would_lose_something_is_refused() -> None:
    @wire.register
    class Loose(pydantic.BaseModel):
        anything: Any = None
        hidden: int = pydantic.Field(0, exclude=True)

    assert wire.loads(wire.dumps(Loose(anything=[1]))) == Loose(anything=[1])
    for lossy in (Loose(anything=Decimal(1)), Loose(hidden=1)):
        with pytest.raises(TypeError, match="does not come back whole"):
            wire.dumps(lossy)


def test_wide_mappings_with_odd_keys_at_every_level_take_no_exponential_time() -> None:
    value: Any = 0
    for _ in range(60):
        value = {"a": value, 1: 0}
    assert wire.loads(wire.dumps(value)) == value


@pytest.mark.parametrize(
    "around",
    [
        lambda inner: [inner],
        lambda inner: (inner,),
        lambda inner: {"a": inner},
        lambda inner: {"$set": inner},
        lambda inner: {1: inner},
        lambda inner: frozenset({inner}),
        lambda inner: Box(inner),
    ],
    ids=["list", "tuple", "dict", "dict that looks like a tag", "pairs", "frozenset", "object"],
)
def test_a_hundred_levels_come_back_and_one_more_is_refused(around: Callable[[Any], Any]) -> None:
    value: Any = 1
    for _ in range(100):
        value = around(value)
    assert wire.loads(wire.dumps(value)) == value
    with pytest.raises(ValueError, match="nested more than 100 deep"):
        wire.dumps(around(value))


def test_reading_imports_nothing() -> None:
    program = (
        "import sys; from workhorse import wire; wire.loads('1'); known = set(sys.modules)\n"
        'for text in (\'{"$antigravity":{}}\', \'{"$this.s":1}\', \'{"$os.system":"x"}\'):\n'
        "    assert type(wire.loads(text)).__mro__[1] is dict\n"
        "assert set(sys.modules) == known, set(sys.modules) - known\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_pydantic_is_never_imported_by_us() -> None:
    program = (
        "import sys, uuid; from workhorse import wire; wire.dumps([uuid.uuid4()]); assert 'pydantic' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_a_uuid_has_one_form() -> None:
    value = uuid4()
    assert wire.dumps(value) == b'{"$uuid":"%b"}' % str(value).encode()
