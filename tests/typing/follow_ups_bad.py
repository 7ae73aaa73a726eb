"""Follow-ups, groups and batches, used wrong: both checkers reject each line marked `# E:`, and no other."""

from __future__ import annotations

from typing import Any

from workhorse import Batch, Job, Workhorse

app = Workhorse()


@app.task
async def resize(path: str, width: int = 256) -> str:
    return path


@app.task
def note(text: str, channel: str) -> int:
    return len(text)


@app.task
async def nothing() -> None: ...


@app.task
async def bury(dead: Job[Any]) -> None: ...


@app.task(on_dead=nothing)  # E: it takes no job
async def fetch(url: str) -> bytes:
    return b""


@app.task
async def collage(parts: list[str], title: str = "") -> bytes:
    return b""


@app.task
async def total(ns: list[int]) -> int:
    return sum(ns)


@app.task(batch=Batch(size=100))
async def index(docs: list[str]) -> None: ...


@app.task(batch=Batch())  # E: it takes no list
async def one(doc: str) -> None: ...


@app.task(batch=Batch())  # E: it takes more than the list
async def two(docs: list[str], more: int) -> None: ...


Batch(100)  # E: it is named
Batch(size="many")  # E: a number


async def follow_ups() -> None:
    await resize.then(note).enqueue("a")  # E: an argument is missing
    await resize.then(note, 3).enqueue("a")  # E: not a string
    await resize.then(note, chanel="#cats").enqueue("a")  # E: no such argument
    await note.then(resize).enqueue("a", "b")  # E: its result is an int
    await resize.then(nothing).enqueue("a")  # E: it takes no result
    await resize.options(on_dead=resize).enqueue("a")  # E: it takes no job


async def groups() -> None:
    jobs = [resize.job("a")]
    app.group(jobs).then(total)  # E: the results are strings
    app.group(jobs).then(collage, 3)  # E: not a string
    app.group(jobs, failures="collect").then(collage)  # E: it takes no failures
    app.group(jobs, failures="maybe").then(collage)  # E: no such way
    app.group(["a"])  # E: not jobs


async def batches() -> None:
    await index.enqueue(["a.txt"])  # E: one item
    await index.enqueue(3)  # E: not a string
    await index("a.txt")  # E: a list
