"""Follow-ups, groups and batches, used right: both checkers accept every line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, assert_type

from workhorse import Batch, Context, Failure, Job, JobHandle, Router, Success, Workhorse

app = Workhorse()


@app.task
async def resize(path: str, width: int = 256) -> str:
    return path


@app.task
def note(text: str, channel: str, *, loud: bool = False) -> int:
    return len(text)


@app.task
async def audit(count: int) -> None: ...


@app.task
def log_it(ctx: Context, value: object) -> None: ...


@app.task
async def bury(dead: Job[Any]) -> None: ...


@app.task(on_dead=bury)
async def fetch(url: str) -> bytes:
    return b""


@app.task
async def collage(parts: list[str], title: str = "") -> bytes:
    return b""


@app.task
async def report(ends: list[Success[str] | Failure]) -> int:
    return len(ends)


@app.task(batch=Batch(size=100, wait=0.5))
async def index(docs: list[str]) -> None: ...


@app.task(batch=Batch())
async def measure(words: list[str]) -> Sequence[int | Exception]:
    return [len(word) for word in words]


@app.task(batch=Batch(), queue="bulk")
def insert(ctx: Context, rows: list[int]) -> list[int | Exception]:
    return [*rows]


Router(on_dead=bury)
Workhorse(on_dead=bury, max_hops=5)


async def follow_ups() -> None:
    assert_type(await resize.then(note, "#cats").enqueue("a"), JobHandle[str])
    await resize.then(note, channel="#cats", loud=True).then(log_it).enqueue("a", width=1)
    await resize.then(note.then(audit), "#cats").enqueue("a")
    await resize.then(app.remote("billing.invoice"), 42).enqueue("a")
    await resize.options(on_dead=bury).enqueue("a")
    await resize.then(index).enqueue("a")
    await measure.then(audit).enqueue("word")


async def groups() -> None:
    jobs = [resize.job("a"), resize.job("b")]
    assert_type(await app.group(jobs).then(collage, title="x").enqueue(), JobHandle[bytes])
    assert_type(await app.group(jobs, failures="collect").then(report).enqueue(), JobHandle[int])
    assert_type(app.group(resize.job(str(n)) for n in range(3)).then(collage).enqueue_sync(), JobHandle[bytes])
    await app.group(jobs).then(collage.options(id="x").then(log_it)).enqueue()


async def batches() -> None:
    assert_type(await index.enqueue("a.txt"), JobHandle[None])
    assert_type(await measure.enqueue("cat"), JobHandle[int])
    assert_type(await insert.enqueue(1), JobHandle[int])
    await index(["a.txt", "b.txt"])
    await app.enqueue_many(index.job(doc) for doc in ("a", "b"))
