"""Limits and unique keys as values: what they take, what they refuse, and the lane they become."""

from datetime import timedelta
from typing import Any

import pytest

from workhorse import Limit, Unique
from workhorse.core.limit import fields, numbers_of
from workhorse.engine import Unique as Held
from workhorse.errors import DeclarationError


@pytest.mark.parametrize(
    ("rate", "every"), [("100/min", 0.6), ("1/s", 1.0), ("4/h", 900.0), ("2/day", 43_200.0), ("1000000/s", 0.000_001)]
)
def test_a_rate_is_a_space_between_two_jobs(rate: str, every: float) -> None:
    assert numbers_of(Limit(rate=rate), False) == (None, False, every)


RATES = [
    "ten/minute", "100", "100/m", "100/minute", "0/s", "-1/s", "1.5/s", "/s", " 1/s", "1/s\n", "1/ s", "1000001/s", "٣/s",
    "9999999999/day", "", 100,
]  # fmt: skip


@pytest.mark.parametrize("rate", RATES)
def test_a_rate_that_is_none_is_refused_when_it_is_said(rate: Any) -> None:
    with pytest.raises(DeclarationError, match="Limit: rate: expected a number in a time, as '100/min'"):
        Limit(rate=rate)


@pytest.mark.parametrize("concurrency", [0, -1, True, 1.5, "5", 10**12])
def test_a_concurrency_that_is_none_is_refused(concurrency: Any) -> None:
    with pytest.raises(DeclarationError, match="Limit: concurrency: expected a whole number from 1"):
        Limit(concurrency=concurrency)


def test_a_limit_of_nothing_is_refused() -> None:
    with pytest.raises(DeclarationError, match="expected a concurrency or a rate, got neither"):
        Limit(key="{to}")


@pytest.mark.parametrize(("template", "names"), [("{to}", ("to",)), ("{a}-{b}", ("a", "b")), ("x{{}}{to}", ("to",))])
def test_a_key_is_parameters_in_braces(template: str, names: tuple[str, ...]) -> None:
    assert fields(template, "key") == names
    assert Limit(rate="1/s", key=template).names == names


TEMPLATES = [
    "to", "", "{}", "{0}", "{to.name}", "{to[0]}", "{to!r}", "{to:>9}", "{to", "to}", "{a b}", "{to}{}", "{{to}}", 3, None,
    "{to.__class__.__init__.__globals__}",
]  # fmt: skip


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_key_that_is_more_or_less_than_names_is_refused(template: Any) -> None:
    with pytest.raises(DeclarationError, match=r"expected parameters' names in braces, as '\{account\}'"):
        fields(template, "key")


def test_an_order_is_a_lane_of_one() -> None:
    assert numbers_of(None, True) == (1, True, 0)
    assert numbers_of(Limit(rate="1/s"), True) == (1, True, 1)
    assert numbers_of(Limit(concurrency=5), False) == (5, False, 0)


def test_a_unique_is_what_the_engine_is_told() -> None:
    assert Unique().held("k") == Held("k", "settled", None, "keep")
    assert Unique(while_="queued", within=timedelta(minutes=1)).held("k") == Held("k", "claimed", 60.0, "keep")
    assert Unique(while_="finished", on_conflict="replace").held("k") == Held("k", "kept", None, "replace")
    assert Unique(on_conflict="raise").held("k").conflict == "keep"


BAD: list[dict[str, Any]] = [
    {"by": "to"}, {"by": (1,)}, {"by": 3}, {"by": {"to"}}, {"within": 0}, {"within": -1}, {"within": "1h"}, {"within": True},
    {"while_": "waiting"}, {"while_": None}, {"on_conflict": "ignore"}, {"on_conflict": True},
]  # fmt: skip


@pytest.mark.parametrize("given", BAD, ids=str)
def test_a_unique_that_cannot_work_is_refused_when_it_is_said(given: dict[str, Any]) -> None:
    with pytest.raises(DeclarationError, match=rf"Unique: {next(iter(given))}: expected"):
        Unique(**given)


def test_a_name_where_names_are_expected_is_refused_with_the_fix() -> None:
    with pytest.raises(DeclarationError, match=r"write by=\('to',\)"):
        Unique(by="to")  # type: ignore[arg-type]
