"""Sagas beside the other things that jobs can do: follow-ups, groups, limits, deaths."""

from typing import Any

import pytest

from sagas import Stage, drained
from workhorse import Job, Limit, Retry, Saga, Workhorse
from workhorse.errors import DeclarationError, JobFailed
from workhorse.testing import in_memory


@pytest.fixture
def app() -> Workhorse:
    return Workhorse("memory://", name="beside", retry=Retry(0))


def test_what_is_to_come_after_a_saga_is_its_own_last_step(app: Workhorse) -> None:
    @app.saga
    async def order(saga: Saga) -> int:
        return 1

    @app.task
    async def note(n: int) -> None: ...

    with pytest.raises(DeclarationError, match=r"saga order: expected a task before \.then\(\), got a saga"):
        order.then(note)


async def test_a_saga_is_no_member_of_a_group(app: Workhorse) -> None:
    @app.saga
    async def order(saga: Saga) -> int:
        return 1

    @app.task
    async def total(ns: list[int]) -> int:
        return sum(ns)

    async with in_memory(app):
        with pytest.raises(DeclarationError, match="expected tasks, got the saga order"):
            await app.group([order.job()]).then(total).enqueue()


async def test_a_saga_follows_a_job_and_gathers_a_group(app: Workhorse) -> None:
    stage = Stage()
    add = stage.step("add")

    @app.task
    async def one(n: int) -> int:
        return n

    @app.saga
    async def order(saga: Saga, n: int) -> int:
        return await add(n)

    @app.saga
    async def collect(saga: Saga, ns: list[int]) -> int:
        return await add(sum(ns))

    async with in_memory(app) as bench:
        job = await one.then(order).enqueue(2)
        handle = await app.group([one.job(3), one.job(4)]).then(collect).enqueue()
        await bench.drain()
        assert await order.handle(f"{job.id}~1~0").status() == "succeeded"
        assert await handle.result() == 70
    assert sorted(stage.told) == ["add 2", "add 7"]


async def test_who_is_told_of_deaths_is_told_of_a_called_job_and_its_saga_goes_on(app: Workhorse) -> None:
    dead: list[str] = []

    @app.task
    async def bury(job: Job[Any]) -> None:
        dead.append(job.task)

    @app.task(on_dead=bury, limit=Limit(concurrency=1))
    async def fail() -> int:
        raise ValueError("no")

    @app.saga
    async def order(saga: Saga) -> str:
        try:
            await saga.call(fail)
        except JobFailed as error:
            return error.message
        return ""

    async with in_memory(app) as bench:
        handle = await order.enqueue()
        assert await drained(bench, handle) == "succeeded"
        assert await handle.result() == "no"
    assert dead == ["fail"]
