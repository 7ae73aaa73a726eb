"""Text from outside, made harmless: no character of it moves a cursor, ends a line, or hides what follows."""

import json
import math
from collections.abc import Mapping
from typing import Any, Final, cast

DEEP: Final = 20
"""Levels of a value that are shown; what lies deeper is told as text."""


def plain(text: object, *, lines: bool = False) -> str:
    """The text with everything unprintable as an escape such as `\\x1b`; `lines` keeps line ends and tabs."""
    shown = str(text)
    if shown.isprintable():
        return shown
    kept = "\n\t" if lines else ""
    return "".join(char if char.isprintable() or char in kept else _escape(char) for char in shown)


def json_line(value: Any) -> str:
    """The value as JSON on one line, with everything unprintable escaped; what JSON cannot say is told as text."""
    text = json.dumps(fitting(value), ensure_ascii=False, separators=(", ", ": "), allow_nan=False)
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else json.dumps(char)[1:-1] for char in text)


def fitting(value: Any, depth: int = 0) -> Any:
    """The value in JSON's own types."""
    if value is None or isinstance(value, bool | str | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else repr(value)
    if depth < DEEP and isinstance(value, Mapping):
        given = cast(Mapping[object, object], value)
        return {str(name): fitting(each, depth + 1) for name, each in given.items()}
    if depth < DEEP and isinstance(value, list | tuple | set | frozenset):
        return [fitting(each, depth + 1) for each in cast("list[object]", value)]
    return _told(value)


def _told(value: object) -> str:
    try:
        return str(value)
    except Exception as error:
        return f"<its text raised {type(error).__name__}>"


def _escape(char: str) -> str:
    return char.encode("unicode_escape").decode()
