"""Schedules as values: when they tick, also over the changes of a year's clocks, and what they refuse."""

import itertools
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from workhorse import Cron, Every
from workhorse.core.schedule import latest
from workhorse.errors import DeclarationError

ZONES = ("Europe/Paris", "America/New_York", "Australia/Sydney")
AROUND = timedelta(days=1.5)
START = datetime(2030, 1, 1, tzinfo=UTC).timestamp()

FIXED = ("30 2 * * *", "0 2,3 * * *", "15 1-4 * * *", "45 1 * * *", "0 0 * * *", "0 4 * * *")
"""Minute and hour are named: once on each day."""

WIDE = ("*/15 * * * *", "0 * * * *", "*/20 2 * * *", "10 * * * *", "0 */3 * * *")
"""One of them is a star: by real time."""


def moments(cron: Cron, start: float, end: float) -> list[float]:
    return list(itertools.takewhile(lambda moment: moment < end, cron.after(start - 1, 0)))


def changes(zone: ZoneInfo, year: int) -> list[datetime]:
    """The days, in UTC, in which the clocks of a zone are set."""
    days = [datetime(year, 1, 1, tzinfo=UTC) + timedelta(days=n) for n in range(365)]
    return [a for a, b in itertools.pairwise(days) if a.astimezone(zone).utcoffset() != b.astimezone(zone).utcoffset()]


def named(field: str, most: int) -> set[int]:
    found = set[int]()
    for term in field.split(","):
        span, _, step = term.partition("/")
        first, _, last = ("0", "-", str(most)) if span == "*" else span.partition("-")
        found |= set(range(int(first), int(last or first) + 1, int(step or 1)))
    return found


def by_real_time(expression: str, zone: ZoneInfo, start: float, end: float) -> Iterator[float]:
    """Each minute that there is, if its face is named."""
    minutes, hours = (named(field, most) for field, most in zip(expression.split(), (59, 23), strict=False))
    for moment in range(int(start), int(end), 60):
        face = datetime.fromtimestamp(moment, zone)
        if face.minute in minutes and face.hour in hours:
            yield float(moment)


def by_the_face(expression: str, zone: ZoneInfo, start: float, end: float) -> Iterator[float]:
    """Each face that is named, once: the first time that it is seen, or, where it is left out, when clocks show a later one."""
    minutes, hours = (named(field, most) for field, most in zip(expression.split(), (59, 23), strict=False))
    face = datetime.fromtimestamp(start, zone).replace(tzinfo=None, second=0) - timedelta(days=1)
    found = set[float]()
    while (moment := _first_at(face, zone)) < end:
        if face.minute in minutes and face.hour in hours and moment >= start:
            found.add(moment)
        face += timedelta(minutes=1)
    yield from sorted(found)


def _first_at(face: datetime, zone: ZoneInfo) -> float:
    while face.replace(tzinfo=zone).astimezone(UTC).astimezone(zone).replace(tzinfo=None) != face:
        face += timedelta(minutes=1)
    return face.replace(tzinfo=zone).timestamp()


Oracle = Callable[[str, ZoneInfo, float, float], Iterator[float]]
CASES: list[tuple[str, Oracle]] = [*((it, by_the_face) for it in FIXED), *((it, by_real_time) for it in WIDE)]


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize(("expression", "oracle"), CASES)
def test_over_both_changes_of_a_year_ticks_come_when_they_should(expression: str, oracle: Oracle, zone: str) -> None:
    cron, there = Cron(expression, zone), ZoneInfo(zone)
    days = changes(there, 2027)
    assert len(days) == 2
    for day in days:
        start, end = (day - AROUND).timestamp(), (day + AROUND).timestamp()
        expected = list(oracle(expression, there, start, end))
        assert moments(cron, start, end) == expected
        from_many = {next(cron.after(moment, 0)) for moment in range(int(start) - 60, int(expected[-1]) - 1, 13 * 60)}
        assert sorted(from_many) == expected, "where one begins makes no difference"


@pytest.mark.parametrize(
    ("expression", "at"),
    [
        ("30 2 * * *", "2027-03-28T03:00:00+02:00"),  # half past two is left out
        ("30 2 * * *", "2027-10-31T02:30:00+02:00"),  # it comes twice: the first time
    ],
)
def test_a_daily_tick_in_paris_comes_once_on_the_days_of_change(expression: str, at: str) -> None:
    day = datetime.fromisoformat(at)
    start = day.replace(hour=0, minute=0).timestamp()
    found = moments(Cron(expression, "Europe/Paris"), start - 3600, start + 86_400)
    assert [datetime.fromtimestamp(it, ZoneInfo("Europe/Paris")).isoformat() for it in found] == [at]


def test_ticks_of_cron_in_utc_need_no_zones() -> None:
    found = Cron("0 4 * * MON-FRI").after(START, 0)
    days = [datetime.fromtimestamp(next(found), UTC).isoformat() for _ in range(4)]
    assert days == [f"2030-01-{day:02}T04:00:00+00:00" for day in (1, 2, 3, 4)]


@pytest.mark.parametrize("since", [START, START + 0.25, START - 1e8])
def test_every_ticks_at_multiples_of_its_period_from_the_second_on(since: float) -> None:
    every = Every(minutes=1, seconds=0.5)
    assert every.period == 60.5
    assert list(itertools.islice(every.after(since, since), 3)) == [since + n * 60.5 for n in (1, 2, 3)]
    for moment in (since + 60.5, since + 60.5 * 7 - 0.001, since + 605):
        assert next(every.after(moment, since)) == min(n * 60.5 + since for n in range(20) if n * 60.5 + since > moment)


@pytest.mark.parametrize(
    "schedule", [Every(seconds=7), Cron("*/5 * * * *"), Cron("30 2 * * *", "Europe/Paris")], ids=str
)
@pytest.mark.parametrize("count", [1, 3, 50])
def test_the_latest_moments_are_the_last_of_all(schedule: Cron | Every, count: int) -> None:
    until = START + 40 * 86_400
    every = list(itertools.takewhile(lambda moment: moment <= until, schedule.after(START, START)))
    assert latest(schedule, START, until, START, count) == every[-count:]
    assert latest(schedule, until, until, START, count) == []


def test_the_latest_of_years_is_found_near_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []
    after = Every.after

    def told(self: Every, moment: float, since: float, /) -> Iterator[float]:
        asked.append(moment)
        return after(self, moment, since)

    monkeypatch.setattr(Every, "after", told)
    assert latest(Every(seconds=1), START, START + 1e9, START, 2) == [START + 1e9 - 1, START + 1e9]
    assert min(asked) > START + 1e9 - 100


@pytest.mark.parametrize(
    ("schedule", "said"),
    [
        (Cron("0 4 * * *", timezone="Europe/Paris"), "0 4 * * * Europe/Paris"),
        (Every(hours=1, minutes=30), "every 1 hours 30 minutes"),
    ],
)
def test_a_schedule_says_when(schedule: Cron | Every, said: str) -> None:
    assert str(schedule) == said


@pytest.mark.parametrize(
    "expression",
    ["", "0 4 * *", "0 4 * * * *", "@daily", "60 4 * * *", "0 24 * * *", "x", "* * * * FUN", "*/0 * * * *", "5-1 * * * *",
     "0 0 31 2 *", "² * * * *", "* * * * L", "9" * 5000 + " 0 * * *", None, 5, ["0 4 * * *"]],
)  # fmt: skip
def test_what_is_no_cron_expression_is_refused_with_an_example(expression: str) -> None:
    with pytest.raises(DeclarationError, match=r"Cron: expected five fields .* such as '0 4 \* \* \*', got"):
        Cron(expression)


def test_an_expression_that_never_comes_is_refused() -> None:
    with pytest.raises(DeclarationError, match="which never does; mend its day or month"):
        Cron("0 0 */30 2 MON#5")


@pytest.mark.parametrize("zone", ["", "Paris", "europe", "../etc/passwd", "/etc/localtime", "Europe", "a\0b", None, 2])
def test_an_unknown_zone_is_refused(zone: str) -> None:
    with pytest.raises(
        DeclarationError, match="Cron: timezone: expected the name of a zone such as 'Europe/Paris', got"
    ):
        Cron("0 4 * * *", zone)


def test_a_misspelt_zone_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(DeclarationError, match="did you mean 'Europe/Paris'"):
        Cron("0 4 * * *", timezone="Europe/Pari")


def test_where_the_system_has_no_zones_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workhorse.core.schedule.available_timezones", set[str])
    with pytest.raises(DeclarationError, match="this system has no time zones: pip install tzdata"):
        Cron("0 4 * * *", timezone="Europe/Pari")


@pytest.mark.parametrize(
    "given",
    [{}, {"seconds": 0}, {"seconds": 0.5}, {"minutes": -5}, {"days": 1e9}, {"minutes": "5"}, {"hours": True},
     {"seconds": float("nan")}, {"seconds": float("inf")}, {"minutes": timedelta(minutes=5)}],
)  # fmt: skip
def test_a_period_that_is_none_is_refused(given: dict[str, float]) -> None:
    with pytest.raises(DeclarationError, match=r"Every: .*expected .*, got"):
        Every(**given)


@pytest.mark.parametrize(
    "bad", [{"jitter": -1}, {"jitter": "1 min"}, {"catch_up": 1.5}, {"catch_up": -1}, {"catch_up": 1001}]
)
def test_margins_out_of_range_are_refused(bad: dict[str, int]) -> None:
    (name,) = bad
    with pytest.raises(DeclarationError, match=f"Every: {name}: expected .*, got"):
        Every(minutes=5, **bad)
    with pytest.raises(DeclarationError, match=f"Cron: {name}: expected .*, got"):
        Cron("0 4 * * *", **bad)


def test_a_jitter_may_be_a_timedelta() -> None:
    assert Every(minutes=5, jitter=timedelta(minutes=1)) == Every(minutes=5, jitter=60)
