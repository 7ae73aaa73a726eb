"""Names of media types by convention, and which topic each goes to."""

from typing import Any

import pytest

from workhorse.core.events.topics import Topics
from workhorse.errors import DeclarationError
from workhorse.events import media_type

ORDER = "application/vnd.shop.order-placed"
CREATED = "application/vnd.x.pubsub._.created.foo_bar.this_that"


class FooBar:
    pass


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("FooBar.ThisThat", {"change": "created"}, "application/vnd.workhorse.pubsub._.created.foo_bar.this_that"),
        (FooBar, {"change": "deleted", "organization": "acme"}, "application/vnd.acme.pubsub._.deleted.foo_bar"),
        ("HTTPRoute2Go", {"change": "changed", "public": True}, "application/vnd.workhorse.pubsub.changed.http_route2_go"),
        ("order", {}, "application/vnd.workhorse.pubsub._.order"),
        ("order", {"change": "archived"}, "application/vnd.workhorse.pubsub._.archived.order"),
    ],
    ids=["dots", "class", "public", "no change", "a word of one's own"],
)  # fmt: skip
def test_a_media_type_by_convention(name: Any, given: dict[str, Any], expected: str) -> None:
    assert media_type(name, **given) == expected


def test_what_makes_no_name_is_refused() -> None:
    with pytest.raises(DeclarationError):
        media_type("foo bar")


def test_without_a_table_each_media_type_is_a_topic() -> None:
    topics = Topics(None, {})
    assert topics.of(ORDER) == ORDER
    assert topics.of_pattern("application/vnd.shop.*", [ORDER]) == ["application/vnd.shop.*"]


@pytest.mark.parametrize(
    "table",
    [
        {ORDER: "orders"},
        {"application/vnd.shop": {"order-placed": "orders"}},
        {"application/vnd": {"shop": {"order-placed": "orders"}}},
        {"application/vnd": {"shop.order-placed": "orders"}, "default": "rest"},
    ],
    ids=["flat", "one dot", "every dot", "dots below"],
)
def test_keys_nest_and_have_dots_at_every_depth(table: dict[str, Any]) -> None:
    assert Topics(table, {}).of(ORDER) == "orders"


@pytest.mark.parametrize(
    ("table", "topic"),
    [
        ({CREATED: "own", "created": {"foo_bar.this_that": "resource", "default": "kind"}, "default": "rest"}, "own"),
        ({"created": {"foo_bar.this_that": "resource", "default": "kind"}, "default": "rest"}, "resource"),
        ({"created": {"foo_bar": {"this_that": "resource"}}, "default": "rest"}, "resource"),
        ({"created": {"other": "resource", "default": "kind"}, "default": "rest"}, "kind"),
        ({"created": "kind", "default": "rest"}, "kind"),
        ({"deleted": "kind", "default": "rest"}, "rest"),
    ],
    ids=["own", "resource", "nested resource", "kind", "kind alone", "default"],
)
def test_the_nearest_of_the_table_counts(table: dict[str, Any], topic: str) -> None:
    assert Topics(table, {}).of(CREATED) == topic


def test_no_topic_is_an_error() -> None:
    with pytest.raises(DeclarationError, match=f"no topic for '{ORDER}'"):
        Topics({"other": "x"}, {}).of(ORDER)
    with pytest.raises(DeclarationError, match="no topic for"):
        Topics({"other": "x"}, {}).of_pattern("application/vnd.shop.*", [])


@pytest.mark.parametrize(
    "name",
    [
        "WORKHORSE_TOPICS__APPLICATION_VND__SHOP__ORDER_PLACED",
        "WORKHORSE_TOPICS__DEFAULT",
        f"WORKHORSE_TOPICS__{ORDER}",
    ],
    ids=["spelled as a variable", "default", "as it is"],
)
def test_the_environment_has_a_table_too(name: str) -> None:
    assert Topics(None, {name: "around", "WORKHORSE_URL": "x"}).of(ORDER) == "around"


def test_the_environment_beats_the_settings() -> None:
    around = {"WORKHORSE_TOPICS__CREATED__FOO_BAR__THIS_THAT": "around"}
    topics = Topics({"created": {"foo_bar.this_that": "said"}, "default": "rest"}, around)
    assert topics.of(CREATED) == "around"
    assert topics.of(ORDER) == "rest"


def test_a_pattern_looks_on_all_topics_where_what_it_means_may_come() -> None:
    topics = Topics({ORDER: "orders", "application/vnd.shop.mapped": "mapped", "a.b": "other", "default": "rest"}, {})
    found = topics.of_pattern("application/vnd.shop.*", [ORDER, "application/vnd.shop.declared"])
    assert found == ["orders", "rest", "mapped"]


@pytest.mark.parametrize(
    "table", [{"a": 5}, {"a": "b c"}, {5: "a"}, {"": "a"}], ids=["number", "space", "key", "empty"]
)
def test_what_is_no_topic_is_refused(table: dict[Any, Any]) -> None:
    with pytest.raises(DeclarationError):
        Topics(table, {})
