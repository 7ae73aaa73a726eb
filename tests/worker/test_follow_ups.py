"""What follows a job's end, as its user sees it: in memory and by a manual clock."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from workhorse import (
    Context,
    Fixed,
    GiveUp,
    Job,
    JobCancelled,
    JobFailed,
    Priority,
    Retry,
    Router,
    Skip,
    Unique,
    Workhorse,
)
from workhorse.core.document import decode
from workhorse.core.envelope import encode_job
from workhorse.engine import Filter
from workhorse.errors import DeclarationError, EnqueueRefused, JobNotFound
from workhorse.testing import Bench, in_memory

app = Workhorse("memory://", name="follow", max_hops=5, max_size=10_000)
seen: list[Any] = []
NEVER = Retry(0)


@pytest.fixture(autouse=True)
def _fresh() -> None:
    seen.clear()


class Point(msgspec.Struct):
    x: int


@app.task
async def resize(path: str, width: int = 256) -> str:
    return f"{path}@{width}"


@app.task(queue="notes", priority=Priority.HIGH, headers={"team": "cats"})
def note(ctx: Context, text: str, channel: str = "", *, loud: bool = False) -> str:
    seen.append((text, channel, loud))
    seen.append(ctx.job)
    return text.upper()


@app.task
async def audit(text: str) -> None:
    seen.append(text)


@app.task
async def point(x: int) -> Point:
    return Point(x)


@app.task
async def anything(value: Any) -> None:
    seen.append(value)


@app.task
async def plot(at: Point) -> None:
    seen.append(at)


@app.task
async def bury(ctx: Context, dead: Job[Any]) -> None:
    seen.append((dead, dict(ctx.job.headers)))


@app.task(retry=Retry(1, Fixed(0)), on_dead=bury)
async def fail(text: str, times: int = 9) -> str:
    if Context.current().attempt > times:  # type: ignore[union-attr]
        return text
    raise ValueError(text[:9])


@app.task(on_dead=bury)
async def skip() -> str:
    raise Skip("nothing new")


@app.task(on_dead=bury, retry=NEVER)
async def unspeakable() -> object:
    return object()


@app.task(result_ttl=0)
async def forgotten(text: str, times: int = 1) -> str:
    return text * times


async def drained(bench: Bench) -> dict[str, int]:
    counts = await bench.drain()
    return {name: value for name in ("succeeded", "dead", "cancelled", "released") if (value := getattr(counts, name))}


async def test_a_follow_up_gets_the_result_first_and_then_its_own_arguments() -> None:
    async with in_memory(app) as bench:
        job = await resize.then(note, channel="#cats", loud=True).enqueue("cat.png", width=3)
        assert await drained(bench) == {"succeeded": 2}
        (told, its) = seen
        assert told == ("cat.png@3", "#cats", True)
        assert (its.id, its.queue, its.priority) == (f"{job.id}~1~0", "notes", Priority.HIGH)
        assert await note.handle(f"{job.id}~1~0").result() == "CAT.PNG@3"


async def test_two_follow_ups_and_a_chain() -> None:
    async with in_memory(app) as bench:
        await resize.then(note.then(audit), "#a").then(audit).enqueue("cat.png")
        assert await drained(bench) == {"succeeded": 4}
        assert sorted(it for it in seen if isinstance(it, str)) == ["CAT.PNG@256", "cat.png@256"]


async def test_a_result_arrives_as_it_was_whatever_the_annotations_say() -> None:
    async with in_memory(app) as bench:
        await point.then(anything).then(plot).enqueue(3)
        assert await drained(bench) == {"succeeded": 3}
        assert seen == [Point(3), Point(3)]


async def test_a_result_that_nobody_keeps_is_handed_on() -> None:
    async with in_memory(app) as bench:
        job = await forgotten.then(audit).enqueue("a")
        assert await drained(bench) == {"succeeded": 2}
        assert seen == ["a"]
        with pytest.raises(JobNotFound, match="not kept"):
            await job.result()


async def test_headers_go_on_to_what_follows_and_its_own_beat_them() -> None:
    async with in_memory(app) as bench:
        await resize.options(headers={"trace": "t1", "team": "dogs"}).then(note).enqueue("a")
        await drained(bench)
        assert seen[1].headers == {"trace": "t1", "team": "cats"}


async def test_a_follow_up_has_options_of_its_own() -> None:
    later = note.options(id="told", delay=60, queue="late", expires=timedelta(hours=1), timeout=5)
    async with in_memory(app) as bench:
        await resize.then(later).enqueue("a")
        assert await drained(bench) == {"succeeded": 1}
        assert await note.handle("told").status() == "scheduled"
        bench.clock.advance(60)
        assert (await app.worker(queues=["late"], burst=True, signals=()).run()).succeeded == 1


async def test_a_follow_up_that_is_too_late_is_not_run() -> None:
    async with in_memory(app) as bench:
        soon = datetime.fromtimestamp(bench.clock.time() + 10, UTC)
        await resize.options(delay=20).then(audit.options(expires=soon)).enqueue("a")
        bench.clock.advance(20)
        assert await drained(bench) == {"succeeded": 1, "dead": 1}


async def test_a_follow_up_in_another_service_travels_tagged() -> None:
    async with in_memory(app) as bench:
        await point.then(app.remote("billing.invoice", queue="billing"), 42).enqueue(3)
        await drained(bench)
        inspector = (await app.engine()).inspector
        assert inspector is not None
        (row,) = await inspector.list(Filter(queue="billing"))
        document = decode(row.job.payload)
        assert document.tagged
        assert bytes(document.args) == b'[{"$%b":{"x":3}},42]' % f"{__name__}.Point".encode()


async def test_a_job_that_was_skipped_has_nothing_to_hand_on() -> None:
    async with in_memory(app) as bench:
        await skip.then(audit).enqueue()
        assert await drained(bench) == {"succeeded": 1}
        assert seen == []


async def test_nothing_follows_a_cancelled_job() -> None:
    async with in_memory(app) as bench:
        job = await fail.then(audit).enqueue("a")
        await job.cancel()
        assert await drained(bench) == {"cancelled": 1}
        assert seen == []
        with pytest.raises(JobCancelled):
            await job.result()


async def test_a_result_that_cannot_travel_makes_the_job_a_dead_letter_that_says_so() -> None:
    async with in_memory(app) as bench:
        job = await unspeakable.then(anything).enqueue()
        assert await drained(bench) == {"succeeded": 1, "dead": 1}
        with pytest.raises(JobFailed, match="Unfit: its result cannot be handed on: result: cannot travel"):
            await job.result()
        assert seen[0][0].id == job.id
        alone = await unspeakable.enqueue()
        assert await drained(bench) == {"succeeded": 1}
        assert await alone.status() == "succeeded"


async def test_a_result_that_is_too_large_to_be_handed_on_is_told_of() -> None:
    async with in_memory(app) as bench:
        job = await forgotten.then(audit).enqueue("x", 9_990)
        assert await drained(bench) == {"dead": 1}
        with pytest.raises(JobFailed, match="follow-up audit would take 10,067 bytes, and max_size is 10,000"):
            await job.result()


async def test_a_result_of_another_type_than_the_follow_up_takes_is_its_dead_letter() -> None:
    async with in_memory(app) as bench:
        job = await resize.then(plot).enqueue("a")  # type: ignore[arg-type]
        assert await drained(bench) == {"succeeded": 1, "dead": 1}
        with pytest.raises(JobFailed, match="arguments do not fit: at"):
            await plot.handle(f"{job.id}~1~0").result()


async def test_a_retried_job_is_followed_once_by_its_last_attempt() -> None:
    async with in_memory(app) as bench:
        job = await fail.then(audit).enqueue("a", times=1)
        assert await drained(bench) == {"succeeded": 2}
        assert seen == ["a"]
        assert await audit.handle(f"{job.id}~2~0").status() == "succeeded"


# ---- deaths


async def test_a_dead_job_is_told_of_with_its_arguments_and_attempts() -> None:
    async with in_memory(app) as bench:
        job = await fail.options(headers={"trace": "t"}).then(audit).enqueue("no", times=8)
        assert await drained(bench) == {"succeeded": 1, "dead": 1}
        ((dead, headers),) = seen
        assert (dead.id, dead.task, dead.args, dict(dead.kwargs), dead.queue) == (
            job.id, "fail", ("no",), {"times": 8}, "follow",
        )  # fmt: skip
        assert [str(it.value) for it in dead.attempts] == ["ValueError: no"] * 2
        assert "raise ValueError(text[:9])" in dead.attempts[0].value.traceback
        assert headers == {"trace": "t"}
        assert dead.headers == {}


async def test_a_job_says_itself_who_is_told() -> None:
    async with in_memory(app) as bench:
        await fail.options(on_dead=anything).enqueue("no")
        assert await drained(bench) == {"succeeded": 1, "dead": 1}
        (dead,) = seen
        assert isinstance(dead, Job)


async def test_a_dead_letter_put_back_that_dies_again_is_told_of_again() -> None:
    async with in_memory(app) as bench:
        job = await fail.enqueue("no")
        await drained(bench)
        inspector = (await app.engine()).inspector
        assert inspector is not None
        await inspector.retry(Filter(ids=[job.id]))
        assert await drained(bench) == {"succeeded": 1, "dead": 1}
        assert [len(dead.attempts) for dead, _ in seen] == [2, 4]


async def enqueue_unfit() -> None:
    broker = (await app.engine()).broker
    assert broker is not None
    await broker.publish([encode_job(app.job("fail", 3), None)])


@pytest.mark.parametrize("way", ["expired", "unfit", "crashed"])
async def test_a_job_that_never_ran_is_told_of_with_the_reason(way: str) -> None:
    async with in_memory(app) as bench:
        if way == "expired":
            await fail.options(expires=1).enqueue("a")
            bench.clock.advance(2)
        elif way == "unfit":
            await enqueue_unfit()
        else:
            await fail.options(max_crashes=1).enqueue("a")
            broker = (await app.engine()).broker
            assert broker is not None
            await broker.claim(["follow"], 1, 1.0)
            bench.clock.advance(2)
        assert await drained(bench) == {"succeeded": 1, "dead": 1}
        ((dead, _),) = seen
        (last,) = dead.attempts
        assert last.value.type == "Dead"
        assert {"expired": "expired", "unfit": "arguments do not fit", "crashed": "crashed"}[way] in str(last.value)


async def test_arguments_that_cannot_be_told_are_left_out() -> None:
    deep: Any = 1
    for _ in range(99):
        deep = [deep]
    local = Workhorse("memory://", name="local")

    @local.task
    async def told(dead: Job[Any]) -> None:
        seen.append(dead)

    @local.task(on_dead=told)
    async def give_up(value: Any) -> None:
        raise GiveUp("no")

    async with in_memory(local) as bench:
        await give_up.enqueue(deep)
        assert await drained(bench) == {"succeeded": 1, "dead": 1}
        assert seen[0].args == ()


async def test_arguments_that_are_too_large_to_be_told_are_left_out() -> None:
    async with in_memory(app) as bench:
        await fail.enqueue("x" * 9_500)
        assert await drained(bench) == {"succeeded": 1, "dead": 1}
        ((dead, _),) = seen
        assert (dead.args, len(dead.attempts)) == ((), 2)


async def test_a_death_that_cannot_be_told_is_a_death_all_the_same(caplog: pytest.LogCaptureFixture) -> None:
    local = Workhorse("memory://", name="local", max_size=300, retry=NEVER)

    @local.task(on_dead=local.remote("told"))
    async def stumble() -> None:
        raise ValueError("x" * 300)

    async with in_memory(local) as bench:
        job = await stumble.enqueue()
        assert await drained(bench) == {"dead": 1}
        assert await job.status() == "dead"
        assert "and told cannot be told: follow-up told would take" in caplog.text


# ---- rounds


def ring(*names: str, **options: Any) -> Workhorse:
    local = Workhorse("memory://", name="ring", **options)
    for name, next_name in zip(names, (*names[1:], names[0]), strict=True):

        @local.task(name=name, on_dead=local.remote(next_name), retry=NEVER)
        async def die(dead: Any = None) -> None:
            seen.append(dead)
            raise ValueError("again")

    return local


@pytest.mark.parametrize("names", [["a"], ["a", "b"], ["a", "b", "c"]])
async def test_tasks_told_of_one_another_in_a_circle_are_refused_when_the_app_opens(names: Sequence[str]) -> None:
    with pytest.raises(DeclarationError, match=f"on_dead goes round: {' -> '.join([*names, names[0]])}"):
        async with in_memory(ring(*names)):
            await ring(*names).engine()


async def test_a_circle_of_two_services_ends_at_max_hops() -> None:
    local = Workhorse("memory://", name="ring", max_hops=3)

    @local.task(retry=NEVER)
    async def die(dead: Any = None) -> None:
        seen.append(dead)
        raise ValueError("again")

    async with in_memory(local) as bench:
        doc = local.remote("die").options(on_dead=local.remote("die"))
        for _ in range(10):
            doc = local.remote("die").options(on_dead=doc)
        await doc.enqueue()
        assert (await bench.drain()).dead == 5
        assert len(seen) == 4
        assert "it followed 4 jobs, and max_hops is 3" in await last_reason(local)


async def last_reason(local: Workhorse) -> str:
    inspector = (await local.engine()).inspector
    assert inspector is not None
    return " ".join(row.reason for row in await inspector.list(Filter(status="dead")))


async def test_a_chain_that_is_too_long_is_refused_at_once() -> None:
    chain = app.remote("link")
    for _ in range(6):
        chain = app.remote("link").then(chain)
    async with in_memory(app):
        with pytest.raises(EnqueueRefused, match="6 jobs would follow one another, and max_hops is 5"):
            await chain.enqueue()


# ---- what is wrong at the door


async def test_arguments_that_do_not_fit_a_follow_up_are_refused_at_the_enqueue() -> None:
    async with in_memory(app):
        with pytest.raises(EnqueueRefused, match="follow-up note: expected"):
            await resize.then(note, 3, 4, 5).enqueue("a")  # type: ignore[call-arg, arg-type]
        with pytest.raises(EnqueueRefused, match="follow-up skip: expected at most 0 positional arguments, got 1"):
            await resize.then(skip).enqueue("a")  # type: ignore[arg-type]


def test_what_is_no_task_cannot_follow() -> None:
    with pytest.raises(DeclarationError, match="then: expected a task, got <built-in function print>"):
        resize.then(print)  # type: ignore[arg-type]


async def test_a_router_included_later_may_be_followed() -> None:
    router = Router()

    @router.task
    async def later(text: str) -> None:
        seen.append(text)

    local = Workhorse("memory://", name="local")

    @local.task
    async def first() -> str:
        return "a"

    both = first.then(later)
    local.include(router)
    async with in_memory(local) as bench:
        await both.enqueue()
        assert await drained(bench) == {"succeeded": 2}
        assert seen == ["a"]


async def test_the_ids_of_what_follows_stay_short_enough() -> None:
    async with in_memory(app) as bench:
        await resize.options(id="x" * 200).then(note).enqueue("a")
        assert await drained(bench) == {"succeeded": 2}
        assert len(seen[1].id) < 60
        assert seen[1].id.endswith("~1~0")


async def test_a_follow_up_keeps_to_the_limits_of_its_task() -> None:
    local = Workhorse("memory://", name="kept")

    @local.task
    async def first() -> str:
        return "a"

    @local.task(ordered_by="{channel}", unique=Unique(by=("channel",)))
    async def tell(text: str, channel: str) -> None:
        seen.append((text, channel))

    async with in_memory(local):
        made = encode_job(first.then(tell, "#cats").job(), first, find=local.registry.get)
        after = decode(made.payload).overrides.then[0]
        itself = encode_job(tell.job("b", "#cats"), tell)
        assert (after.lane, after.unique) == (itself.lane, itself.unique)
        assert after.unique is not None


async def test_of_two_follow_ups_with_one_unique_key_one_waits() -> None:
    local = Workhorse("memory://", name="once")

    @local.task
    async def first(text: str) -> str:
        return text

    @local.task(unique=Unique(by=("channel",)))
    async def tell(text: str, channel: str) -> None:
        seen.append((text, channel))

    async with in_memory(local) as bench:
        later = tell.options(delay=60)
        for text in ("a", "b"):
            await first.then(later, "#cats").enqueue(text)
        await bench.drain()
        bench.clock.advance(60)
        await bench.drain()
    assert seen == [("a", "#cats")]


@pytest.mark.parametrize("unique", [Unique(), Unique(by=("text",))])
async def test_a_key_made_of_the_result_is_refused_before_anything_runs(unique: Unique) -> None:
    local = Workhorse("memory://", name="refused")

    @local.task
    async def first() -> str:
        return "a"

    @local.task(unique=unique)
    async def tell(text: str) -> None: ...

    async with in_memory(local):
        with pytest.raises(EnqueueRefused, match="its key is made of the result, which is not there yet"):
            await first.then(tell).enqueue()
