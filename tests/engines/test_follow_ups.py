"""Follow-ups, groups and batches on each engine; and where a worker dies among them, at each step of a member's end."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import follow_app
from crashing import CODE
from follow_app import BAD, LEASE, MEMBERS, fill, make
from homes import HOMES, home
from workhorse import Batch, Retry, Workhorse

POINTS = [
    *("mark.before:1", "mark.before:6", "mark.after:1", "mark.after:5", "mark.after:6"),
    *("handler.after:3", "settle.asked:1", "settle.committed:1", "settle.asked:3", "settle.committed:3"),
]
"""On a server a death takes a second, so these are all in the proof, and few in the tests."""
ENGINES = ["sqlite", "postgres", "redis"]


def cases() -> list[Any]:
    short = {"sqlite": len(POINTS), "postgres": 2, "redis": 2}
    return [
        pytest.param(kind, point, marks=() if place < short[kind] else pytest.mark.proof)
        for kind in ENGINES
        for place, point in enumerate(sorted(POINTS, key=lambda it: it not in ("mark.after:6", "settle.committed:1")))
    ]


@pytest.mark.parametrize("kind", HOMES)
async def test_a_chain_a_group_of_many_and_batches(kind: str, request: pytest.FixtureRequest) -> None:
    app = Workhorse(home(request, kind), name="many", retry=Retry(0))

    @app.task(batch=Batch(size=50, wait=0.01))
    async def double(ns: list[int]) -> list[int]:
        return [n * 2 for n in ns]

    @app.task
    async def increase(n: int, by: int) -> int:
        return n + by

    @app.task
    async def total(ns: list[int], more: int) -> int:
        return sum(ns) + more

    async with app:
        handle = await app.group(double.job(n) for n in range(300)).then(total.then(increase, 1), 5).enqueue()
        assert await handle.status() == "waiting"
        await app.worker(burst=True, signals=()).run()
        assert await handle.result(timeout=10) == sum(range(300)) * 2 + 5
        assert await increase.handle(f"{handle.id}~1~0").result(timeout=10) == sum(range(300)) * 2 + 6
        store = (await app.engine()).store
        assert store is not None
        assert await store.scan("group/") == []


@pytest.mark.parametrize(("kind", "point"), cases())
def test_a_worker_that_dies_leaves_nothing_out_and_nothing_twice(
    kind: str, point: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    url, ledger = home(request, kind), tmp_path / "ledger"
    ledger.touch()
    following = asyncio.run(filled(url, str(ledger)))
    environment = {**os.environ, "CRASH_AT": point, "CRASH_MARK": str(tmp_path / "mark")}
    child = subprocess.run([sys.executable, follow_app.__file__, url, str(ledger)], env=environment, timeout=60)
    assert child.returncode == CODE
    expected = [None if n == BAD else n * 10 for n in range(MEMBERS)]
    assert asyncio.run(finished(url, str(ledger), following)) == expected
    told: dict[str, set[str]] = {"note": set(), "bury": set(), "collect": set()}
    for line in ledger.read_text().splitlines():
        word, _, rest = line.partition(" ")
        told[word].add(rest)
    assert sorted(int(it.split()[1]) for it in told["note"]) == [n for n in expected if n is not None]
    assert [it.split()[1] for it in told["bury"]] == [str(BAD)]
    assert told["collect"] == {f"{following[0][1]} {expected}"}


async def filled(url: str, ledger: str) -> list[tuple[str, str]]:
    app = make(url, ledger)
    async with app:
        return await fill(app)


async def finished(url: str, ledger: str, following: list[tuple[str, str]]) -> Any:
    """By a worker that lives, once the lease of the dead one is over; the collector's result."""
    app = make(url, ledger)
    async with app:
        worker = app.worker(lease=LEASE, signals=())
        running = asyncio.create_task(worker.run())
        results = [await app.registry.find(task).handle(id).result(timeout=30) for task, id in following]
        worker.stop()
        await running
        return results[0]
