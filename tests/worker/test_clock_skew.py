"""A worker whose wall clock is an hour off, or jumps while it works: what it claims, runs and settles is timed by the engine."""

import time
from collections.abc import Iterator

import pytest

from workhorse import Context, Fixed, Retry, Workhorse
from workhorse.core.happenings import JobLost
from workhorse.engines.sqlite import memory
from workhorse.testing import ManualClock, drain
from workhorse.testing.conformance.skew import HOUR, wall_clock_off

NAME = "skewed-worker"
off = pytest.mark.parametrize("off", [HOUR, -HOUR], ids=["ahead", "behind"])


@pytest.fixture
def clock() -> Iterator[ManualClock]:
    """The engine's: no worker's clock moves it."""
    clock = ManualClock()
    memory.home(NAME, clock=clock)
    yield clock
    memory.forget(NAME)


@pytest.fixture
def app(clock: ManualClock) -> Workhorse:
    return Workhorse(f"memory://{NAME}", name="shop", retry=Retry(1, Fixed(0)))


@off
async def test_a_worker_whose_clock_is_off_runs_what_is_due_and_nothing_else(
    app: Workhorse, clock: ManualClock, off: float
) -> None:
    @app.task(name="tell")
    async def tell(ctx: Context) -> int:
        if ctx.attempt == 1:
            raise ValueError("no")
        return ctx.attempt

    async with app:
        with wall_clock_off(off):
            due, later, old = [
                await tell.options(**options).enqueue() for options in ({}, {"delay": HOUR / 2}, {"expires": 600})
            ]
            counts = await drain(app)
            assert (counts.succeeded, counts.retried, counts.dead) == (2, 2, 0)
            assert [await job.status() for job in (due, later, old)] == ["succeeded", "scheduled", "succeeded"]
            clock.advance(HOUR / 2 + 1)
            assert (await drain(app)).succeeded == 1


@off
async def test_a_clock_that_jumps_under_a_running_job_costs_it_nothing(
    app: Workhorse, clock: ManualClock, off: float
) -> None:
    lost = list[JobLost]()
    app.bus.listen(JobLost, lost.append)
    with pytest.MonkeyPatch.context() as patch:

        @app.task(name="jump", timeout=60)
        async def jump(ctx: Context) -> int:
            real = time.time
            patch.setattr(time, "time", lambda: real() + off)
            return ctx.attempt

        async with app:
            job = await jump.enqueue()
            assert (await drain(app)).succeeded == 1
            assert (await job.result(), lost) == (1, [])
