"""Tasks and jobs, used right: both checkers accept every line. `assert_type` pins what is inferred."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, assert_type

from workhorse import (
    Context,
    Counts,
    Exponential,
    Failure,
    GiveUp,
    Job,
    JobCancelled,
    JobFailed,
    JobHandle,
    Priority,
    Retry,
    RetryLater,
    Router,
    Skip,
    Success,
    Task,
    Workhorse,
    WorkhorseError,
)

app = Workhorse("sqlite:///shop.db")
Workhorse()
Workhorse("sqlite:///shop.db", name="shop", dead_retain=timedelta(days=30))
Workhorse(queue="mail", timeout=30, retry=Retry(5), max_size=1000, redact=["*pin*"])


@app.task
async def resize(path: str, width: int = 256) -> str:
    return f"{path}@{width}"


@app.task(queue="mail", priority=Priority.HIGH, timeout=30, retry=Retry(5, Exponential(first=1, factor=2, max=600)))
def send_mail(to: str, subject: str) -> None: ...


@app.task(run_in="process")
def crunch(n: int) -> int:
    return sum(i * i for i in range(n))


@app.task
async def import_file(ctx: Context, path: str) -> int:
    await ctx.progress(0.5, "half way")
    ctx.log.info("attempt %s of %s", ctx.attempt, ctx.job.id)
    assert_type(ctx.job, Job[Any])
    assert_type(ctx.state, Mapping[str, Any])
    assert_type(ctx.log, logging.LoggerAdapter[logging.Logger])
    assert_type(ctx.idempotency_key, str)
    if ctx.cancelled:
        raise GiveUp("cancelled")
    raise RetryLater(after=30, counts=False)


@app.task
def sync_with_context(ctx: Context, path: str, *, copy: bool = False) -> int:
    return ctx.attempt


@app.task()
async def parenthesised(number: int) -> int:
    return number


@app.task
def keyword_only(*, a: int, b: str = "") -> None: ...


@app.task
def nothing() -> None: ...


@app.task
async def store_anything(value: object, tag: str = "") -> int:
    return 1


@app.task
def store_any(value: Any, *, tag: str = "") -> int:
    return 1


@app.task
async def wrapped(*args: Any, **kwargs: Any) -> int:
    return 1


@app.task
def pair(path: str, width: int, /) -> str:
    return path


async def tasks() -> None:
    async with app:
        job = await resize.enqueue("cat.png", width=128)
        assert_type(job, JobHandle[str])
        assert_type(job.id, str)
        assert_type(await job.result(timeout=10), str)
        assert_type(await job.result(timeout=timedelta(minutes=1)), str)
        assert_type(await job.cancel(), bool)
        assert_type(await job.history(), Sequence[Success[str] | Failure])
        for attempt in await job.history():
            assert_type(attempt, Success[str] | Failure)
        if await job.status() == "succeeded":
            print(job.id)
        many = await app.enqueue_many(resize.job(f"{i}.png") for i in range(10_000))
        assert_type(many, list[JobHandle[str]])
        assert_type(await app.enqueue(resize.job("cat.png")), JobHandle[str])
        assert_type(resize.job("cat.png"), Job[str])
        await app.enqueue(app.job("billing.invoice", 42, currency="EUR"))
        await app.enqueue_many([resize.job("a"), crunch.job(1)])
        assert_type(await resize.handle("resize-cat").result(), str)
    assert_type(resize.enqueue_sync("dog.png"), JobHandle[str])
    assert_type(await resize("a.png"), str)
    assert_type(crunch(3), int)
    assert_type(resize.name, str)
    send_mail(to="ada", subject="hello")
    send_mail.enqueue_sync("ada", subject="hello")
    assert_type(await send_mail.enqueue("ada", "hello"), JobHandle[None])


async def contexts() -> None:
    await import_file.enqueue("a.txt")
    await import_file.enqueue(path="a.txt")
    assert_type(await import_file(Context(), "a.txt"), int)
    assert_type(sync_with_context(Context(), "a.txt", copy=True), int)
    sync_with_context.enqueue_sync("a.txt", copy=True)
    assert_type(Context.current(), Context | None)


async def shapes() -> None:
    keyword_only.enqueue_sync(a=1)
    nothing.enqueue_sync()
    assert_type(await parenthesised.enqueue(1), JobHandle[int])
    await store_anything.enqueue(3, tag="x")
    await store_anything.enqueue(value=3)
    store_any.enqueue_sync(3, tag="x")
    await wrapped.enqueue()
    assert_type(await store_anything.options(delay=3)("x"), int)
    asyncio.run(resize("a.png"))
    assert_type(await asyncio.to_thread(crunch, 3), int)
    assert_type(await asyncio.gather(resize("a.png"), parenthesised(1)), tuple[str, int])
    coroutine: Coroutine[Any, Any, str] = resize("a.png")
    await coroutine


def takes_task(task: Task[[str, int], str], fn: Callable[[str], Awaitable[str]]) -> None:
    task.enqueue_sync("a", 1)


takes_task(pair, resize)

router = Router(prefix="billing.", queue="billing")
inner = Router(prefix="vat.", timeout=timedelta(minutes=1))
router.include(inner)


@router.task
async def invoice(number: int) -> bytes:
    return b""


app.include(router)


@app.task(max_crashes=1, retry=Retry(3, Exponential(5, 2, 86400, min=60), jitter=0.1))
async def fragile(number: int) -> str:
    if not number:
        raise Skip("nothing new")
    return str(Context.current())


def from_a_script() -> None:
    assert_type(app.run(fragile.enqueue_sync(1).result()), str)
    assert_type(app.run(app.enqueue_many([fragile.job(1)]))[0].id, str)


async def by_name() -> None:
    assert_type(app.remote("billing.invoice", queue="billing"), Task[..., Any])
    await app.remote("billing.invoice", queue="billing", delay=3).enqueue(42, currency="EUR")
    assert_type(await app.remote("billing.invoice").enqueue(1), JobHandle[Any])
    assert_type(app.job("billing.invoice", 42), Job[Any])


async def working() -> None:
    counts = await app.worker(concurrency=100, queues=["mail"], max_jobs=3, burst=True, lease=30, grace=25).run()
    assert_type(counts, Counts)
    assert_type(counts.dead, int)
    app.worker(signals=()).stop()
    await app.close()


async def failing(job: JobHandle[str]) -> None:
    try:
        await job.result()
    except JobFailed as error:
        print(error.type, error.message, error.traceback)
    except JobCancelled:
        print("cancelled")
    except WorkhorseError:
        print(datetime.now(UTC))
