"""A Job as a value, made by a task, by hand, or from an envelope."""

from dataclasses import FrozenInstanceError, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from workhorse.core.contract import Envelope
from workhorse.core.errors import DeclarationError
from workhorse.core.job import Job, Priority, job_of, swift


def job(**changes: Any) -> Job[object]:
    fields = {"id": "one", "task": "resize", "args": (1,), "kwargs": {"a": 2}, "queue": "shop"}
    return Job(**{**fields, "priority": Priority.LOW, "headers": {"token": "geheim"}, **changes})


def test_a_job_made_by_hand_keeps_its_options_in_seconds() -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    assert job(options={"timeout": timedelta(minutes=1)}).options == {"timeout": 60.0}
    delayed = job(options={"at": at})
    assert delayed.options == {"at": at.timestamp()}
    assert replace(delayed, queue="other").options == delayed.options


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": "a b"},
        {"id": ""},
        {"id": 3},
        {"task": "no task"},
        {"queue": "é"},
        {"priority": "high"},
        {"headers": {"a": 1}},
        {"options": {"delay": -1}},
        {"options": {"delay": 1, "at": datetime(2026, 1, 1, tzinfo=UTC)}},
    ],
)
def test_a_job_made_by_hand_is_checked(wrong: dict[str, Any]) -> None:
    with pytest.raises(DeclarationError, match="expected"):
        job(**wrong)


def test_a_job_made_by_hand_takes_any_sequence_and_a_priority_as_number() -> None:
    assert (job(args=[1]).args, job(priority=1).priority) == ((1,), Priority.LOW)


def test_the_fast_way_makes_an_equal_job() -> None:
    quick = swift("one", "resize", (1,), {"a": 2}, "shop", Priority.LOW, {"token": "geheim"}, {})
    assert quick == job()
    assert repr(quick) == repr(job())
    assert quick.attempts == ()


def test_a_job_is_frozen_and_its_repr_shows_no_headers() -> None:
    with pytest.raises(FrozenInstanceError):
        job().queue = "x"  # type: ignore[misc]
    assert "geheim" not in repr(job())
    assert "resize" in repr(job())


@pytest.mark.parametrize(("level", "priority"), [(0, Priority.LOW), (2, Priority.MEDIUM), (9, Priority.HIGH)])
def test_an_envelopes_job_has_its_arguments_and_the_nearest_priority(level: int, priority: Priority) -> None:
    envelope = Envelope("one~2", "resize", b"", "shop", headers={"a": "b"}, priority=level)
    made = job_of(envelope, ([1, 2], {"c": 3}))
    assert (made.id, made.args, made.kwargs, made.priority) == ("one~2", (1, 2), {"c": 3}, priority)
    assert (made.queue, made.headers, made.options) == ("shop", {"a": "b"}, {})
