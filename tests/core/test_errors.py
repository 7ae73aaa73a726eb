"""The errors: one tree, drawn as it is; each survives the way to another process and says what it said."""

import copy
import pickle
import re
from datetime import timedelta

import pytest

import workhorse.errors
from workhorse import Retry, Workhorse
from workhorse.core import durations, errors
from workhorse.core.document import Malformed, NewerVersion
from workhorse.core.errors import (
    BrokerUnavailable,
    DeclarationError,
    EngineRefused,
    EnqueueRefused,
    FetchFailed,
    GiveUp,
    JobCancelled,
    JobFailed,
    JobNotFound,
    LeaseLost,
    RetryLater,
    SagaMismatch,
    Skip,
    WorkhorseError,
)
from workhorse.core.schema import Unfit

ERRORS: list[WorkhorseError] = [
    WorkhorseError("one"),
    DeclarationError("two"),
    EngineRefused("three"),
    EnqueueRefused([("1", "too large"), ("2", "too deep"), ("3", "no"), ("4", "nor this")]),
    BrokerUnavailable("four", ["a job"]),
    JobNotFound("five"),
    JobFailed("ValueError", "six", "Traceback"),
    JobCancelled("seven"),
    SagaMismatch("seven and a half"),
    LeaseLost(["1", "2", "3", "4"]),
    FetchFailed("seven and three quarters"),
    RetryLater(timedelta(minutes=1), counts=False),
    Skip("eight"),
    GiveUp("nine"),
    Unfit("ten"),
    Malformed("eleven"),
    NewerVersion("twelve"),
]


def test_the_tree_is_drawn_as_it_is() -> None:
    drawn = re.findall(r"^[│ ]*[├└]── (\w+)  ", errors.__doc__ or "", re.MULTILINE)
    there = [
        cls.__name__ for cls in vars(errors).values() if isinstance(cls, type) and cls.__bases__ == (WorkhorseError,)
    ]
    assert sorted(drawn) == sorted(there)


def test_the_public_errors_are_these_and_no_others() -> None:
    public = {name for name in dir(workhorse.errors) if name[0].isupper()}
    assert public == {type(error).__name__ for error in ERRORS} - {"Unfit", "Malformed", "NewerVersion"} | {
        "WorkhorseError"
    }


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("way", [copy.copy, copy.deepcopy, lambda it: pickle.loads(pickle.dumps(it))])  # noqa: S301
def test_an_error_arrives_in_another_process_as_it_was(error: WorkhorseError, way: object) -> None:
    arrived = way(error)  # type: ignore[operator]
    assert (type(arrived), str(arrived)) == (type(error), str(error))
    for name in ("refused", "jobs", "type", "message", "traceback", "after", "counts", "reason", "ids"):
        assert getattr(arrived, name, None) == getattr(error, name, None)


def test_a_refusal_names_the_first_three_and_counts_the_rest() -> None:
    assert str(ERRORS[3]) == "job 1: too large; job 2: too deep; job 3: no; and 1 more"


@pytest.mark.parametrize("after", [-1, float("nan"), float("inf"), 1e10, timedelta(days=-1), "soon"])
def test_a_time_that_cannot_be_is_an_error_where_it_is_said(after: float) -> None:
    with pytest.raises(ValueError, match=r"expected|could not convert"):
        RetryLater(after)


def test_the_longest_time_is_the_same_everywhere() -> None:
    assert RetryLater(durations.LONGEST).after == durations.LONGEST
    with pytest.raises(ValueError, match="expected 0 to"):
        RetryLater(durations.LONGEST * 1.001)
    with pytest.raises(DeclarationError):
        Workhorse("memory://", timeout=durations.LONGEST * 1.001, retry=Retry(0))
