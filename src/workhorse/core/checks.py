"""Numbers and classes at the door: the value itself if it will do, else a DeclarationError naming what was expected."""

from typing import Any, cast

from workhorse.core.durations import Duration, seconds
from workhorse.core.errors import DeclarationError

MANY = 1_000_000_000
"""More retries or crashes than this are a mistake; it stays inside every engine's integers."""


def whole(value: object, what: str, *, least: int = 0) -> int:
    """A whole number from `least` on; True and False are none."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= MANY:
        raise DeclarationError(f"{what}: expected a whole number from {least} to {MANY}, got {value!r}")
    return value


def share(value: object, what: str) -> float:
    """A number from 0 to 1."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise DeclarationError(f"{what}: expected a number from 0 to 1, got {value!r}")
    return float(value)


def factor(value: object, what: str) -> float:
    """A finite number over 0."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= MANY:
        raise DeclarationError(f"{what}: expected a number over 0, at most {MANY}, got {value!r}")
    return float(value)


def exceptions(value: object, what: str) -> None:
    """A tuple of exception classes."""
    if not isinstance(value, tuple) or not all(map(_is_exception, cast(tuple[object, ...], value))):
        raise DeclarationError(f"{what}: expected a tuple of exception classes such as (OSError,), got {value!r}")


def into_seconds(value: Any, *fields: str) -> None:
    """Turn the duration fields of a frozen dataclass into seconds, when it is built."""
    for field in fields:
        object.__setattr__(value, field, seconds(getattr(value, field), f"{type(value).__name__}: {field}"))


def in_seconds(duration: Duration) -> float:
    """What `into_seconds` left there, as the float that it is."""
    return duration if isinstance(duration, float) else seconds(duration, "a duration")


def _is_exception(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, Exception)
