"""Tasks in processes of their own: their results, their deaths, and a time-out that kills."""

import os
from pathlib import Path

import pytest

import process_tasks as tasks
from waiting import until
from workhorse import JobFailed
from workhorse.testing import in_memory


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_a_cpu_bound_task_runs_in_another_process_which_is_used_again() -> None:
    async with in_memory(tasks.app) as bench:
        for _ in range(2):
            await tasks.whose_pid.enqueue()
            await bench.drain()
        await tasks.crunch.enqueue(10)
        await bench.drain()
        first, second, sum_ = bench.results
        assert os.getpid() not in (first, second)
        assert sum_ == 285


async def test_a_process_that_dies_is_a_failed_attempt_and_the_worker_goes_on() -> None:
    async with in_memory(tasks.app) as bench:
        job = await tasks.end_it.enqueue(3)
        await tasks.crunch.enqueue(3)
        counts = await bench.drain()
        assert (counts.dead, counts.succeeded) == (1, 1)
        with pytest.raises(JobFailed, match="ended with exit code 3"):
            await job.result()


async def test_a_time_out_kills_the_process(tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    async with in_memory(tasks.app) as bench:
        job = await tasks.for_ever.enqueue(str(mark))
        assert (await bench.drain()).dead == 1
        with pytest.raises(JobFailed, match="TimeoutError"):
            await job.result()
    until(lambda: not mark.exists() or not alive(int(mark.read_text())))  # no mark: it was killed while it started


async def test_the_process_judges_its_errors_by_the_tasks_retry() -> None:
    async with in_memory(tasks.app) as bench:
        job = await tasks.hopeless.enqueue()
        counts = await bench.drain()
        assert (counts.retried, counts.dead) == (0, 1)
        with pytest.raises(JobFailed, match="KeyError") as caught:
            await job.result()
        assert 'raise KeyError("no use")' in caught.value.traceback


@pytest.mark.parametrize(("task", "said"), [(tasks.give_up, "enough"), (tasks.leave, "SystemExit: 7")])
async def test_giving_up_and_leaving_are_deaths_of_the_job_alone(task: object, said: str) -> None:
    async with in_memory(tasks.app) as bench:
        job = await task.enqueue()
        assert (await bench.drain()).dead == 1
        with pytest.raises(JobFailed, match=said):
            await job.result()


async def test_a_fork_in_a_process_answers_once() -> None:
    async with in_memory(tasks.app) as bench:
        await tasks.fork_and_return.enqueue()
        await tasks.crunch.enqueue(3)
        assert (await bench.drain()).succeeded == 2
        assert sorted(bench.results) == [1, 5]
