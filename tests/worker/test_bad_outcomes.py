"""Bad output, end to end: results that cannot travel, errors that cannot be told, waits that cannot be, a flood of log
lines; each is told small and clear, and the worker goes on, which the good job behind each of them shows."""

import io
import logging
from collections.abc import Callable
from typing import Any

import pytest

from bad_input import UNSENDABLE
from workhorse import Fixed, GiveUp, JobFailed, Retry, RetryLater, Skip, Workhorse
from workhorse.engine import Row
from workhorse.errors import JobNotFound
from workhorse.observe.logging import TextFormatter
from workhorse.testing import in_memory
from workhorse.testing.bench import Bench

app = Workhorse("memory://", name="bad", retry=Retry(1, Fixed(0)))
calls: list[object] = []


@pytest.fixture(autouse=True)
def _fresh() -> None:
    calls.clear()


@app.task
async def good(n: int = 1) -> int:
    return n


async def row(id: str) -> Row:
    inspector = (await app.engine()).inspector
    assert inspector is not None
    found = await inspector.show(id)
    assert found is not None
    return found


async def goes_on(bench: Bench) -> None:
    """The worker has lived through it: what comes behind is run."""
    job = await good.enqueue(7)
    await bench.drain()
    assert await job.result() == 7


class Sour:
    """Nothing can be made of it: every way to look at it raises."""

    def __str__(self) -> str:
        raise RuntimeError("no words")

    __repr__ = __str__


class Bitter(Exception):
    def __str__(self) -> str:
        raise SystemExit(5)


class Serialised(RuntimeError): ...


RESULTS: dict[str, object] = {**UNSENDABLE, "sour": Sour(), "sour inside": [Sour()]}


@app.task
async def give(what: str) -> object:
    calls.append(what)
    return RESULTS[what]


@app.task
def give_numbers(what: str) -> list[int]:
    calls.append(what)
    return RESULTS[what]  # type: ignore[return-value]


@pytest.mark.parametrize("task", [give, give_numbers], ids=["any", "annotated"])
@pytest.mark.parametrize("what", RESULTS)
async def test_a_result_that_cannot_travel_says_why_it_is_missing_and_the_job_is_done(what: str, task: Any) -> None:
    async with in_memory(app) as bench:
        job = await task.enqueue(what)
        counts = await bench.drain()
        assert (counts.succeeded, counts.retried, calls) == (1, 0, [what])
        assert await job.status() == "succeeded"
        with pytest.raises(JobNotFound, match="its result could not be kept: result"):
            await job.result()
        (attempt,) = await job.history()
        assert (attempt.successful, attempt.value) == (True, None)
        await goes_on(bench)


async def test_a_result_whose_own_code_fails_while_it_is_encoded_is_no_reason_to_run_again() -> None:
    pydantic = pytest.importorskip("pydantic")

    class Model(pydantic.BaseModel):  # type: ignore[name-defined, misc]
        n: int

        @pydantic.field_serializer("n")
        def serialise(self, n: int) -> int:
            raise Serialised("its serializer failed")

    local = Workhorse("memory://", name="models")

    @local.task(name="model")
    async def model() -> Model:
        calls.append(1)
        return Model(n=1)

    async with in_memory(local) as bench:
        job = await model.enqueue()
        counts = await bench.drain()
        assert (counts.succeeded, counts.retried, calls) == (1, 0, [1])
        with pytest.raises(JobNotFound, match="its serializer failed"):
            await job.result()


RAISED: dict[str, tuple[Callable[[], BaseException], str]] = {
    "a text that raises": (lambda: ValueError(Sour()), "ValueError: <its text raised RuntimeError>"),
    "a text that leaves": (Bitter, "Bitter: <its text raised SystemExit>"),
    "giving up without words": (lambda: GiveUp(Sour()), "GiveUp: <its text raised RuntimeError>"),  # type: ignore[arg-type]
    "ten megabytes": (lambda: ValueError("x" * 10_000_000), "ValueError: xxx"),
    "giving up in ten megabytes": (lambda: GiveUp("x" * 10_000_000), "GiveUp: xxx"),
    "NUL and surrogates": (lambda: ValueError("a\0b\ud800"), "ValueError: a\0b\\ud800"),
    "a group": (lambda: ExceptionGroup("two", [ValueError(1), KeyError(2)]), "ExceptionGroup: two (2 sub-exceptions)"),
    "leaving": (lambda: SystemExit(3), "SystemExit: 3"),
    "a key on the keyboard": (KeyboardInterrupt, "KeyboardInterrupt"),
}


@app.task(retry=Retry(0))
async def raise_it(what: str) -> None:
    raise RAISED[what][0]()


@app.task(retry=Retry(0))
def raise_it_in_thread(what: str) -> None:
    raise RAISED[what][0]()


@pytest.mark.parametrize("task", [raise_it, raise_it_in_thread], ids=["async", "thread"])
@pytest.mark.parametrize("what", RAISED)
async def test_whatever_is_raised_is_told_and_kept_small(what: str, task: Any) -> None:
    async with in_memory(app) as bench:
        job = await task.enqueue(what)
        assert (await bench.drain()).dead == 1
        found = await row(job.id)
        assert found.reason.startswith(RAISED[what][1])
        assert len(found.job.trail) + len(found.reason) < 25_000
        await goes_on(bench)


SKIPPED: dict[str, object] = {"no words": Sour(), "ten megabytes": "x" * 10_000_000, "a surrogate": "\ud800"}


@app.task
async def skip(what: str) -> None:
    raise Skip(SKIPPED[what])  # type: ignore[arg-type]


@pytest.mark.parametrize("what", SKIPPED)
async def test_whatever_reason_a_task_skips_for_it_has_succeeded(what: str) -> None:
    async with in_memory(app) as bench:
        job = await skip.enqueue(what)
        assert (await bench.drain()).succeeded == 1
        assert await job.result() is None
        assert len((await row(job.id)).job.trail) < 10_000
        await goes_on(bench)


@app.task(retry=Retry(0))
async def come_again(after: float, counts: bool) -> None:
    raise RetryLater(after, counts=counts)


@pytest.mark.parametrize("counts", [True, False])
@pytest.mark.parametrize("after", [1e10, 1e15, 1e300, -1.0])
async def test_a_task_that_asks_for_another_millennium_fails_and_hurts_nobody(after: float, counts: bool) -> None:
    async with in_memory(app) as bench:
        job = await come_again.enqueue(after, counts)
        assert (await bench.drain()).dead == 1
        with pytest.raises(JobFailed, match=r"ValueError: after: expected 0 to 3\.2e\+09 seconds"):
            await job.result()
        await goes_on(bench)


@app.task(retry=Retry(1, lambda retry: float("inf")))
async def never_again() -> None:
    raise ValueError("first")


async def test_a_retry_that_would_wait_for_ever_kills_its_job_and_says_so() -> None:
    async with in_memory(app) as bench:
        job = await never_again.enqueue()
        await bench.drain()
        assert "its retry policy failed" in (await row(job.id)).reason
        await goes_on(bench)


@app.task(retry=Retry(0))
def flood(lines: int) -> int:
    for n in range(lines):
        logging.getLogger("flood").warning("line %d\r\n\x1b[2J%s", n, "x" * 100)
        logging.getLogger("flood").warning("a call whose arguments do not fit: %d", "x")
    return lines


async def test_a_task_that_floods_the_log_slows_itself_alone() -> None:
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(TextFormatter())
    log = logging.getLogger("flood")
    log.propagate = False
    log.addHandler(handler)
    async with in_memory(app) as bench:
        await flood.enqueue(5_000)
        for n in range(20):
            await good.enqueue(n)
        assert (await bench.drain()).succeeded == 21
        assert sorted(bench.results) == [*range(20), 5_000]
        assert bench.results[-1] == 5_000
    lines = written.getvalue().splitlines()
    assert len(lines) == 10_000
    assert all(line.isprintable() for line in lines)
