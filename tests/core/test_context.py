"""The Context: what a task sees of its own job."""

import contextvars
import logging
import threading

import pytest

from workhorse.core import context as contexts
from workhorse.core.context import Context
from workhorse.core.job import Job, Priority

JOB: Job[object] = Job("one", "resize", ("a.png",), {}, "shop", Priority.LOW, {})


def test_by_hand_it_has_a_job_an_attempt_and_an_empty_state() -> None:
    context = Context()
    assert (context.attempt, context.state, context.cancelled) == (1, {}, False)
    assert context.job is context.job
    assert context.job.id != Context().job.id


def test_it_gives_what_it_was_given() -> None:
    context = Context(JOB, attempt=3, state={"pool": 1})
    assert (context.job, context.attempt, context.state, context.idempotency_key) == (JOB, 3, {"pool": 1}, "one")


def test_a_lazy_job_is_built_once_and_only_when_asked_for() -> None:
    built: list[int] = []

    def build() -> Job[object]:
        built.append(1)
        return JOB

    context = Context.lazily(build, attempt=2)
    assert (context.attempt, built) == (2, [])
    assert (context.job, context.job, built) == (JOB, JOB, [1])


def test_current_is_the_innermost_one_and_none_outside() -> None:
    outer, inner = Context(), Context()
    assert Context.current() is None
    first = contexts.enter(outer)
    second = contexts.enter(inner)
    assert Context.current() is inner
    contexts.leave(second)
    assert Context.current() is outer
    contexts.leave(first)
    assert Context.current() is None


def test_current_goes_with_a_copied_context_into_a_thread() -> None:
    mine, seen = Context(), list[Context | None]()
    token = contexts.enter(mine)
    copied = contextvars.copy_context()
    contexts.leave(token)
    thread = threading.Thread(target=copied.run, args=(lambda: seen.append(Context.current()),))
    thread.start()
    thread.join()
    assert seen == [mine]


def test_a_cancel_shows() -> None:
    context = Context()
    contexts.cancel(context)
    assert context.cancelled


async def test_progress_is_reported_as_a_share_with_a_word() -> None:
    said: list[tuple[float, str]] = []

    async def report(done: float, text: str) -> None:
        said.append((done, text))

    context = Context(JOB, report=report)
    await context.progress(0)
    await context.progress(0.5, "half way")
    await context.progress(1)
    assert said == [(0.0, ""), (0.5, "half way"), (1.0, "")]
    await Context().progress(0.5)  # by hand: nobody listens


@pytest.mark.parametrize("done", [-0.1, 1.1, 50, float("nan")])
async def test_progress_out_of_range_is_refused(done: float) -> None:
    with pytest.raises(ValueError, match="from 0 to 1"):
        await Context().progress(done)


def test_a_log_record_carries_job_task_and_attempt_beside_what_the_call_adds(caplog: pytest.LogCaptureFixture) -> None:
    context = Context(JOB, attempt=2)
    with caplog.at_level(logging.INFO, "workhorse.task"):
        context.log.info("hello %s", "you", extra={"size": 3})
    (record,) = caplog.records
    assert record.getMessage() == "hello you"
    assert {name: record.__dict__[name] for name in ("job", "task", "attempt", "size")} == {
        "job": "one",
        "task": "resize",
        "attempt": 2,
        "size": 3,
    }
