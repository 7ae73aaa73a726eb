"""The manual clock, by which the conformance suite lets time pass."""

from datetime import UTC, datetime, timedelta

import pytest

from workhorse.core.clock import Clock
from workhorse.testing.clock import ManualClock


def test_it_stands_still_until_it_is_told() -> None:
    clock = ManualClock(datetime(2031, 5, 1, tzinfo=UTC))
    assert clock.now() == clock.now() == datetime(2031, 5, 1, tzinfo=UTC)


def test_two_clocks_begin_alike() -> None:
    assert ManualClock().now() == ManualClock().now()


def test_it_moves_by_seconds_or_a_timedelta() -> None:
    clock = ManualClock()
    start = clock.now()
    clock.advance(90)
    clock.advance(timedelta(minutes=1))
    assert clock.now() - start == timedelta(seconds=150)


def test_time_and_now_are_one_moment() -> None:
    clock = ManualClock(datetime(2031, 5, 1, tzinfo=UTC))
    assert clock.time() == clock.now().timestamp()


async def test_sleeping_moves_it_and_takes_no_time() -> None:
    clock: Clock = (manual := ManualClock())
    before = manual.time()
    await clock.sleep(3600)
    assert manual.time() - before == 3600


@pytest.mark.parametrize("wrong", [-1, timedelta(seconds=-1), float("nan"), float("inf")])
def test_it_does_not_go_back_or_nowhere(wrong: float | timedelta) -> None:
    with pytest.raises(ValueError, match="0 or more"):
        ManualClock().advance(wrong)


def test_a_start_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        ManualClock(datetime(2031, 5, 1))


def test_who_listens_hears_of_each_move_after_it() -> None:
    clock = ManualClock()
    start, heard = clock.time(), list[float]()
    clock.on_advance(lambda: heard.append(clock.time() - start))
    clock.advance(1)
    clock.advance(2)
    assert heard == [1, 3]


def test_who_stops_listening_hears_no_more() -> None:
    clock, heard = ManualClock(), list[str]()
    end = clock.on_advance(lambda: heard.append("first"))
    clock.on_advance(lambda: heard.append("second"))
    end()
    end()
    clock.advance(1)
    assert heard == ["second"]
