"""What is due of a schedule, what is missed and what is made up for; ids, and marks as facts."""

import re

import pytest

from workhorse import Cron, Every
from workhorse.core.job import OWN_ID
from workhorse.durable import ticks
from workhorse.durable.ticks import LATE, SOON, Mark, Marked
from workhorse.engine import ABSENT, Put, Store
from workhorse.engines import open_engine

NOW = 1_893_456_000.0  # 2030-01-01T00:00:00Z
MINUTE = 60.0
BEGUN = ticks.begun(NOW)


def ran(schedule: Cron | Every, mark: Mark, now: float) -> list[float]:
    """Seconds after NOW."""
    step = ticks.due(schedule, mark, now)
    assert step is not None
    return [moment - NOW for moment in step.run]


def test_a_schedule_that_is_seen_for_the_first_time_begins_and_runs_nothing() -> None:
    step = ticks.due(Every(minutes=5), None, NOW + 0.25)
    assert step == ((), None, Mark(since=NOW + 1, at=NOW + 0.25))


def test_before_the_first_moment_nothing_is_due() -> None:
    assert ticks.due(Every(minutes=5), BEGUN, NOW + 299.9) is None


def test_a_tick_is_due_at_its_moment_and_the_mark_moves_there() -> None:
    step = ticks.due(Every(minutes=5), BEGUN, NOW + 300)
    assert step == ([NOW + 300], None, Mark(since=NOW, at=NOW + 300, last=NOW + 300))
    assert ticks.due(Every(minutes=5), step.mark, NOW + 301) is None


def test_a_worker_that_is_a_little_late_misses_none() -> None:
    assert ran(Every(seconds=1), BEGUN, NOW + 3.5) == [1, 2, 3]
    assert ran(Every(seconds=1), BEGUN, NOW + SOON + 3) == [3, 4, 5, 6, 7, 8]


def test_the_latest_tick_is_on_time_for_a_minute() -> None:
    assert ran(Every(hours=1), BEGUN, NOW + 3600 + LATE) == [3600]
    assert ran(Every(hours=1), BEGUN, NOW + 3600 + LATE + 1) == []


def test_missed_ticks_are_skipped_and_the_mark_moves_past_them() -> None:
    step = ticks.due(Every(minutes=5), BEGUN, NOW + 22 * MINUTE)
    assert step == ([], (NOW + 300, NOW + 1200), Mark(since=NOW, at=NOW + 1200, last=None))


@pytest.mark.parametrize(
    ("catch_up", "run"), [(1, [1200]), (3, [600, 900, 1200]), (4, [300, 600, 900, 1200]), (9, [300, 600, 900, 1200])]
)
def test_as_many_missed_ticks_as_is_said_are_made_up_for_the_latest_ones(catch_up: int, run: list[float]) -> None:
    step = ticks.due(Every(minutes=5, catch_up=catch_up), BEGUN, NOW + 22 * MINUTE)
    assert step is not None
    assert [moment - NOW for moment in step.run] == run
    assert step.skipped == (None if run[0] == 300 else (NOW + 300, NOW + run[0] - 300))


def test_what_is_skipped_of_very_many_is_told_from_the_first_to_the_last() -> None:
    step = ticks.due(Every(seconds=1, catch_up=3), BEGUN, NOW + 1e6)
    assert step is not None
    assert [moment - NOW - 1e6 for moment in step.run] == [-8, -7, -6, -5, -4, -3, -2, -1, 0]
    assert step.skipped == (NOW + 1, NOW + 1e6 - 9)


def test_what_is_made_up_for_comes_before_what_is_on_time() -> None:
    assert ran(Every(minutes=5, catch_up=2), BEGUN, NOW + 20 * MINUTE) == [600, 900, 1200]


def test_after_an_engines_clock_was_set_back_nothing_comes_twice() -> None:
    after = Mark(since=NOW, at=NOW + 3600)
    assert ticks.due(Every(minutes=5), after, NOW + 300) is None
    assert ran(Every(minutes=5), after, NOW + 3900) == [3900]


def test_a_paused_schedule_does_not_tick_and_skips_what_came_meanwhile() -> None:
    paused = ticks.turned(BEGUN, True, NOW)
    assert ticks.due(Every(minutes=5, catch_up=9), paused, NOW + 3600) is None
    again = ticks.turned(paused, False, NOW + 3600)
    assert ran(Every(minutes=5, catch_up=9), again, NOW + 3900) == [3900]


def test_resuming_what_is_not_paused_skips_nothing() -> None:
    assert ticks.turned(BEGUN, False, NOW + 3600) == BEGUN


@pytest.mark.parametrize(
    ("name", "moment", "id"),
    [
        ("shop~clean", NOW, "tick~shop~clean~2030-01-01T00:00:00Z"),
        ("shop~a/b", NOW + 0.5, "tick~shop~a@b~2030-01-01T00:00:00.500000Z"),
    ],
)
def test_an_id_is_made_of_the_name_and_the_moment(name: str, moment: float, id: str) -> None:
    assert ticks.id_of(name, moment) == id


def test_long_names_have_ids_of_their_own_that_fit() -> None:
    names = [ticks.name_of("s" * 200, "t" * 199 + end) for end in "ab"]
    ids = {ticks.id_of(name, NOW + 0.5) for name in names}
    assert len(ids) == 2
    assert all(OWN_ID.fullmatch(id) and re.match("tick~", id) for id in ids)


def test_a_lag_is_a_share_of_the_jitter_and_the_same_for_all() -> None:
    every = Every(minutes=5, jitter=30)
    lags = [ticks.lag(every, ticks.id_of("shop~clean", NOW + n * 300)) for n in range(200)]
    assert all(0 <= it < 30 for it in lags)
    assert min(lags) < 3 < 27 < max(lags)
    assert lags[7] == ticks.lag(every, ticks.id_of("shop~clean", NOW + 7 * 300))
    assert ticks.lag(Every(minutes=5), "any") == 0


async def test_a_mark_is_moved_where_it_stands_as_it_was_read() -> None:
    store = await opened()
    assert await ticks.marks(store, ["shop~clean"]) == {"shop~clean": Marked(None, ABSENT)}
    assert await store.put([ticks.put("shop~clean", BEGUN, ABSENT)]) != [None]
    (mark, version), *_ = (await ticks.marks(store, ["shop~clean"])).values()
    moved = ticks.turned(BEGUN, True, NOW)
    assert mark == BEGUN
    assert await store.put([ticks.put("shop~clean", moved, version)]) != [None]
    assert await store.put([ticks.put("shop~clean", BEGUN, version)]) == [None]
    assert [it.mark for it in (await ticks.known(store)).values()] == [moved]


async def test_a_mark_that_nobody_can_read_begins_anew() -> None:
    store = await opened()
    (put,) = await store.put([ticks.put("shop~clean", BEGUN, ABSENT)])
    (version,) = await store.put([Put("tick/shop~clean", b"\xff", put)])
    assert await ticks.marks(store, ["shop~clean"]) == {"shop~clean": Marked(None, version or 0)}


async def opened() -> Store:
    engine = open_engine("memory://ticks-of-a-test")
    await engine.open()
    assert engine.store is not None
    await engine.store.delete(dict.fromkeys(("tick/shop~clean",)))
    return engine.store
