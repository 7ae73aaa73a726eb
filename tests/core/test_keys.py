"""The text of a key: the same for the same arguments however they are passed, another for others, and never too long."""

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from workhorse.core.keys import LONGEST, unknown_text
from workhorse.core.schema import Schema, Unfit

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


def send(to: str, subject: str = "hello", *, copies: int = 1) -> None: ...


def loose(first: Any, *rest: float, **more: int) -> None: ...


def text(fn: Callable[..., Any], names: tuple[str, ...] | None, *args: Any, **kwargs: Any) -> str:
    return Schema(fn, "task").key(names)(args, kwargs)


def test_a_key_is_the_same_by_position_by_name_and_by_default() -> None:
    alike = [
        text(send, None, "ada"),
        text(send, None, to="ada"),
        text(send, None, "ada", "hello"),
        text(send, None, copies=1, subject="hello", to="ada"),
    ]
    assert set(alike) == {'"ada","hello",1'}


def test_a_key_of_some_parameters_ignores_the_others() -> None:
    assert text(send, ("to",), "ada", "hello") == text(send, ("to",), "ada", subject="bye", copies=3) == '"ada"'
    assert text(send, (), "ada") == ""


def test_the_order_of_the_names_is_the_order_of_the_key() -> None:
    assert text(send, ("copies", "to"), "ada") == '1,"ada"'


def test_what_is_left_over_is_part_of_a_key_of_all() -> None:
    assert (
        text(loose, None, 1, 2, 3.0, b=1, a=2) == text(loose, None, 1, 2.0, 3, a=2, b=1) == '1,[2.0,3.0],{"a":2,"b":1}'
    )
    assert text(loose, None, first=1) == "1,[],{}"


def test_sets_and_mappings_have_one_form_whatever_their_order() -> None:
    def of(tags: set[str], by: dict[str, int], any: Any) -> None: ...

    first = text(of, None, {"a", "b", "c"}, {"x": 1, "y": 2}, {"p": {"u", "v", "w"}, "q": 1})
    again = text(of, None, {"c", "b", "a"}, {"y": 2, "x": 1}, {"q": 1, "p": {"w", "v", "u"}})
    assert first == again


def test_a_key_is_the_same_in_every_process() -> None:
    code = (
        "from typing import Any\nfrom workhorse.core.schema import Schema\n"
        "def of(tags: set[str], any: Any) -> None: ...\n"
        "words = {chr(n) * 3 for n in range(97, 120)}\nprint(Schema(of, 't').key(None)((words, {'k': words}), {}))"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(said) == 1


def test_equal_values_of_an_annotation_are_one_key_and_unlike_ones_are_not() -> None:
    def of(share: float, of: int | str, when: datetime, sum: Decimal) -> None: ...

    assert text(of, None, 1, 1, MOMENT, Decimal(2)) == text(of, None, 1.0, 1, MOMENT, Decimal(2))
    assert text(of, ("of",), 1, 1, MOMENT, 1) != text(of, ("of",), 1, "1", MOMENT, 1)


def test_a_default_that_is_no_value_of_its_annotation_is_a_key_all_the_same() -> None:
    def of(a: int = None, b: str = object(), c: Any = (1, 2)) -> None: ...  # type: ignore[assignment]  # noqa: RUF013

    assert text(of, None) == 'null,default,{"$tuple":[1,2]}'


def test_a_long_key_is_a_digest_that_no_short_one_can_be() -> None:
    long = text(send, ("to",), "a" * (LONGEST + 1))
    assert len(long) == 65
    assert long.startswith("#")
    assert long != text(send, ("to",), "a" * (LONGEST + 2))
    assert text(send, ("to",), long) == f'"{long}"'


@given(some.tuples(some.text(), some.text()), some.tuples(some.text(), some.text()))
def test_other_texts_are_other_keys(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert (KEY(one, {}) == KEY(other, {})) == (one == other)
    assert len(KEY(one, {})) <= LONGEST
    assert KEY(one, {}).encode().count(b"\0") == 0


KEY = Schema(send, "task").key(("to", "subject"))


@given(
    some.recursive(
        some.none() | some.booleans() | some.integers() | some.text(),
        lambda each: some.lists(each) | some.dictionaries(some.text(), each),
    )
)
def test_any_value_has_a_key(value: Any) -> None:
    key = ANYTHING((value,), {})
    assert key == ANYTHING((value,), {})
    assert len(key) <= LONGEST
    assert not any(ord(character) < 32 for character in key)


ANYTHING = Schema(loose, "task").key(("first",))


def test_a_task_of_another_service_has_keys_of_what_is_passed_by_name() -> None:
    assert unknown_text((), {"to": "ada", "n": 1}, ("to",)) == '"ada"'
    assert unknown_text((1,), {"b": 2, "a": 3}, None) == unknown_text((1,), {"a": 3, "b": 2}, None) == '1,"a":3,"b":2'
    with pytest.raises(Unfit, match="expected 'to' by name"):
        unknown_text(("ada",), {}, ("to",))
