"""The kinds of value that always travel, beyond JSON's own: each with its tag, how it becomes plain values, and back."""

import base64
import functools
import zoneinfo
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from workhorse.core.job_kinds import JOB_KINDS
from workhorse.core.kinds import Kind
from workhorse.core.looks import is_list


def _list_of(made: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def make(body: Any) -> Any:
        if not isinstance(body, list):
            raise ValueError(f"expected a list, got {type(body).__name__}")
        return made(body)

    return make


def _text_of(made: Callable[[str], Any]) -> Callable[[Any], Any]:
    def make(body: Any) -> Any:
        if not isinstance(body, str):
            raise ValueError(f"expected text, got {type(body).__name__}")
        return made(body)

    return make


def _moment(value: datetime | time) -> Any:
    """ISO 8601 text with its offset; beside it the zone's name, where it has one."""
    zone = value.tzinfo
    if isinstance(zone, ZoneInfo) and zone.key:
        return [value.isoformat(), zone.key]
    if zone is not None and value.utcoffset() is None:
        raise TypeError(f"expected a time zone of zoneinfo, or an offset, got {zone!r}")
    return value.isoformat()


def _make_datetime(body: Any) -> datetime:
    text, zone = _text_and_zone(body)
    value = datetime.fromisoformat(text)
    if zone is None:
        return value
    for fold in (0, 1):
        local = value.replace(tzinfo=zone, fold=fold)
        if local.utcoffset() == value.utcoffset():
            return local
    return value.astimezone(zone)  # this host's zone data differ from the sender's: the instant is what stays


def _make_time(body: Any) -> time:
    text, zone = _text_and_zone(body)
    value = time.fromisoformat(text)
    return value if zone is None else value.replace(tzinfo=zone)


def _text_and_zone(body: Any) -> tuple[str, ZoneInfo | None]:
    match body:
        case str():
            return body, None
        case [str() as text, str() as name]:
            return text, _zone(name)
        case _:
            raise ValueError("expected ISO 8601 text, or that and a zone's name")


def _zone(name: str) -> ZoneInfo:
    # A look at the list first: a name from a message must not choose what zoneinfo opens, or imports from tzdata.
    if name.removeprefix("posix/").removeprefix("right/") not in _zones():
        raise ValueError(f"expected a time zone that this host knows, got {name!r}")
    return ZoneInfo(name)


@functools.cache
def _zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


def _take_decimal(value: Decimal) -> str:
    if not value.is_finite():
        raise ValueError(f"expected a finite number, got {value}")
    return str(value)


def _make_decimal(text: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"expected a decimal number, got {text[:40]!r}") from None
    if not value.is_finite():
        raise ValueError(f"expected a finite number, got {value}")
    return value


def _take_bytes(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _make_bytes(text: str) -> bytes:
    value = base64.b64decode(text, validate=True)
    if base64.b64encode(value).decode() != text:
        raise ValueError("expected base64 in its canonical form")
    return value


def _take_timedelta(value: timedelta) -> list[int]:
    return [value.days, value.seconds, value.microseconds]


def _make_timedelta(body: list[Any]) -> timedelta:
    if len(body) != 3 or not all(type(part) is int for part in body):
        raise ValueError("expected days, seconds and microseconds, three integers")
    return timedelta(body[0], body[1], body[2])


class _Pairs(dict[Any, Any]):
    """Stands for mappings whose keys are not all text: never an instance, only a class for the table."""


class _Huge(int):
    """Stands for integers too long for decimal text: never an instance, only a class for the table."""


def _make_pairs(body: list[Any]) -> dict[Any, Any]:
    if not all(is_list(pair) and len(pair) == 2 for pair in body):
        raise ValueError("expected pairs of key and value")
    made = dict(body)
    if len(made) != len(body):
        raise ValueError("expected each key once")
    return made


def _make_huge(text: str) -> int:
    return int(text, 16)


BUILT_IN: Final = (
    Kind("tuple", tuple, list, _list_of(tuple)),
    Kind("set", set, list, _list_of(set)),
    Kind("frozenset", frozenset, list, _list_of(frozenset)),
    Kind("datetime", datetime, _moment, _make_datetime),
    Kind("date", date, date.isoformat, _text_of(date.fromisoformat)),
    Kind("time", time, _moment, _make_time),
    Kind("timedelta", timedelta, _take_timedelta, _list_of(_make_timedelta)),
    Kind("decimal", Decimal, _take_decimal, _text_of(_make_decimal)),
    Kind("uuid", UUID, str, _text_of(UUID)),
    Kind("bytes", bytes, _take_bytes, _text_of(_make_bytes)),
    Kind("map", _Pairs, list, _list_of(_make_pairs)),
    Kind("int", _Huge, hex, _text_of(_make_huge)),
    *JOB_KINDS,
)
