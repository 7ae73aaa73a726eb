"""One job a key: what becomes of a second one, for how long, and under many who enqueue at once. The same on every engine."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from homes import HOMES, home
from workhorse import JobFailed, Retry, Unique, Workhorse
from workhorse.engine import Filter
from workhorse.errors import EnqueueRefused
from workhorse.testing import drain, in_memory


def make(url: str) -> Workhorse:
    app = Workhorse(url, name="shop", retry=Retry(0))

    @app.task(name="report", unique=Unique(by=("account",)))
    async def report(account: str, day: int = 1) -> int:
        return day

    @app.task(name="fail", unique=Unique())
    async def fail() -> None:
        raise ValueError("no")

    return app


@pytest.fixture(params=HOMES)
async def app(request: pytest.FixtureRequest) -> AsyncIterator[Workhorse]:
    async with make(home(request, request.param)) as app:
        yield app


async def waiting(app: Workhorse) -> list[str]:
    inspector = (await app.engine()).inspector
    assert inspector is not None
    return [row.job.id for row in await inspector.list(Filter(status="ready"))]


async def test_a_second_job_of_a_key_is_skipped_and_its_handle_is_the_first_ones(app: Workhorse) -> None:
    report = app.registry.find("report")
    first = await report.enqueue("acme", 1)
    assert await report.enqueue(account="acme", day=2) == first
    assert (await report.enqueue("other")).id != first.id
    assert (await drain(app)).succeeded == 2
    assert await first.result() == 1


async def test_of_fifty_who_enqueue_at_once_exactly_one_is_accepted(
    app: Workhorse, request: pytest.FixtureRequest
) -> None:
    others = [make(app.places.url) for _ in range(4)]
    try:
        tasks = [each.registry.find("report") for each in (app, *others)]
        handles = await asyncio.gather(*(tasks[number % 5].enqueue("acme", number) for number in range(50)))
        assert len({handle.id for handle in handles}) == 1
        assert await waiting(app) == [handles[0].id]
    finally:
        for other in others:
            await other.close()
    assert (await drain(app)).succeeded == 1


async def test_its_end_frees_the_key_whatever_it_was(app: Workhorse) -> None:
    report, fail = app.registry.find("report"), app.registry.find("fail")
    first, failed, stopped = await report.enqueue("acme"), await fail.enqueue(), await report.enqueue("other")
    await stopped.cancel()
    await drain(app)
    with pytest.raises(JobFailed, match="no"):
        await failed.result()
    again = [await report.enqueue("acme"), await fail.enqueue(), await report.enqueue("other")]
    assert {handle.id for handle in again}.isdisjoint({first.id, failed.id, stopped.id})


async def test_raise_refuses_and_says_which_job_is_there(app: Workhorse) -> None:
    report = app.registry.find("report").options(unique=Unique(by=("account",), on_conflict="raise"))
    first = await report.enqueue("acme")
    with pytest.raises(EnqueueRefused, match=f"a unique key that is free, got that of job {first.id}"):
        await report.enqueue("acme")


async def test_of_many_only_those_whose_key_is_taken_are_refused(app: Workhorse) -> None:
    report = app.registry.find("report").options(unique=Unique(by=("account",), on_conflict="raise"))
    jobs = [report.job("a"), report.job("b"), report.job("a")]
    with pytest.raises(EnqueueRefused) as caught:
        await app.enqueue_many(jobs)
    assert [id for id, _ in caught.value.refused] == [jobs[2].id]
    assert (await drain(app)).succeeded == 2


async def test_many_that_skip_have_handles_of_the_jobs_that_are_there(app: Workhorse) -> None:
    report = app.registry.find("report")
    handles = await app.enqueue_many(report.job(account) for account in ("a", "b", "a", "b"))
    assert handles[:2] == handles[2:]
    assert handles[0] != handles[1]


async def test_replace_gives_the_waiting_job_the_newest_arguments(app: Workhorse) -> None:
    report = app.registry.find("report").options(unique=Unique(by=("account",), on_conflict="replace"))
    handles = [await report.enqueue("acme", day) for day in (1, 2, 3)]
    assert len(set(handles)) == 1
    assert (await drain(app)).succeeded == 1
    assert await handles[0].result() == 3


async def test_the_same_job_again_is_the_same_job_and_no_conflict(app: Workhorse) -> None:
    job = app.registry.find("report").options(unique=Unique(by=("account",), on_conflict="raise")).job("acme")
    assert await app.enqueue(job) == await app.enqueue(job)


HOSTILE = [
    "",
    "\0",
    "é\u202e",
    "a" * 10_000,
    "'; drop table jobs; --",
    "{tag}",
    "mail/other:x",
    "%s",
    "\U0010ffff",
    '"\\',
]


async def test_keys_of_any_text_are_kept_apart(app: Workhorse) -> None:
    report = app.registry.find("report")
    handles = [await report.enqueue(text) for text in HOSTILE]
    assert len(set(handles)) == len(HOSTILE)
    assert [await report.enqueue(account=text) for text in HOSTILE] == handles


def windowed(unique: Unique) -> Workhorse:
    app = Workhorse("memory://", name="shop")

    @app.task(name="report", unique=unique)
    async def report(account: str, day: int = 1) -> int:
        return day

    return app


async def test_within_counts_from_the_acceptance_and_outlasts_the_end() -> None:
    app = windowed(Unique(within=timedelta(minutes=1)))
    report = app.registry.find("report")
    async with in_memory(app) as bench:
        first = await report.enqueue("acme")
        await bench.drain()
        bench.clock.advance(59)
        assert await report.enqueue("acme") == first
        bench.clock.advance(2)
        assert await report.enqueue("acme") != first


async def test_queued_is_free_once_it_runs_and_running_is_not() -> None:
    app = Workhorse("memory://", name="shop")
    seen: list[str] = []
    begun: list[bool] = []

    @app.task(name="queued", unique=Unique(while_="queued"))
    async def queued(depth: int = 0) -> None:
        if not begun:
            begun.append(True)
            seen.append((await queued.enqueue()).id)

    @app.task(name="running", unique=Unique())
    async def running() -> None:
        seen.append((await running.enqueue()).id)

    async with in_memory(app) as bench:
        first, second = await queued.enqueue(), await running.enqueue()
        assert (await bench.drain()).succeeded == 3
    assert first.id not in seen
    assert second.id in seen


async def test_finished_is_free_when_the_job_is_no_longer_kept() -> None:
    app = windowed(Unique(while_="finished"))
    report = app.registry.find("report")
    async with in_memory(app) as bench:
        first = await report.enqueue("acme")
        await bench.drain()
        assert await report.enqueue("acme") == first
        inspector = (await app.engine()).inspector
        assert inspector is not None
        await inspector.delete(Filter(ids=[first.id]))
        assert await report.enqueue("acme") != first


async def test_replace_with_a_delay_runs_once_when_it_has_become_quiet() -> None:
    app = windowed(Unique(by=("account",), while_="queued", on_conflict="replace"))
    report = app.registry.find("report").options(delay=10)
    async with in_memory(app) as bench:
        for day in (1, 2, 3):
            await report.enqueue("acme", day)
            bench.clock.advance(6)
            assert (await bench.drain()).succeeded == 0
        bench.clock.advance(5)
        await bench.drain()
        assert bench.results == [3]


async def test_what_was_skipped_or_replaced_is_not_told_as_enqueued() -> None:
    app = windowed(Unique(on_conflict="replace"))
    report = app.registry.find("report")
    async with in_memory(app) as bench:
        await report.enqueue("acme")
        await report.enqueue("acme")
        assert len(bench.jobs) == 1
