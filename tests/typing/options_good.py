"""Options, said right: both checkers accept every line."""

from datetime import UTC, datetime, timedelta
from typing import assert_type

from workhorse import Exponential, Fixed, Job, JobHandle, Limit, Linear, Priority, Retry, Router, Unique, Workhorse

app = Workhorse(timeout=None, headers={"team": "shop"}, result_ttl=timedelta(days=1))


@app.task(
    name="pictures.resize",
    queue="pictures",
    priority=Priority.LOW,
    retry=Retry(5, Linear(first=1, step=timedelta(seconds=2), max=60), jitter=0.5, on=(OSError,), never=(KeyError,)),
    timeout=timedelta(minutes=1),
    expires=3600,
    result_ttl=0,
    headers={"kind": "picture"},
    max_crashes=1,
    run_in="thread",
)
def resize(path: str) -> str:
    return path


@app.task(expires=datetime(2030, 1, 1, tzinfo=UTC), timeout=None)
async def greet(name: str) -> str:
    return name


async def once() -> None:
    await resize.options(delay=timedelta(minutes=5), id="resize-cat").enqueue("cat.png")
    await resize.options(at=datetime.now(UTC), expires=None, timeout=None).enqueue("cat.png")
    await resize.options(retry=Retry(1, Exponential(1, 2, 60, min=5)), max_crashes=1).enqueue("cat.png")
    await resize.options(queue="slow", priority=Priority.HIGH, headers={}, result_ttl=60).enqueue("cat.png")
    assert_type(resize.options(delay=3).job("cat.png"), Job[str])
    assert_type(await greet.options(delay=0.5).options(id="x").enqueue(name="ada"), JobHandle[str])
    assert_type(await greet.options(delay=3)("ada"), str)
    assert_type(resize.options(retry=Retry(2, Fixed(1)))("cat.png"), str)


@app.task(
    unique=Unique(by=("to",), within=3600), limit=Limit(concurrency=1, rate="100/min", key="{to}"), ordered_by="{to}"
)
def send(to: str, subject: str) -> None: ...


Unique()
Unique(by=(), within=timedelta(hours=1), while_="finished", on_conflict="replace")
Limit(concurrency=5)
send.options(unique=None, limit=None, ordered_by=None)
send.options(unique=Unique(while_="queued", on_conflict="replace"), delay=5)
Router(limit=Limit(rate="1/s"), unique=Unique(), ordered_by="{to}")
