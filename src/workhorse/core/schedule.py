"""When a task runs by itself: at the moments that five cron fields name in a time zone, or again and again after a fixed time."""

import math
from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass, fields
from datetime import UTC, datetime, tzinfo
from typing import Final, TypeAlias, final
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError

from workhorse.core import names
from workhorse.core.checks import MANY, into_seconds, whole
from workhorse.core.durations import LONGEST, Duration
from workhorse.core.errors import DeclarationError

SHORTEST: Final = 1.0
"""Seconds between two ticks at least: what is to run more often is a loop inside of a task."""

MOST: Final = 1000
"""Ticks that a schedule may make up for; they are enqueued at once."""

_UNITS: Final = {"days": 86_400.0, "hours": 3600.0, "minutes": 60.0, "seconds": 1.0}
_FIELDS: Final = "expected five fields (minute, hour, day of month, month, day of week) such as '0 4 * * *'"
_BEGINNING: Final = datetime(2000, 1, 1, tzinfo=UTC)


@final
@dataclass(frozen=True)
class Cron:
    """A schedule as five cron fields, in a named time zone.

    `expression`: minute, hour, day of month, month, day of week, as Debian's cron reads them, with names (MON, JAN), steps,
    `L` and `#`. `timezone`: a name such as "Europe/Paris". `catch_up`: how many missed ticks are made up for, at most 1000;
    0: they are skipped. `jitter`: each tick is due up to so many seconds later, by chance. Where clocks are set forward, what
    names an hour that is left out runs right after it; where they are set back, it runs once; what runs every hour or every few
    minutes goes by real time. DeclarationError for an expression that is none or never comes, an unknown zone, and numbers
    out of range.
    """

    expression: str
    timezone: str = "UTC"
    _: KW_ONLY
    catch_up: int = 0
    jitter: Duration = 0

    def __post_init__(self) -> None:
        _zone(self.timezone)
        _parse(self.expression)
        _check_margins(self)

    def after(self, moment: float, since: float = 0.0, /) -> Iterator[float]:
        """The moments after this one, in seconds since the epoch; since when it stands makes no difference."""
        for tick in CronSim(self.expression, datetime.fromtimestamp(moment, self.zone)):
            # begun in an hour that comes twice, cronsim names moments of its first coming
            if (found := tick.timestamp()) > moment:
                yield found

    @property
    def zone(self) -> tzinfo:
        """The time zone itself."""
        return _zone(self.timezone)

    def __str__(self) -> str:
        return f"{self.expression} {self.timezone}"


@final
@dataclass(frozen=True, kw_only=True)
class Every:
    """A schedule with a fixed period, the sum of what is given: at least a second.

    It first ticks one period after a worker first saw it, and from then on at multiples of the period. `catch_up`: how many
    missed ticks are made up for, at most 1000; 0: they are skipped. `jitter`: each tick is due up to so many seconds later, by
    chance. DeclarationError for numbers out of range.
    """

    days: float = 0
    hours: float = 0
    minutes: float = 0
    seconds: float = 0
    catch_up: int = 0
    jitter: Duration = 0

    def __post_init__(self) -> None:
        for unit in _UNITS:
            _amount(getattr(self, unit), f"Every: {unit}")
        if not SHORTEST <= self.period <= LONGEST:
            raise DeclarationError(
                f"Every: expected a period of {SHORTEST:g} to {LONGEST:g} seconds, got {self.period:g}; "
                "say how often: Every(minutes=5)"
            )
        _check_margins(self)

    @property
    def period(self) -> float:
        """Seconds from one tick to the next."""
        return math.fsum(getattr(self, unit) * seconds for unit, seconds in _UNITS.items())

    def after(self, moment: float, since: float, /) -> Iterator[float]:
        """The moments after this one, in seconds since the epoch: multiples of the period, counted from `since`."""
        number = max(1, math.floor((moment - since) / self.period))
        while True:
            if (found := since + number * self.period) > moment:
                yield found
            number += 1

    def __str__(self) -> str:
        given = ((getattr(self, field.name), field.name) for field in fields(self) if field.name in _UNITS)
        return "every " + " ".join(f"{amount:g} {unit}" for amount, unit in given if amount)


Schedule: TypeAlias = Cron | Every


def latest(schedule: Schedule, after: float, until: float, since: float, count: int) -> list[float]:
    """The last `count` moments after one and not after the other, oldest first: found near the end, however long ago the
    beginning is."""
    span = SHORTEST * count
    while True:
        start = max(after, until - span)
        found = _within(schedule.after(start, since), until)
        if len(found) >= count or start == after:
            return found[-count:]
        span *= 8


def _within(moments: Iterator[float], until: float) -> list[float]:
    found: list[float] = []
    for moment in moments:
        if moment > until:
            break
        found.append(moment)
    return found


def _parse(expression: object) -> None:
    if not isinstance(expression, str) or len(expression.split()) != 5:
        raise DeclarationError(f"Cron: {_FIELDS}, got {expression!r}")
    try:
        first = next(CronSim(expression, _BEGINNING), None)
    except (CronSimError, AssertionError, ValueError, TypeError) as error:
        raise DeclarationError(f"Cron: {_FIELDS}, got {expression!r}: {str(error).lower() or 'unreadable'}") from None
    if first is None:
        raise DeclarationError(
            f"Cron: expected moments that come, got {expression!r}, which never does; mend its day or month"
        )


def _zone(name: object) -> tzinfo:
    if name == "UTC":
        return UTC  # there also where the system knows no zones
    try:
        return ZoneInfo(name)  # type: ignore[arg-type]  # what is no name is refused below
    except (KeyError, ValueError, OSError, TypeError, AttributeError):
        raise DeclarationError(
            f"Cron: timezone: expected the name of a zone such as 'Europe/Paris', got {name!r}{_hint(name)}"
        ) from None


def _hint(name: object) -> str:
    known = available_timezones()
    if not known:
        return "; this system has no time zones: pip install tzdata"
    return names.did_you_mean(name, known) if isinstance(name, str) else ""


def _amount(value: object, what: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MANY:
        raise DeclarationError(f"{what}: expected a number from 0 to {MANY}, got {value!r}")


def _check_margins(schedule: Schedule) -> None:
    kind = type(schedule).__name__
    if whole(schedule.catch_up, f"{kind}: catch_up") > MOST:
        raise DeclarationError(f"{kind}: catch_up: expected at most {MOST} ticks, got {schedule.catch_up}")
    into_seconds(schedule, "jitter")
