"""What a process does that dies among groups, follow-ups and batches: its tasks write a ledger, and it dies at its point.

python follow_app.py URL LEDGER        with CRASH_AT and CRASH_MARK, as `crashing` has them
"""

import asyncio
import sys
from functools import wraps
from typing import Any, Final

import crashing
import crashing_on
from crash_app import write
from workhorse import Batch, Context, Failure, Fixed, Job, Retry, Success, Workhorse
from workhorse.durable.groups import Groups

LEASE: Final = 1.0
MEMBERS: Final = 6
BAD: Final = 2


def make(url: str, ledger: str) -> Workhorse:
    """The app; every process makes its own."""
    app = Workhorse(url, name="follow", retry=Retry(0, Fixed(0)), max_crashes=9)

    @app.task(name="member")
    async def member(n: int) -> int:
        if n == BAD:
            raise ValueError("it is bad")
        return n * 10

    @app.task(name="item", batch=Batch(size=3, wait=0.01))
    async def item(ns: list[int]) -> list[int]:
        return [n * 10 for n in ns]

    @app.task(name="note")
    async def note(ctx: Context, result: int) -> None:
        write(ledger, "note", f"{ctx.job.id} {result}")

    @app.task(name="bury")
    async def bury(ctx: Context, dead: Job[Any]) -> None:
        write(ledger, "bury", f"{ctx.job.id} {dead.args[0]}")

    @app.task(name="collect")
    async def collect(ctx: Context, ends: list[Success[int] | Failure]) -> list[int | None]:
        found = [it.value if isinstance(it, Success) else None for it in ends]
        write(ledger, "collect", f"{ctx.job.id} {found}")
        return found

    return app


async def fill(app: Workhorse) -> list[tuple[str, str]]:
    """A group of members and batched items, each followed; the tasks and ids of its collector and of what follows."""
    member, item, note, bury = (app.registry.find(name) for name in ("member", "item", "note", "bury"))
    jobs = [task.then(note).options(on_dead=bury).job(n) for n, task in enumerate([member, item] * (MEMBERS // 2))]
    handle = await app.group(jobs, failures="collect").then(app.registry.find("collect")).enqueue()
    notes = [("note", f"{job.id}~1~0") for n, job in enumerate(jobs) if n != BAD]
    return [("collect", handle.id), ("bury", f"{jobs[BAD].id}~1~dead"), *notes]


async def work(url: str, ledger: str) -> None:
    """Until death."""
    app = make(url, ledger)
    await app.worker(concurrency=2, lease=LEASE, burst=True, signals=()).run()
    await app.close()


def install() -> None:
    """A point before and after a member marks that it is about to end."""
    completed = Groups.completed

    @wraps(completed)
    async def watched(self: Groups, *args: Any) -> Any:
        crashing.cross("mark.before")
        found = await completed(self, *args)
        crashing.cross("mark.after")
        return found

    Groups.completed = watched  # type: ignore[method-assign]


if __name__ == "__main__":
    crashing_on.install(sys.argv[1])
    install()
    asyncio.run(work(*sys.argv[1:]))
