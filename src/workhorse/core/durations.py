"""Durations at the door: a number of seconds, or a timedelta; inside, always seconds as float."""

from datetime import datetime, timedelta
from typing import TypeAlias

from workhorse.core.errors import CENTURY, DeclarationError

Duration: TypeAlias = float | timedelta

LONGEST = CENTURY
"""A century in seconds: beyond it a duration is a mistake, and sums of times stay inside every engine's integers."""


def seconds(value: object, what: str, *, least: float = 0.0) -> float:
    """The duration in seconds; DeclarationError names `what` when it is no number, below `least`, or over a century."""
    if isinstance(value, timedelta):
        value = value.total_seconds()
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise DeclarationError(f"{what}: expected seconds or a timedelta, got {value!r}")
    if not least <= value <= LONGEST:
        raise DeclarationError(f"{what}: expected {least:g} to {LONGEST:g} seconds, got {value!r}")
    return float(value)


def moment(value: object, what: str) -> float:
    """An aware datetime as seconds since the epoch; DeclarationError for a naive one."""
    if not isinstance(value, datetime):
        raise DeclarationError(f"{what}: expected an aware datetime, got {value!r}")
    if value.tzinfo is None or value.utcoffset() is None:
        raise DeclarationError(
            f"{what}: expected an aware datetime, got the naive {value!r}; say which zone: datetime.now(UTC)"
        )
    return value.timestamp()
