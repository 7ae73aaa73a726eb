"""Log lines: one a record, whatever stands in it; fields are kept, secrets are not."""

import io
import json
import logging
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from workhorse.observe.logging import JsonFormatter, TextFormatter, configure
from workhorse.observe.plain import json_line, plain

HOSTILE = "a\nb\r\x1b[31mc\x00\u2028\u202e\x7f\x9b"


def record(message: str, *args: object, **extra: object) -> logging.LogRecord:
    made = logging.LogRecord("workhorse", logging.WARNING, "file.py", 1, message, args, None)
    vars(made).update(extra)
    return made


def as_json(made: logging.LogRecord) -> dict[str, Any]:
    line = JsonFormatter().format(made)
    assert line.isprintable()
    found: dict[str, Any] = json.loads(line)
    return found


def test_a_text_line_is_one_line_and_steers_no_terminal() -> None:
    line = TextFormatter().format(record("%s is dead", HOSTILE, job=HOSTILE))
    assert line.isprintable()
    assert r"a\nb\r\x1b[31mc\x00\u2028\u202e\x7f\x9b is dead" in line


def test_a_json_line_says_the_same_and_gives_the_text_back_whole() -> None:
    assert as_json(record("%s", HOSTILE))["message"] == HOSTILE


def test_fields_are_kept_in_both_forms() -> None:
    made = record("done", job="j1", attempt=2)
    assert TextFormatter().format(made).endswith("WARNING workhorse: done  job=j1 attempt=2")
    told = as_json(made)
    assert (told["job"], told["attempt"], told["level"], told["logger"]) == ("j1", 2, "warning", "workhorse")


def test_a_field_does_not_hide_what_a_line_always_says() -> None:
    told = as_json(record("done", level="mine", time=1))
    assert (told["level"], told["level_"], told["time_"]) == ("warning", "mine", 1)


@pytest.mark.parametrize("form", [TextFormatter(), JsonFormatter()])
def test_secrets_are_hidden_by_the_name_of_their_field_and_in_urls(form: logging.Formatter) -> None:
    made = record(
        "lost postgresql://ada:hunter2@db/jobs?api_token=hunter2&x=1",
        password="hunter2",
        headers={"Authorization": "hunter2", "team": "shop"},
        url="redis://:hunter2@cache",
    )
    line = form.format(made)
    assert "hunter2" not in line
    assert "postgresql://ada:***@db/jobs?api_token=***&x=1" in line
    assert "shop" in line


def test_an_exception_stays_on_the_line() -> None:
    try:
        raise ValueError("two\nlines")
    except ValueError:
        made = record("failed")
        made.exc_info = sys.exc_info()
    assert "ValueError: two\\nlines" in TextFormatter().format(made)
    assert as_json(made)["traceback"].endswith("ValueError: two\nlines")


def test_a_call_whose_arguments_do_not_fit_is_shown() -> None:
    assert "%d jobs" in TextFormatter().format(record("%d jobs", "no number"))


def test_values_that_json_does_not_know_are_told_as_text() -> None:
    class Strange:
        def __str__(self) -> str:
            raise RuntimeError

    told = as_json(record("x", nan=float("nan"), strange=Strange(), some={1: {2}}, surrogate="\ud800"))
    assert (told["nan"], told["strange"], told["some"]) == ("nan", "<its text raised RuntimeError>", {"1": [2]})
    assert told["surrogate"] == "\ud800"


def test_a_value_that_holds_itself_has_an_end() -> None:
    endless: list[Any] = []
    endless.append(endless)
    assert json_line(endless).startswith("[[[")


def test_text_that_harms_nobody_stays_as_it_is() -> None:
    assert plain("Grüße, 世界 🙂") == "Grüße, 世界 🙂"
    assert plain("a\tb\n", lines=True) == "a\tb\n"


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    logger = logging.getLogger()
    handlers, level = logger.handlers[:], logger.level
    yield logger
    logger.handlers[:] = handlers
    logger.setLevel(level)


def test_configuring_twice_writes_each_line_once(root: logging.Logger) -> None:
    first, second = io.StringIO(), io.StringIO()
    configure("info", "text", first)
    configure("warning", "json", second)
    logging.getLogger("workhorse.test").info("no")
    logging.getLogger("workhorse.test").warning("yes")
    assert first.getvalue() == ""
    assert [json.loads(line)["message"] for line in second.getvalue().splitlines()] == ["yes"]
