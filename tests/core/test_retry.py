"""Retry, its delays, and attempts here and now: what is waited, what is tried again, what is let through."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workhorse.core.effort import Effort, Failure, Success
from workhorse.core.errors import DeclarationError, GiveUp, RetryLater, Skip
from workhorse.core.retry import Exponential, Fixed, Linear, Retry


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Every wait between attempts; no time passes."""
    slept: list[float] = []

    async def doze(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(time, "sleep", slept.append)
    monkeypatch.setattr(asyncio, "sleep", doze)
    return slept


@pytest.fixture
def certain(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Chance, taken away: from now on it draws this."""

    def draw(share: float) -> None:
        monkeypatch.setattr(random, "random", lambda: share)

    return draw


def failing(*errors: Exception | None) -> Callable[[], str]:
    """A function that raises these in turn; None is a success."""
    left: Iterator[Exception | None] = iter(errors)

    def work() -> str:
        error = next(left)
        if error is not None:
            raise error
        return "done"

    return work


def as_async(fn: Callable[[], str]) -> Callable[[], Awaitable[str]]:
    async def work() -> str:
        return fn()

    return work


# delays


def test_fixed_waits_are_all_the_same() -> None:
    assert [Fixed(2)(retry) for retry in (1, 2, 1000)] == [2.0, 2.0, 2.0]


def test_linear_waits_grow_by_a_step_up_to_the_cap() -> None:
    assert [Linear(1, 2, 6)(retry) for retry in (1, 2, 3, 4)] == [1.0, 3.0, 5.0, 6.0]


def test_exponential_waits_multiply_up_to_the_cap_and_never_fall_under_the_floor() -> None:
    delay = Exponential(10, 2, 100, min=30)
    assert [delay(retry) for retry in (1, 2, 3, 4, 5)] == [30.0, 30.0, 40.0, 80.0, 100.0]


def test_exponential_waits_double_until_the_cap_takes_over() -> None:
    delay = Exponential(10, 2, 86_400)
    assert [delay(retry) for retry in (1, 2, 3, 14, 15, 16)] == [10.0, 20.0, 40.0, 81_920.0, 86_400.0, 86_400.0]
    floored = Exponential(10, 2, 86_400, min=60)
    assert [floored(retry) for retry in (1, 2, 3, 4, 5)] == [60.0, 60.0, 60.0, 80.0, 160.0]


@pytest.mark.parametrize("retry", [10**4, 10**9, 10**400], ids=["small", "large", "beyond floats"])
def test_no_retry_number_overflows_a_delay(retry: int) -> None:
    assert Exponential(1, 2, 3600)(retry) == 3600.0
    assert Exponential(0, 2, 3600, min=5)(retry) == 5.0
    assert Linear(1, 5, 3600)(retry) == 3600.0
    assert Exponential(1, 0.5, 3600, min=1)(retry) == 1.0
    assert Exponential(7, 1, 3600)(retry) == 7.0


def test_a_timedelta_is_welcome_and_equal_to_its_seconds() -> None:
    assert Fixed(timedelta(minutes=1)) == Fixed(60)
    assert Linear(timedelta(seconds=1), timedelta(seconds=2), timedelta(hours=1)) == Linear(1, 2, 3600)
    assert Exponential(timedelta(seconds=5), max=timedelta(days=1)) == Exponential(5, 2, 86_400)


@pytest.mark.parametrize(
    ("build", "wrong"),
    [
        (Fixed, {"seconds": -1}),
        (Fixed, {"seconds": "1"}),
        (Fixed, {"seconds": True}),
        (Fixed, {"seconds": float("nan")}),
        (Fixed, {"seconds": float("inf")}),
        (Linear, {"step": -1}),
        (Linear, {"max": timedelta(days=-1)}),
        (Exponential, {"factor": 0}),
        (Exponential, {"factor": float("nan")}),
        (Exponential, {"factor": float("inf")}),
        (Exponential, {"factor": "2"}),
        (Exponential, {"max": 1, "min": 2}),
        (Retry, {"retries": -1}),
        (Retry, {"retries": 1.5}),
        (Retry, {"retries": "3"}),
        (Retry, {"retries": True}),
        (Retry, {"delay": 0.1}),
        (Retry, {"jitter": -0.1}),
        (Retry, {"jitter": 1.1}),
        (Retry, {"jitter": float("nan")}),
        (Retry, {"jitter": "1"}),
        (Retry, {"on": ValueError}),
        (Retry, {"on": (KeyboardInterrupt,)}),
        (Retry, {"never": ("ValueError",)}),
    ],
)
def test_numbers_out_of_range_are_refused_when_built(build: Callable[..., object], wrong: dict[str, object]) -> None:
    with pytest.raises(DeclarationError, match=rf"{build.__name__}: ({'|'.join(wrong)}|expected).*got"):
        build(**wrong)


# the wait of a policy


def test_the_default_is_three_retries_with_full_jitter(certain: Callable[[float], None]) -> None:
    assert (Retry().retries, Retry().delay, Retry().jitter) == (3, Exponential(1, 2, 3600), 1.0)
    certain(0.25)
    assert [Retry().wait(retry) for retry in (1, 2, 3)] == [0.75, 1.5, 3.0]


def test_a_given_delay_has_no_jitter_unless_said() -> None:
    assert {Retry(3, Fixed(5)).wait(1) for _ in range(20)} == {5.0}


def test_the_floor_holds_after_jitter(certain: Callable[[float], None]) -> None:
    certain(0.999)
    assert Retry(3, Exponential(60, 2, 600, min=50), jitter=1).wait(1) == 50.0


@given(
    st.integers(1, 10**6),
    st.floats(0, 1e6),
    st.floats(0.1, 100),
    st.floats(0, 1),
    st.floats(0, 100),
    st.floats(0, 1e6),
)
def test_a_wait_stays_between_floor_and_cap(
    retry: int, first: float, factor: float, jitter: float, least: float, more: float
) -> None:
    policy = Retry(9, Exponential(first, factor, least + more, min=least), jitter=jitter)
    assert least <= policy.wait(retry) <= least + more


def test_any_callable_is_a_delay_and_is_given_the_retrys_number_from_one() -> None:
    assert [Retry(3, lambda retry: retry * 10).wait(retry) for retry in (1, 2)] == [10.0, 20.0]
    assert Retry(3, lambda retry: timedelta(minutes=retry)).wait(2) == 120.0


@pytest.mark.parametrize("answer", [-1, float("nan"), float("inf"), "1", None, timedelta(seconds=-1)])
def test_a_delay_that_returns_no_duration_is_told_so(answer: object) -> None:
    with pytest.raises(DeclarationError, match="returned for retry 2"):
        Retry(3, lambda retry: answer).wait(2)  # type: ignore[arg-type, return-value]


# which errors


def test_on_and_never_choose_by_class_and_never_wins() -> None:
    policy = Retry(3, on=(OSError,), never=(FileNotFoundError,))
    assert policy.allows(OSError())
    assert policy.allows(ConnectionError())
    assert not policy.allows(FileNotFoundError())
    assert not policy.allows(ValueError())


def test_steering_beats_the_filters() -> None:
    policy = Retry(3, on=(OSError,))
    assert policy.allows(RetryLater(3))
    assert not Retry().allows(GiveUp("no"))
    assert not Retry().allows(Skip())
    assert not Retry().allows(KeyboardInterrupt())


# attempts


def test_the_first_success_ends_it(waits: list[float]) -> None:
    effort = Retry(3, Fixed(0.5)).attempt(failing(ValueError("a"), ValueError("b"), None))
    assert isinstance(effort.culmination, Success)
    assert effort.result() == "done"
    assert [attempt.successful for attempt in effort.attempts] == [False, False, True]
    assert waits == [0.5, 0.5]


def test_exhausted_it_keeps_the_last_real_error_and_does_not_sleep_after_it(waits: list[float]) -> None:
    last = ValueError("last")
    effort = Retry(2, Fixed(0.5)).attempt(failing(ValueError(), ValueError(), last))
    assert isinstance(effort.culmination, Failure)
    assert effort.culmination.value is last
    assert len(effort.attempts) == 3
    assert waits == [0.5, 0.5]


def test_no_retries_are_one_attempt(waits: list[float]) -> None:
    effort = Retry(0).attempt(failing(ValueError()))
    assert (len(effort.attempts), effort.retries, waits) == (1, (), [])


def test_arguments_are_passed_on() -> None:
    def joined(*args: int, **kwargs: int) -> tuple[object, ...]:
        return args, kwargs

    assert Retry().attempt(joined, 1, 2, key=3).result() == ((1, 2), {"key": 3})


def test_retry_later_says_its_own_wait(waits: list[float]) -> None:
    effort = Retry(2, Fixed(9), on=(OSError,)).attempt(failing(RetryLater(30), None))
    assert effort.result() == "done"
    assert waits == [30.0]


def test_retry_later_uses_up_a_retry(waits: list[float]) -> None:
    effort = Retry(1).attempt(failing(RetryLater(1), RetryLater(2)))
    assert isinstance(effort.culmination.value, RetryLater)
    assert (len(effort.attempts), waits) == (2, [1.0])


def test_a_snooze_counts_for_nothing(waits: list[float]) -> None:
    snoozes = [RetryLater(7, counts=False)] * 5
    effort = Retry(0).attempt(failing(*snoozes, None))
    assert (len(effort.attempts), effort.result(), waits) == (1, "done", [7.0] * 5)


@pytest.mark.parametrize("last", [GiveUp("bad address"), Skip("nothing new")])
def test_give_up_and_skip_stop_at_once(last: Exception, waits: list[float]) -> None:
    effort = Retry(5).attempt(failing(last))
    assert effort.culmination.value is last
    assert (len(effort.attempts), waits) == (1, [])


def test_what_is_filtered_out_is_not_tried_again(waits: list[float]) -> None:
    assert len(Retry(5, never=(KeyError,)).attempt(failing(KeyError())).attempts) == 1
    assert waits == []


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, asyncio.CancelledError])
async def test_what_is_no_exception_passes_through(kind: type[BaseException]) -> None:
    def stop() -> None:
        raise kind

    async def stop_async() -> None:
        raise kind

    with pytest.raises(kind):
        Retry().attempt(stop)
    with pytest.raises(kind):
        await Retry().attempt_async(stop_async)


async def test_attempt_async_does_the_same(waits: list[float]) -> None:
    effort = await Retry(2, Fixed(3)).attempt_async(as_async(failing(ValueError(), RetryLater(9), None)))
    assert (effort.result(), len(effort.attempts), waits) == ("done", 3, [3.0, 9.0])
    failed = await Retry(1, Fixed(3)).attempt_async(as_async(failing(ValueError("a"), ValueError("b"))))
    assert str(failed.culmination.value) == "b"


def test_a_coroutine_function_is_sent_to_attempt_async() -> None:
    class Callable_:
        async def __call__(self) -> None: ...

    async def work() -> None: ...

    for fn in (work, Callable_(), lambda: work()):
        with pytest.raises(TypeError, match="attempt_async"):
            Retry().attempt(fn)


async def test_a_plain_function_is_sent_to_attempt() -> None:
    with pytest.raises(TypeError, match=r"use attempt$"):
        await Retry().attempt_async(lambda: 3)  # type: ignore[arg-type, return-value]


def test_times_are_aware_and_in_order(waits: list[float]) -> None:
    before = datetime.now(UTC)
    effort: Effort[str] = Retry(1, Fixed(0)).attempt(failing(ValueError(), None))
    times = [moment for attempt in effort.attempts for moment in (attempt.started, attempt.ended)]
    in_order = [before, *times, datetime.now(UTC)]
    assert in_order == sorted(in_order)
    assert all(moment.tzinfo is UTC for moment in times)


def test_a_failing_delay_is_not_hidden(waits: list[float]) -> None:
    with pytest.raises(DeclarationError, match="returned for retry 1"):
        Retry(1, lambda retry: -1).attempt(failing(ValueError()))
