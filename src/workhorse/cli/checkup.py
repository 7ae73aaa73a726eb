"""What the doctor looks at, one finding each: versions, the app, the engine and its file, the clock, the work."""

import platform
import sqlite3
import time
import uuid
from typing import Final, Literal

import msgspec

from workhorse.cli import abilities, lanes
from workhorse.cli.about import release
from workhorse.cli.shared import Desk
from workhorse.cli.times import span
from workhorse.core import beyond
from workhorse.core.contract import ABSENT, Engine, Filter, Inspector, Put, Store
from workhorse.core.errors import WorkhorseError
from workhorse.worker.presence import signs

LATE: Final = 300.0
"""Seconds for which due jobs may wait before the doctor remarks on it."""

SKEW: Final = 2.0
"""Seconds by which clocks may differ before it matters."""


class Finding(msgspec.Struct, frozen=True):
    """One thing looked at; `bad` must be fixed, `warn` should be looked into."""

    kind: Literal["good", "warn", "bad"]
    about: str
    text: str
    fix: str = ""


def of_versions() -> list[Finding]:
    """Ours, Python's, and those of what we stand on."""
    parts = [f"{name} {release(name)}" for name in ("msgspec", "uvloop", "click", "rich")]
    return [
        Finding("good", "workhorse", release()),
        Finding(
            "good", "python", f"{platform.python_version()} ({platform.python_implementation()}, {platform.platform()})"
        ),
        Finding("good", "libraries", ", ".join([*parts, f"SQLite {sqlite3.sqlite_version}"])),
    ]


def of_app(desk: Desk) -> list[Finding]:
    """The app itself: its URL, its tasks, their signatures."""
    app = desk.app
    tasks, found = list(app.registry), [Finding("good", "app", f"{desk.spec}, named {app.name}, on {app.url}")]
    if app.store is not None:
        found.append(
            Finding("good", "facts", f"store={app.store}" if app.store != "none" else "none are kept (store='none')")
        )
    if not tasks:
        return [
            *found,
            Finding("warn", "tasks", "none", "import the modules that declare them, or app.include(router)"),
        ]
    found.append(Finding("good", "tasks", f"{len(tasks)}, on the queues {', '.join(app.registry.queues())}"))
    for task in tasks:
        try:
            task.schema.prepare()
        except WorkhorseError as error:
            found.append(Finding("bad", f"task {task.name}", str(error), "change its annotations"))
    return found


def of_opening(error: Exception) -> Finding:
    """The engine would not open."""
    return Finding("bad", "engine", f"it does not open: {error}", "do what it says, then ask again")


async def of_engine(engine: Engine) -> list[Finding]:
    """What the engine tells of itself, whether a fact can be written, and whether the clocks agree."""
    found = [Finding("good", *fact) for fact in await beyond.described(engine)]
    found += _of_features(engine)
    found += [Finding("bad", "engine", problem, fix) for problem, fix in await beyond.problems(engine)]
    if engine.store is not None:
        found += [await _of_writing(engine.store), await _of_clock(engine.store)]
    return found


def _of_features(engine: Engine) -> list[Finding]:
    """All that it promises, and what it does not, with what that means."""
    told = [] if engine.broker is None else abilities.told(engine.broker.features)
    return [Finding("warn" if it.without else "good", it.about, it.much, it.without) for it in told]


async def of_work(desk: Desk, engine: Engine) -> list[Finding]:
    """What waits, whether anyone is there to do it, and what nobody here knows."""
    if engine.inspector is None:
        return []
    counts = await engine.inspector.count("queue")
    there = [] if engine.store is None else await signs(engine.store)
    paused = await beyond.paused(engine.inspector)
    found = [Finding("good", "workers", f"{len(there)} there")]
    for queue, by_status in counts.items():
        ready = by_status.get("ready", 0)
        if ready and queue in paused:
            found.append(
                Finding(
                    "warn",
                    f"queue {queue}",
                    f"{ready:,} due, and paused",
                    f"workhorse queues {desk.spec} resume {queue}",
                )
            )
        elif ready and not any(queue in sign.queues for sign in there):
            found.append(
                Finding(
                    "warn",
                    f"queue {queue}",
                    f"{ready:,} due, and no worker of this queue is there",
                    f"workhorse worker {desk.spec} --queues {queue}",
                )
            )
        elif ready and (first := await engine.inspector.list(Filter(queue=queue, status="ready"), 1)):
            waited = time.time() - first[0].accepted
            if waited > LATE:
                found.append(
                    Finding(
                        "warn",
                        f"queue {queue}",
                        f"{ready:,} due, the oldest for {span(waited)}",
                        "more workers, or a higher --concurrency",
                    )
                )
    return [*found, *await _of_lanes(desk, engine.inspector), *await _of_letters(desk, engine)]


async def _of_lanes(desk: Desk, inspector: Inspector) -> list[Finding]:
    """Who is parked, by lane: as it should be, unless the first of them has waited for long."""
    found: list[Finding] = []
    crowds, more = await lanes.crowded(inspector)
    for crowd in crowds:
        late = time.time() - crowd.first.accepted > LATE
        at_least = "at least " if more else ""
        text = f"{at_least}{crowd.count:,} parked, the first for {span(time.time() - crowd.first.accepted)}"
        fix = f"a higher limit; who has its slots: workhorse jobs {desk.spec} --task {crowd.first.job.task}"
        about = f"lane {crowd.lane.key}"
        found.append(
            Finding("warn" if late else "good", about, f"{text}; {lanes.of_lane(crowd.lane)}", fix if late else "")
        )
    return found


async def _of_letters(desk: Desk, engine: Engine) -> list[Finding]:
    assert engine.inspector is not None
    found: list[Finding] = []
    by_task = await engine.inspector.count("task")
    dead = sum(counts.get("dead", 0) for counts in by_task.values())
    if dead:
        found.append(Finding("warn", "dead letters", f"{dead:,}", f"workhorse dead {desk.spec}"))
    for task, counts in by_task.items():
        waiting = sum(counts.get(status, 0) for status in ("ready", "scheduled", "parked"))
        if waiting and task not in desk.app.registry:
            found.append(
                Finding(
                    "warn",
                    f"task {task}",
                    f"{waiting:,} wait, and this app does not know it",
                    "run a worker of the app that does",
                )
            )
    return found


async def _of_writing(store: Store) -> Finding:
    key, began = f"doctor/{uuid.uuid4().hex}", time.monotonic()
    try:
        await store.put([Put(key, b"1", ABSENT, ttl=60)])
        await store.delete({key: None})
    except (WorkhorseError, OSError) as error:
        return Finding(
            "bad",
            "writing",
            f"nothing can be written: {error}",
            "see that the disk has room and the file may be written to",
        )
    took = (time.monotonic() - began) * 1000
    return Finding("good", "writing", f"one write and one delete, {took:.1f} ms")


async def _of_clock(store: Store) -> Finding:
    now = time.time()
    ahead = max((sign.seen - now for sign in await signs(store)), default=0.0)
    if now < 1_700_000_000:
        return Finding("bad", "clock", f"it says {time.ctime(now)}", "set it: due times are told by it")
    if ahead > SKEW:
        return Finding(
            "bad", "clock", f"{span(ahead)} behind the clock of a worker", "set both by the same time server"
        )
    return Finding("good", "clock", f"{time.strftime('%Y-%m-%d %H:%M:%S %Z', time.localtime(now))}")
