"""A worker and who enqueues for it, while every verb fails, loses its answer, comes late and is done twice, in any order."""

import asyncio
from collections import Counter
from random import Random

import pytest

from faulty_engine import lined, turns
from workhorse import Context, Fixed, JobHandle, Retry, Workhorse
from workhorse.testing.faults import Away, Fault, Happened, Late, Lost, Repeated, Script, Stalled
from workhorse.testing.faults.fault import Verb


async def some_turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


MOVED: list[Fault] = [Away(), Stalled(some_turns), Late(some_turns), Lost()]
PLANNED: dict[Verb, list[Fault]] = {
    "publish": [*MOVED, Repeated()],
    "claim": MOVED,  # what a lost one brought comes again when its lease is over
    "settle": [*MOVED, Repeated()],
}


@pytest.mark.parametrize("seed", range(3))
async def test_every_job_that_was_accepted_is_done_however_rough_the_day(
    monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    line, random = lined(monkeypatch, Script()), Random(seed)
    for verb, faults in PLANNED.items():
        line.next(verb, *random.sample([*faults, None, None, None], len(faults) + 3))
    planned = {Happened(verb, fault) for verb, faults in PLANNED.items() for fault in faults}
    app = Workhorse("memory://", name="rough", max_crashes=100, retry=Retry(1, Fixed(0)))
    runs, jobs = Counter[int](), list[JobHandle[int]]()

    @app.task(name="tell")
    async def tell(ctx: Context, n: int) -> int:
        runs[n] += 1
        if n % 3 == 0 and ctx.attempt == 1:
            raise ValueError("once")
        return n

    async with app, asyncio.timeout(60):
        working = asyncio.create_task((worker := app.worker(concurrency=4, lease=0.3, signals=())).run())
        while not planned <= set(line.happened):
            n = len(jobs)
            jobs.append(await tell.enqueue(n))
            await turns(lambda n=n: runs[n])
        assert [await job.result() for job in jobs] == list(range(len(jobs)))
        assert [len(await job.history()) for job in jobs] == [2 if n % 3 == 0 else 1 for n in range(len(jobs))]
        worker.stop()
        await working
        assert {await job.status() for job in jobs} == {"succeeded"}
