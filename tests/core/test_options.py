"""Options: checked at the door, merged from the app down to the job."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from workhorse import Every
from workhorse.core.errors import DeclarationError
from workhorse.core.options import (
    FOR_ALL,
    FOR_JOBS,
    FOR_TASKS,
    Priority,
    checked,
    checked_once,
    merged,
    restated,
    settled,
)
from workhorse.core.retry import Exponential, Fixed, Linear, Retry
from workhorse.core.typed import JobOptions, OnceOptions, TaskOptions

NOON = datetime(2026, 1, 1, 12, tzinfo=timezone(timedelta(hours=1)))


def test_the_defaults_are_those_of_the_docs() -> None:
    it = settled("shop", [])
    assert (it.queue, it.priority, it.timeout, it.expires) == ("shop", Priority.MEDIUM, 600.0, None)
    assert (it.result_ttl, it.headers, it.max_crashes) == (3600.0, {}, 3)
    assert it.retry == Retry(3, Exponential(1, 2, 3600), jitter=1)


def test_durations_become_seconds_and_moments_seconds_since_the_epoch() -> None:
    given = {"timeout": timedelta(minutes=1), "result_ttl": 0, "delay": timedelta(days=1), "expires": 3}
    assert checked(given, FOR_JOBS, "x") == {"timeout": 60.0, "result_ttl": 0.0, "delay": 86_400.0, "expires": 3.0}
    assert checked({"at": NOON}, FOR_JOBS, "x") == {"at": datetime(2026, 1, 1, 11, tzinfo=UTC).timestamp()}
    assert checked({"expires": NOON, "timeout": None}, FOR_JOBS, "x") == {"expires": NOON, "timeout": None}


BAD: list[tuple[str, Any]] = [
    ("queue", "mail room"),
    ("queue", ""),
    ("queue", 3),
    ("priority", "high"),
    ("priority", 4),
    ("priority", True),
    ("retry", 3),
    ("retry", None),
    ("timeout", 0),
    ("timeout", -1),
    ("timeout", "30"),
    ("timeout", float("nan")),
    ("expires", 0),
    ("expires", datetime(2026, 1, 1)),
    ("unique", ("to",)),
    ("unique", True),
    ("limit", 5),
    ("limit", "100/min"),
    ("ordered_by", "account"),
    ("ordered_by", ("account",)),
    ("result_ttl", -1),
    ("result_ttl", None),
    ("result_ttl", float("inf")),
    ("headers", "a"),
    ("headers", {"a": 1}),
    ("headers", {1: "a"}),
    ("headers", {"a": "\0"}),
    ("headers", {"a": "\ud800"}),
    ("max_crashes", 0),
    ("max_crashes", 1.5),
    ("max_crashes", True),
    ("id", "a/b"),
    ("id", "a~b"),
    ("id", ""),
    ("delay", -1),
    ("delay", 10**12),
    ("delay", "3"),
    ("at", datetime(2026, 1, 1)),
    ("at", 3),
    ("name", "é"),
    ("name", "a" * 201),
    ("run_in", "fiber"),
    ("schedule", "0 4 * * *"),
    ("schedule", None),
    ("schedule", [Every(minutes=5)]),
]


@pytest.mark.parametrize(("name", "value"), BAD)
def test_a_value_out_of_range_is_refused_with_what_was_expected(name: str, value: Any) -> None:
    with pytest.raises(DeclarationError, match=rf"{name}.*expected"):
        checked({name: value}, FOR_TASKS | FOR_JOBS, "task()")


def test_a_headers_value_is_not_shown_when_it_is_refused() -> None:
    with pytest.raises(DeclarationError) as refused:
        checked({"headers": {"token": "geheim\0"}}, FOR_ALL, "task()")
    assert "geheim" not in str(refused.value)


def test_an_option_that_does_not_exist_is_a_type_error_with_a_hint() -> None:
    with pytest.raises(
        TypeError, match=r"^options\(\) got an unexpected keyword argument 'dealy'; did you mean 'delay'\?"
    ):
        checked({"dealy": 3}, FOR_JOBS, "options()")


@pytest.mark.parametrize("later", ["connection"])
def test_what_is_not_built_is_no_option(later: str) -> None:
    with pytest.raises(TypeError, match=later):
        checked({later: None}, FOR_TASKS | FOR_JOBS, "task()")


def test_the_typed_options_are_those_that_are_checked() -> None:
    said = JobOptions.__annotations__, OnceOptions.__annotations__, TaskOptions.__annotations__
    assert tuple(map(frozenset, said)) == (FOR_ALL, FOR_JOBS, FOR_TASKS - {"batch", "schedule"})


def test_who_is_told_of_a_death_is_a_task_and_a_batch_is_a_batch() -> None:
    with pytest.raises(DeclarationError, match=r"task\(\): on_dead: expected a task that takes the dead job, got 3"):
        checked({"on_dead": 3}, FOR_TASKS, "task()")
    with pytest.raises(DeclarationError, match=r"task\(\): batch: expected a Batch, got 100; say Batch\(size="):
        checked({"batch": 100}, FOR_TASKS, "task()")


def test_delay_and_at_exclude_each_other() -> None:
    with pytest.raises(DeclarationError, match="delay or at"):
        checked({"delay": 3, "at": NOON}, FOR_JOBS, "options()")


@pytest.mark.parametrize("delay", [Fixed(1), Linear(), Exponential()])
def test_a_retry_of_one_job_may_have_any_delay_that_travels(delay: Fixed | Linear | Exponential) -> None:
    assert checked_once({"retry": Retry(3, delay)}, "options()")["retry"] == Retry(3, delay)


@pytest.mark.parametrize("retry", [Retry(3, lambda n: n), Retry(3, on=(OSError,)), Retry(3, never=(OSError,))])
def test_a_retry_that_cannot_travel_belongs_on_the_task(retry: Retry) -> None:
    with pytest.raises(DeclarationError, match="put it on the task"):
        checked_once({"retry": retry}, "options()")
    assert checked({"retry": retry}, FOR_TASKS, "task()") == {"retry": retry}


def test_later_layers_win_and_headers_add_up() -> None:
    app = {"queue": "app", "timeout": 1.0, "headers": {"a": "app", "b": "app"}}
    router = {"queue": "router", "headers": {"b": "router", "c": "router"}}
    task = {"timeout": None, "headers": {"c": "task"}}
    assert merged([app, router, task]) == {
        "queue": "router",
        "timeout": None,
        "headers": {"a": "app", "b": "router", "c": "task"},
    }


def test_of_delay_and_at_the_later_said_stands_alone() -> None:
    assert merged([{"delay": 3.0}, {"at": 5.0}]) == {"at": 5.0}
    assert merged([{"at": 5.0}, {"queue": "x"}, {"delay": 0.0}]) == {"queue": "x", "delay": 0.0}


def test_options_that_a_job_keeps_are_kept_as_they_are() -> None:
    once = restated({"at": NOON, "timeout": timedelta(minutes=1)}, "Job")
    assert once == {"at": NOON.timestamp(), "timeout": 60.0}
    assert restated(once, "Job") == once
    with pytest.raises(DeclarationError, match="delay or at"):
        restated({"at": 5.0, "delay": 3}, "Job")
