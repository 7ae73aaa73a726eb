"""Groups: their results go, in order, to one job; whatever becomes of the members."""

import asyncio
from typing import Any

import pytest

from workhorse import Failure, JobFailed, Retry, Skip, Success, Unique, Workhorse
from workhorse.core.context import Context
from workhorse.core.contract import Store
from workhorse.core.job import Job
from workhorse.engine import Filter
from workhorse.errors import DeclarationError, EngineRefused, EnqueueRefused
from workhorse.testing import in_memory

app = Workhorse("memory://", name="groups", retry=Retry(0))
seen: list[Any] = []
broken = True


@pytest.fixture(autouse=True)
def _fresh() -> None:
    global broken
    seen.clear()
    broken = True


@app.task
async def resize(path: str) -> str:
    for _ in range(len(path)):
        await asyncio.sleep(0)  # so that they end in another order
    if path == "skip":
        raise Skip("it is small")
    if path == "bad" and broken:
        raise ValueError("no picture")
    return path.upper()


@app.task
async def bury(dead: Job[Any]) -> None:
    seen.append(dead)


@app.task(on_dead=bury)
async def collage(parts: list[str], title: str = "", *, sep: str = "") -> str:
    seen.append(Context.current().attempt)  # type: ignore[union-attr]
    return title + sep.join(parts)


@app.task
async def report(ends: list[Success[str] | Failure]) -> list[str]:
    seen.extend(ends)
    return [it.value if isinstance(it, Success) else repr(it.value) for it in ends]


@app.task(result_ttl=0)
async def unkept(n: int) -> int:
    return n


@app.task
async def total(ns: list[int]) -> int:
    return sum(ns)


async def keys(prefix: str = "group/") -> list[str]:
    return [key for key, _, _ in await (await store()).scan(prefix)]


async def store() -> Store:
    found = (await app.engine()).store
    assert found is not None
    return found


async def test_the_results_go_in_order_to_one_job_with_its_own_arguments() -> None:
    async with in_memory(app) as bench:
        paths = ["aaaa", "b", "ccc", "dd"]
        handle = await app.group(resize.job(path) for path in paths).then(collage, "t:", sep=",").enqueue()
        assert await handle.status() == "waiting"
        assert (await bench.drain()).succeeded == 5
        assert await handle.result() == "t:AAAA,B,CCC,DD"
        assert await handle.status() == "succeeded"


async def test_its_facts_are_gone_when_its_collector_has_succeeded() -> None:
    async with in_memory(app) as bench:
        await app.group(resize.job(str(n)) for n in range(120)).then(collage).enqueue()
        assert len(await keys()) == 1
        await bench.drain()
        assert await keys() == []


async def test_an_empty_group_is_collected_at_once() -> None:
    async with in_memory(app) as bench:
        handle = await app.group([]).then(total).enqueue()
        assert await handle.status() == "ready"
        await bench.drain()
        assert await handle.result() == 0


@pytest.mark.parametrize("count", [1, 9, 10, 11, 100, 1001])
async def test_groups_of_any_size(count: int) -> None:
    async with in_memory(app) as bench:
        handle = await app.group(unkept.job(n) for n in range(count)).then(total).enqueue()
        assert (await bench.drain()).succeeded == count + 1
        assert await handle.result() == sum(range(count))


async def test_a_collector_has_options_and_follow_ups_of_its_own() -> None:
    async with in_memory(app) as bench:
        collector = collage.options(id="nightly", queue="late").then(collage_note)
        handle = await app.group([resize.job("a")]).then(collector).enqueue()
        assert handle.id == "nightly"
        await bench.drain()
        assert (await app.worker(queues=["late"], burst=True, signals=()).run()).succeeded == 1
        await bench.drain()
        assert seen[-1] == "noted A"


@app.task
async def collage_note(text: str) -> None:
    seen.append(f"noted {text}")


async def test_who_was_skipped_has_no_result_among_the_others() -> None:
    async with in_memory(app) as bench:
        handle = await app.group(resize.job(path) for path in ("a", "skip", "b")).then(collage).enqueue()
        await bench.drain()
        assert await handle.result() == "AB"


# ---- failures


async def test_a_dead_member_makes_the_collector_a_dead_letter_that_names_it() -> None:
    async with in_memory(app) as bench:
        handle = await app.group(resize.job(path) for path in ("a", "bad", "bad")).then(collage).enqueue()
        counts = await bench.drain()
        assert (counts.succeeded, counts.dead) == (2, 3)
        told = "2 of 3 members of its group failed; the first is number 1, resize: ValueError: no picture"
        with pytest.raises(JobFailed, match=told):
            await handle.result()
        assert [dead.id for dead in seen] == [handle.id]


async def test_dead_members_and_then_their_collector_put_back_complete_the_group() -> None:
    global broken
    async with in_memory(app) as bench:
        handle = await app.group(resize.job(path) for path in ("a", "bad")).then(collage).enqueue()
        await bench.drain()
        broken = False
        inspector = (await app.engine()).inspector
        assert inspector is not None
        await inspector.retry(Filter(task="resize"))
        await bench.drain()
        await inspector.retry(Filter(task="collage"))
        await bench.drain()
        assert await handle.result() == "ABAD"


async def test_a_group_that_collects_gets_success_or_failure_of_each() -> None:
    async with in_memory(app) as bench:
        jobs = [resize.job(path) for path in ("a", "bad", "skip", "b")]
        handle = await app.group(jobs, failures="collect").then(report).enqueue()
        assert await resize.handle(jobs[3].id).cancel()
        await bench.drain()
        assert await handle.result() == [
            "A",
            "JobFailed('ValueError: no picture')",
            None,
            "JobCancelled('it was cancelled')",
        ]
        assert "raise ValueError" in seen[1].value.traceback
        assert all(it.started <= it.ended for it in seen)


async def test_a_cancelled_member_counts_as_failed() -> None:
    async with in_memory(app) as bench:
        jobs = [resize.job("a"), resize.job("b")]
        handle = await app.group(jobs).then(collage).enqueue()
        await resize.handle(jobs[0].id).cancel()
        await bench.drain()
        with pytest.raises(
            JobFailed, match="1 of 2 members of its group failed; the first is number 0, resize: cancelled"
        ):
            await handle.result()


async def test_a_member_put_back_after_a_group_that_collects_does_not_run_it_again() -> None:
    global broken
    async with in_memory(app) as bench:
        handle = await app.group([resize.job("bad")], failures="collect").then(report).enqueue()
        await bench.drain()
        inspector = (await app.engine()).inspector
        assert inspector is not None
        await inspector.delete(Filter(ids=[handle.id]))
        broken = False
        await inspector.retry(Filter(task="resize"))
        assert (await bench.drain()).succeeded == 1


async def test_a_result_that_cannot_travel_is_its_member_s_failure() -> None:
    local = Workhorse("memory://", name="local", retry=Retry(0))

    @local.task
    async def odd() -> object:
        return object()

    @local.task
    async def gather(ends: list[Any]) -> str:
        return str(ends[0].value)

    async with in_memory(local) as bench:
        handle = await local.group([odd.job()], failures="collect").then(gather).enqueue()
        await bench.drain()
        assert "its result cannot be handed on" in await handle.result()


# ---- order


async def test_a_collector_that_comes_before_a_member_s_settle_waits_for_it() -> None:
    """As when a member's worker dies between its mark and its settle."""
    async with in_memory(app) as bench:
        jobs = [unkept.job(1), unkept.job(2)]
        handle = await app.group(jobs).then(total).enqueue()
        broker = (await app.engine()).broker
        assert broker is not None
        claims = await broker.claim(["groups"], 2, 30.0)
        await (await store()).put([mark(handle.id, 0)])
        from workhorse.engine import Released

        await broker.settle([Released(claims[1])])
        counts = await bench.drain()
        assert (counts.succeeded, counts.released) == (1, 2)
        assert await handle.status() == "scheduled"
        bench.clock.advance(31)
        assert (await bench.drain()).succeeded == 1
        bench.clock.advance(1)
        assert (await bench.drain()).succeeded == 1
        assert await handle.result() == 3


def mark(id: str, number: int) -> Any:
    from workhorse.durable.groups import _mark_key  # pyright: ignore[reportPrivateUsage]
    from workhorse.engine import ABSENT, Put

    return Put(_mark_key(id, 0, number), b"1", ABSENT)


async def test_facts_that_were_open_for_too_long_end_the_collector_with_that_reason() -> None:
    async with in_memory(app) as bench:
        handle = await app.group([unkept.job(1), unkept.options(delay=31 * 86_400).job(2)]).then(total).enqueue()
        await bench.drain()
        bench.clock.advance(32 * 86_400)
        await bench.drain()
        assert await keys(f"group/{handle.id}/mark") != []
        with pytest.raises(Exception, match="nothing is known of it"):
            await handle.status()


# ---- the door


async def test_nothing_is_enqueued_of_a_group_with_a_job_that_does_not_fit() -> None:
    async with in_memory(app) as bench:
        with pytest.raises(EnqueueRefused, match="expected `str`"):
            await app.group([resize.job("a"), resize.job(3)]).then(collage).enqueue()  # type: ignore[arg-type]
        with pytest.raises(EnqueueRefused, match="follow-up collage"):
            await app.group([resize.job("a")]).then(collage, 3).enqueue()  # type: ignore[arg-type]
        assert (await bench.drain()).succeeded == 0
        assert await keys() == []


async def test_what_cannot_be_a_group_is_refused() -> None:
    async with in_memory(app):
        twice = resize.job("a")
        with pytest.raises(DeclarationError, match="expected each job once"):
            app.group([twice, twice])
        with pytest.raises(DeclarationError, match="expected no given id"):
            app.group([resize.options(id="mine").job("a")])
        with pytest.raises(DeclarationError, match="at most 100,000 jobs, got 100,001"):
            app.group([twice] * 100_001)
        with pytest.raises(DeclarationError, match="failures: expected 'stop' or 'collect', got 'no'"):
            app.group([], failures="no")  # type: ignore[call-overload]
        with pytest.raises(DeclarationError, match="group: then: expected a task"):
            app.group([twice]).then(print)  # type: ignore[arg-type]


async def test_a_group_enqueued_again_is_the_same_group() -> None:
    async with in_memory(app) as bench:
        group = app.group([resize.job("a"), resize.job("b")]).then(collage)
        assert (await group.enqueue()).id == (await group.enqueue()).id
        assert (await bench.drain()).succeeded == 3


async def test_without_a_store_there_are_no_groups() -> None:
    local = Workhorse("memory://", name="local", store="none")

    @local.task
    async def one() -> int:
        return 1

    @local.task
    async def all_of(ns: list[int]) -> None: ...

    async with in_memory(local):
        with pytest.raises(EngineRefused, match="no store keeps its facts"):
            await local.group([one.job()]).then(all_of).enqueue()


def test_a_group_from_synchronous_code() -> None:
    local = Workhorse("memory://sync-group", name="local")

    @local.task
    async def one(n: int) -> int:
        return n

    @local.task
    async def all_of(ns: list[int]) -> int:
        return sum(ns)

    handle = local.group([one.job(1), one.job(2)]).then(all_of).enqueue_sync()
    local.run(local.worker(burst=True, signals=()).run())
    assert local.run(handle.result()) == 3
    local.run(local.close())


def test_neither_a_member_nor_the_collector_has_a_unique_key() -> None:
    local = Workhorse("memory://", name="local")

    @local.task(unique=Unique())
    async def one(n: int) -> int:
        return n

    @local.task(unique=Unique())
    async def all_of(ns: list[int]) -> None: ...

    with pytest.raises(DeclarationError, match=r"of one: expected no unique key.*\.options\(unique=None\)"):
        local.group([one.job(1)])
    with pytest.raises(DeclarationError, match="of all_of: expected no unique key"):
        local.group([one.options(unique=None).job(1)]).then(all_of)
