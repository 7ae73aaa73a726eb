"""What can be attempted, what an attempt leaves behind, and how attempts are put together; without any broker."""

import asyncio
import logging
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from importlib import import_module

import pytest

from workhorse.core.effort import Effort, Failure, Success
from workhorse.core.retry import Exponential, Fixed, Linear, Retry

AT_ONCE = Retry(2, Fixed(0))
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def half(number: int) -> int:
    if number % 2:
        raise ValueError(f"{number} is odd")
    return number // 2


# what can be attempted


def test_a_lambda_a_partial_and_a_method_are_attempted_like_any_function() -> None:
    assert AT_ONCE.attempt(lambda: half(6)).result() == 3
    assert AT_ONCE.attempt(partial(half, number=8)).result() == 4
    assert AT_ONCE.attempt("{} {}".format, "two", "words").result() == "two words"


def test_an_exception_that_is_passed_or_returned_is_a_value_like_others() -> None:
    error = ValueError("only told of")
    assert AT_ONCE.attempt(str, error).result() == "only told of"
    assert AT_ONCE.attempt(lambda: error).culmination.successful
    assert AT_ONCE.attempt(lambda: error).result() is error


def test_a_class_that_cannot_be_made_and_a_package_that_is_not_there_are_failures() -> None:
    assert isinstance(Retry(0).attempt(Fixed, -1).culmination, Failure)
    missing = Retry(0).attempt(import_module, "no_such_package").culmination
    assert isinstance(missing.value, ModuleNotFoundError)
    assert missing.value.name == "no_such_package"


def test_each_attempt_gets_the_same_arguments_and_an_iterator_is_not_made_new() -> None:
    left: list[list[int]] = []

    def drain(numbers: object) -> None:
        left.append(list(numbers))  # type: ignore[call-overload]
        raise OSError

    AT_ONCE.attempt(drain, iter([1, 2]))
    assert left == [[1, 2], [], []]


def test_attempts_in_many_threads_run_side_by_side() -> None:
    together = threading.Barrier(4, timeout=30)
    with ThreadPoolExecutor(4) as pool:
        efforts = list(pool.map(lambda _: Retry(0).attempt(together.wait), range(4)))
    assert sorted(effort.result() for effort in efforts) == [0, 1, 2, 3]


# what is left behind


def test_a_reaction_is_called_once_after_all_attempts_and_not_after_each() -> None:
    seen: list[Effort[int]] = []
    effort = AT_ONCE.attempt(half, 3).react(seen.append)
    assert [len(it.attempts) for it in seen] == [3]
    assert seen == [effort]


def test_a_reaction_that_cannot_be_called_is_refused_by_its_type() -> None:
    with pytest.raises(TypeError, match="react: expected a function of the effort, got int: 3"):
        AT_ONCE.attempt(half, 2).react(3)  # type: ignore[arg-type]


def test_a_failing_reaction_is_reported(caplog: pytest.LogCaptureFixture) -> None:
    def broken(_: Effort[int]) -> None:
        raise RuntimeError("the pager is down")

    effort = AT_ONCE.attempt(half, 2).react(broken)
    (line,) = caplog.records
    assert (line.name, line.levelno) == ("workhorse", logging.WARNING)
    assert line.getMessage() == "a reaction to Effort(succeeded) failed: RuntimeError"
    assert line.exc_info is not None
    assert line.exc_info[1] is effort.reaction_errors[0]


@pytest.mark.parametrize("attempt", [Success(None, NOW, NOW), Failure(ValueError(), NOW, NOW)])
@pytest.mark.parametrize("name", ["value", "successful", "started", "ended"])
def test_nothing_about_an_attempt_can_be_changed_afterwards(attempt: Success[None] | Failure, name: str) -> None:
    with pytest.raises(AttributeError):
        setattr(attempt, name, None)
    with pytest.raises(AttributeError):
        delattr(attempt, name)


def test_the_repr_of_an_attempt_tells_the_class_of_its_value_and_not_the_value() -> None:
    assert repr(Success("the password", NOW, NOW)) == "Success(str)"
    assert repr(Failure(ValueError("the password"), NOW, NOW)) == "Failure(ValueError)"


def test_efforts_and_policies_are_equal_by_what_they_hold_and_can_be_pickled() -> None:
    effort = AT_ONCE.attempt(half, 4)
    for kept in (effort, AT_ONCE):
        assert pickle.loads(pickle.dumps(kept)) == kept  # noqa: S301 - our own bytes
    assert Retry(2, Fixed(0)) == AT_ONCE
    assert effort != AT_ONCE.attempt(half, 6)
    assert effort != "an effort"


def test_a_policy_tells_all_of_itself_and_serves_any_number_of_calls() -> None:
    assert repr(Retry(2, Fixed(0.5))).startswith("Retry(retries=2, delay=Fixed(seconds=0.5), jitter=0.0")
    assert [len(AT_ONCE.attempt(half, number).attempts) for number in (1, 2, 3)] == [3, 1, 3]


def test_delays_from_a_fifth_of_a_second() -> None:
    assert [Fixed(0.2)(retry) for retry in (1, 2, 3, 4)] == [0.2] * 4
    assert [Linear(0.2, 0.2)(retry) for retry in (1, 2, 3, 4)] == pytest.approx([0.2, 0.4, 0.6, 0.8])
    assert [Exponential(0.2)(retry) for retry in (1, 2, 3, 4)] == [0.2, 0.4, 0.8, 1.6]
    assert [Exponential(0)(retry) for retry in (1, 2, 3, 4)] == [0.0] * 4


# put together


def test_a_chain_of_calls_stops_at_its_first_failure() -> None:
    reached: list[str] = []

    def chain(number: int) -> str:
        quarter = half(half(number))
        reached.append("the end")
        return f"a quarter is {quarter}"

    assert Retry(0).attempt(chain, 12).result() == "a quarter is 3"
    assert str(Retry(0).attempt(chain, 6).culmination.value) == "3 is odd"
    assert reached == ["the end"]


def test_many_independent_calls_are_one_effort_each_and_none_stops_another() -> None:
    efforts = [Retry(0).attempt(half, number) for number in (2, 3, 4)]
    assert [effort.culmination.successful for effort in efforts] == [True, False, True]
    named = {name: Retry(0).attempt(half, number) for name, number in {"even": 2, "odd": 3}.items()}
    assert [name for name, effort in named.items() if effort.culmination.successful] == ["even"]
    with ThreadPoolExecutor(2) as pool:
        assert [it.culmination.successful for it in pool.map(partial(Retry(0).attempt, half), (3, 4))] == [False, True]


async def test_many_asynchronous_calls_end_in_their_own_order() -> None:
    open_first = asyncio.Event()

    async def late() -> str:
        await open_first.wait()
        return "late"

    async def early() -> str:
        open_first.set()
        return "early"

    efforts = [Retry(0).attempt_async(late), Retry(0).attempt_async(early)]
    ended = [(await effort).result() for effort in asyncio.as_completed(efforts)]
    assert ended == ["early", "late"]
