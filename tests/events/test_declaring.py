"""What describes events: every kind of class, patterns, conventions; what fits, and what is refused both ways."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NotRequired, TypedDict
from uuid import UUID

import attrs
import marshmallow
import msgspec
import pydantic
import pytest

from workhorse import Router, Workhorse
from workhorse.core.codec import Unfit
from workhorse.core.events.described import Described, described
from workhorse.errors import DeclarationError

TYPE = "application/vnd.shop.order-placed"


class AsStruct(msgspec.Struct):
    order_id: int
    total: Decimal
    note: str = ""


@dataclass
class AsDataclass:
    order_id: int
    total: Decimal
    note: str = ""


@attrs.define
class AsAttrs:
    order_id: int
    total: Decimal
    note: str = ""


class AsModel(pydantic.BaseModel):
    order_id: int
    total: Decimal
    note: str = ""


class AsTypedDict(TypedDict):
    order_id: int
    total: Decimal
    note: NotRequired[str]


class AsSchema(marshmallow.Schema):
    order_id = marshmallow.fields.Integer(required=True, strict=True)
    total = marshmallow.fields.Decimal(required=True, as_string=True)
    note = marshmallow.fields.String()
    shown = marshmallow.fields.String(dump_only=True)


KINDS = [AsStruct, AsDataclass, AsAttrs, AsModel, AsTypedDict, AsSchema]
EVERY = pytest.mark.parametrize("cls", KINDS, ids=lambda cls: cls.__name__)


def of(cls: Any, strict: bool = False) -> Described:
    it = described(TYPE, cls, strict)
    it.prepare()
    return it


def fields(event: Any) -> tuple[int, Decimal]:
    return (event["order_id"], event["total"]) if isinstance(event, dict) else (event.order_id, event.total)


@EVERY
def test_a_mapping_of_fields_travels_as_a_json_object_and_comes_back_as_it_is_described(cls: Any) -> None:
    text = of(cls).encode({"order_id": 1, "total": Decimal("9.90")})
    assert msgspec.json.decode(text)["total"] == "9.90"
    event = of(cls).decode(text)
    assert fields(event) == (1, Decimal("9.90"))
    assert isinstance(event, dict if cls in (AsTypedDict, AsSchema) else cls)


@EVERY
@pytest.mark.parametrize(
    ("content", "field"),
    [
        ({"order_id": 1}, "total"),
        ({"order_id": "one", "total": "1"}, "order_id"),
        ({"order_id": None, "total": "1"}, "order_id"),
    ],
    ids=["missing", "of another type", "null"],
)
def test_what_does_not_fit_is_refused_both_ways_and_the_field_is_named(
    cls: Any, content: dict[str, Any], field: str
) -> None:
    with pytest.raises(Unfit, match=field):
        of(cls).encode(content)
    with pytest.raises(Unfit, match=field):
        of(cls).decode(msgspec.json.encode(content))


@EVERY
def test_unknown_fields_are_dropped_both_ways(cls: Any) -> None:
    content = {"order_id": 1, "total": "1", "colour": "red"}
    assert "colour" not in msgspec.json.decode(of(cls).encode(content))
    event = of(cls).decode(msgspec.json.encode(content))
    assert not hasattr(event, "colour")
    assert "colour" not in (event if isinstance(event, dict) else {})


@EVERY
def test_unknown_fields_are_refused_both_ways_where_it_is_strict(cls: Any) -> None:
    content = {"order_id": 1, "total": "1", "colour": "red"}
    with pytest.raises(Unfit, match="colour"):
        of(cls, strict=True).encode(content)
    with pytest.raises(Unfit, match="colour"):
        of(cls, strict=True).decode(msgspec.json.encode(content))
    del content["colour"]
    assert fields(of(cls, strict=True).decode(of(cls, strict=True).encode(content))) == (1, Decimal(1))


class Line(msgspec.Struct):
    item: str


class Basket(msgspec.Struct, rename="camel"):
    order_lines: list[Line]
    gift: Line | None = None
    by_name: dict[str, Line] = {}


@pytest.mark.parametrize(
    ("content", "where"),
    [
        ({"orderLines": [{"item": "a", "x": 1}]}, "orderLines.0.x"),
        ({"orderLines": [], "gift": {"item": "a", "x": 1}}, "gift.x"),
        ({"orderLines": [], "byName": {"a": {"item": "a", "x": 1}}}, "byName.a.x"),
    ],
    ids=["in a list", "in a union", "in a mapping"],
)
def test_strict_looks_into_fields_too(content: dict[str, Any], where: str) -> None:
    with pytest.raises(Unfit, match=where):
        of(Basket, strict=True).decode(msgspec.json.encode(content))
    assert of(Basket).decode(msgspec.json.encode(content))


def test_a_field_that_only_goes_out_is_no_reason_to_refuse_it_on_its_way_in() -> None:
    text = of(AsSchema, strict=True).encode({"order_id": 1, "total": "1", "shown": "one"})
    assert msgspec.json.decode(text)["shown"] == "one"
    assert "shown" not in of(AsSchema, strict=True).decode(text)

    class Computed(pydantic.BaseModel):
        order_id: int

        @pydantic.computed_field  # type: ignore[prop-decorator]
        @property
        def shown(self) -> str:
            return str(self.order_id)

    assert of(Computed, strict=True).decode(b'{"order_id":1,"shown":"1"}').shown == "1"


def test_values_of_every_type_come_back_whole() -> None:
    class Rich(msgspec.Struct):
        id: UUID
        at: datetime
        tags: set[str] = set()

    event = Rich(UUID(int=7), datetime(2030, 1, 1, tzinfo=UTC), {"a"})
    assert of(Rich).decode(of(Rich).encode(event)) == event
    assert of(Rich).encode({"id": str(UUID(int=7)), "at": event.at, "tags": ["a"]}) == of(Rich).encode(event)


def test_a_class_with_an_open_field_travels_as_its_fields_without_its_name() -> None:
    @dataclass
    class Open:
        name: str
        extra: Any = field(default=None)

    text = of(Open).encode(Open("a", {"total": Decimal("1.10")}))
    assert msgspec.json.decode(text) == {"name": "a", "extra": {"total": {"$decimal": "1.10"}}}
    assert of(Open).decode(text) == Open("a", {"total": Decimal("1.10")})


@pytest.mark.parametrize("cls", [int, "text", dict, object()], ids=["int", "text", "dict", "object"])
def test_what_describes_no_fields_is_refused(cls: Any) -> None:
    with pytest.raises(DeclarationError, match="expected a struct"):
        Workhorse("memory://").event(TYPE)(cls)


@pytest.mark.parametrize("name", ["", "a b", "a.*b", "*a", "x" * 201], ids=["empty", "space", "half", "front", "long"])
def test_what_is_no_media_type_is_refused(name: str) -> None:
    with pytest.raises(DeclarationError):
        Workhorse("memory://").event(name)


def test_the_same_class_again_is_fine_and_another_one_is_not() -> None:
    app = Workhorse("memory://")
    app.event(TYPE)(AsStruct)
    app.event(TYPE)(AsStruct)
    with pytest.raises(DeclarationError, match=r"two classes describe .*AsStruct.*AsModel"):
        app.event(TYPE)(AsModel)


def test_the_events_of_a_router_are_the_apps_declared_before_or_after() -> None:
    app, outer, inner = Workhorse("memory://"), Router(), Router()
    inner.event(TYPE)(AsStruct)
    outer.include(inner)
    app.include(outer)
    inner.event("application/vnd.shop.late")(AsModel)
    assert [it.cls for it in app.catalog] == [AsStruct, AsModel]
    other = Router()
    other.event(TYPE)(AsModel)
    with pytest.raises(DeclarationError, match="two classes"):
        app.include(other)


def test_a_pattern_means_one_part_and_an_exact_type_goes_first() -> None:
    app = Workhorse("memory://")
    app.event("application/vnd.shop.*")(AsStruct)
    app.event(TYPE)(AsModel)
    assert app.catalog.needed("application/vnd.shop.other").cls is AsStruct
    assert app.catalog.needed(TYPE).cls is AsModel
    assert app.catalog.find("application/vnd.shop.other.more") is None
    assert app.catalog.find("application/vnd.shop") is None


@pytest.mark.parametrize(
    ("media_type", "fits", "wrong"),
    [
        ("application/vnd.x.pubsub._.created.foo", {"uri": "/1"}, {"id": "1"}),
        ("application/vnd.x.pubsub.updated.foo.bar", {"uri": "/1"}, {}),
        ("application/vnd.x.pubsub._.changed.foo", {"uri": "/1", "field_name": "a", "new_value": [1]}, {"field_name": "a"}),
        ("application/vnd.x.pubsub._.deleted.foo", {"id": "1"}, {"uri": "/1"}),
    ],
    ids=["created", "updated", "changed", "deleted"],
)  # fmt: skip
def test_what_became_of_a_resource_needs_no_declaration(
    media_type: str, fits: dict[str, Any], wrong: dict[str, Any]
) -> None:
    its = Workhorse("memory://").catalog.needed(media_type)
    assert its.decode(its.encode(fits)) == fits
    with pytest.raises(Unfit):
        its.encode(wrong)


def test_a_declared_type_beats_the_convention() -> None:
    app = Workhorse("memory://")
    app.event("application/vnd.shop.created.*")(AsStruct)
    assert app.catalog.needed("application/vnd.shop.created.order").cls is AsStruct


def test_a_misspelt_media_type_is_an_error_that_names_the_nearest() -> None:
    app = Workhorse("memory://")
    app.event(TYPE)(AsStruct)
    with pytest.raises(DeclarationError, match=f"did you mean '{TYPE}'"):
        app.catalog.needed("application/vnd.shop.order-place")


async def test_an_event_that_cannot_travel_is_an_error_when_the_app_opens() -> None:
    class Odd(msgspec.Struct):
        what: "Nowhere"  # type: ignore[name-defined]  # noqa: F821

    app = Workhorse("memory://")
    app.event(TYPE)(Odd)
    with pytest.raises(DeclarationError, match=f"event {TYPE}.*Nowhere"):
        async with app:
            pass
