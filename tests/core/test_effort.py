"""An Effort: its attempts, its repr, its reactions."""

from datetime import UTC, datetime

import pytest

from workhorse.core.effort import Attempt, Effort, Failure, Success

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def failure(text: str = "no") -> Failure:
    return Failure(ValueError(text), NOW, NOW)


def success(value: int = 1) -> Success[int]:
    return Success(value, NOW, NOW)


def effort(*attempts: Attempt[int]) -> Effort[int]:
    return Effort(attempts, attempts[-1])


def test_an_effort_has_a_first_attempt_a_last_one_and_the_retries_between() -> None:
    first, second, third = failure("a"), failure("b"), success()
    it = effort(first, second, third)
    assert (it.initial_attempt, it.retries, it.final_attempt) == (first, (second, third), third)
    one = effort(first)
    assert (one.initial_attempt, one.retries, one.final_attempt) == (first, (), first)


def test_an_effort_without_attempts_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one attempt"):
        Effort((), success())


def test_the_repr_tells_how_it_ended_and_whether_it_was_retried() -> None:
    assert repr(effort(success())) == "Effort(succeeded)"
    assert repr(effort(failure(), success())) == "Effort(succeeded, 2 attempts)"
    assert repr(effort(failure(), failure(), failure())) == "Effort(failed, 3 attempts)"


def test_the_result_is_the_value_or_the_exception_itself() -> None:
    assert effort(success(7)).result() == 7
    failed = failure()
    with pytest.raises(ValueError, match="no") as caught:
        effort(failed).result()
    assert caught.value is failed.value


def test_an_ending_matches_by_its_value() -> None:
    match effort(success(7)).culmination:
        case Success(value):
            assert value == 7
        case Failure():
            pytest.fail("a success matched as a failure")


@pytest.mark.parametrize(
    ("on", "last", "called"),
    [
        ("always", success(), True),
        ("always", failure(), True),
        ("success", success(), True),
        ("success", failure(), False),
        ("failure", success(), False),
        ("failure", failure(), True),
    ],
)
def test_a_reaction_is_called_with_the_effort_when_it_was_asked_for(on: str, last: Attempt[int], called: bool) -> None:
    it, seen = effort(last), list[object]()
    assert it.react(seen.append, on=on) is it  # type: ignore[arg-type]
    assert seen == ([it] if called else [])


def test_a_failing_reaction_is_kept_and_hides_nothing() -> None:
    def broken(_: Effort[int]) -> None:
        raise RuntimeError("reaction")

    seen: list[Effort[int]] = []
    it = effort(success(7)).react(broken).react(seen.append).react(broken)
    assert it.result() == 7
    assert [str(error) for error in it.reaction_errors] == ["reaction", "reaction"]
    assert len(seen[0].reaction_errors) == 1


def test_a_coroutine_function_as_reaction_is_told_of_and_not_lost() -> None:
    async def later(_: Effort[int]) -> None: ...

    (error,) = effort(success()).react(later).reaction_errors
    assert isinstance(error, TypeError)


def test_an_unknown_occasion_is_refused() -> None:
    with pytest.raises(ValueError, match="sometimes"):
        effort(success()).react(print, on="sometimes")  # type: ignore[arg-type]
