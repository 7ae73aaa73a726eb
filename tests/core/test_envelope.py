"""From a job to its envelope: what stands outside for the engine, and what in the payload for the worker."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from small_app import SmallApp
from workhorse.core.contract import Envelope
from workhorse.core.document import Overrides, decode, retry_from_doc
from workhorse.core.envelope import encode_job
from workhorse.core.job import Job, Priority
from workhorse.core.retry import Exponential, Fixed, Retry
from workhorse.core.schema import Unfit
from workhorse.core.task import remote

app = SmallApp()


@app.task(headers={"kind": "picture"}, timeout=30)
def resize(path: str, width: int = 256) -> str:
    return path


def envelope(**options: Any) -> Envelope:
    return encode_job(resize.options(**options).job("a.png", width=3), resize)


def overrides(**options: Any) -> Overrides:
    return decode(envelope(**options).payload).overrides


def test_an_engine_sees_names_and_times_and_no_arguments() -> None:
    job = resize.options(id="cat", queue="slow", priority=Priority.HIGH, headers={"a": "b"}).job("a.png")
    it = encode_job(job, resize)
    assert (it.id, it.task, it.queue, it.topic, it.priority) == ("cat", "resize", "slow", "", 3)
    assert type(it.priority) is int
    assert it.headers == {"kind": "picture", "a": "b"}
    assert (it.delay, it.at, it.expires, it.attempt, it.trail) == (0.0, None, None, 1, b"")


def test_the_arguments_come_back_as_they_were() -> None:
    document = decode(encode_job(resize.job("a.png", width=3), resize).payload)
    args, kwargs = resize.schema.decode(document.args, document.kwargs, document.tagged)
    assert resize.fn(*args, **kwargs) == "a.png"
    assert document.tagged is False


def test_arguments_that_do_not_fit_are_refused() -> None:
    for args in ((), (3,), ("a", "b"), ("a", 1, 2)):
        with pytest.raises(Unfit):
            encode_job(resize.job(*args), resize)


def test_delays_and_moments_stand_in_the_envelope() -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    assert envelope(delay=timedelta(minutes=1)).delay == 60.0
    assert (envelope(at=at).at, envelope(at=at).delay) == (at.timestamp(), 0.0)
    assert envelope(expires=5).expires == 5.0


def test_an_expiry_at_a_moment_counts_from_now_and_never_below_nothing() -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    job = resize.options(expires=at).job("a.png")
    assert encode_job(job, resize, lambda: at.timestamp() - 90).expires == 90.0
    assert encode_job(job, resize, lambda: at.timestamp() + 90).expires == 0.0


def test_what_the_task_declares_does_not_travel() -> None:
    assert overrides() == Overrides()


def test_what_was_said_of_this_one_job_travels() -> None:
    said = overrides(
        retry=Retry(5, Exponential(1, 3, 60, min=2), jitter=0.5), timeout=None, result_ttl=0, max_crashes=1
    )
    assert (said.timeout, said.result_ttl, said.max_crashes) == (None, 0.0, 1)
    assert said.retry is not None
    assert retry_from_doc(said.retry) == Retry(5, Exponential(1, 3, 60, min=2), jitter=0.5)
    assert overrides(timeout=3) == Overrides(timeout=3.0)


def test_the_default_jitter_travels_as_it_is() -> None:
    for retry in (Retry(5), Retry(5, Fixed(1))):
        doc = overrides(retry=retry).retry
        assert doc is not None
        assert retry_from_doc(doc) == retry


@pytest.mark.parametrize("known", [True, False])
def test_a_job_for_another_service_travels_tagged(known: bool) -> None:
    there = remote("billing.invoice", resize.settings, app, {"delay": 3})
    job = there.job(42, when=datetime(2026, 1, 1, tzinfo=UTC))
    it = encode_job(job, there if known else None)
    document = decode(it.payload)
    assert document.tagged is True
    assert (it.delay, it.task) == (3.0, "billing.invoice")
    assert b"2026" in bytes(document.kwargs)


def test_a_job_made_by_hand_is_as_good_as_one_of_its_task() -> None:
    by_hand: Job[str] = Job(
        "one", "resize", ("a",), {}, "shop", Priority.MEDIUM, {}, {"delay": timedelta(seconds=3), "timeout": 9}
    )
    it = encode_job(by_hand, resize)
    assert it.delay == 3.0
    assert decode(it.payload).overrides == Overrides(timeout=9.0)


def test_an_envelope_is_one_an_engine_can_copy() -> None:
    it = encode_job(resize.job("a"), resize)
    assert msgspec.structs.replace(it, attempt=2).payload is it.payload
