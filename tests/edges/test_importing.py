"""An import that dies goes on where it was: no item is lost, none is there twice."""

import asyncio
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from faulty_engine import lined, turns
from homes import HOMES, home
from waiting import until
from workhorse import Workhorse
from workhorse.app import importing
from workhorse.core.happenings import Forwarded
from workhorse.core.job import Job
from workhorse.engine import Filter
from workhorse.errors import BrokerUnavailable, DeclarationError, EngineRefused, EnqueueRefused, WorkhorseError
from workhorse.testing.faults import Lost, Script

LINES, CHUNK = 100, 10


class Shop:
    """An app that imports lines."""

    def __init__(self, url: str, **settings: Any) -> None:
        self.app = Workhorse(url, name="shop", enqueue_timeout=0.1, **settings)

        @self.app.task(name="add")
        async def add(line: int) -> int:
            return line

        self.add = add

    def lines(self, count: int = LINES, stop: int | None = None) -> Iterator[Job[int]]:
        for n in range(count):
            if n == stop:
                raise KeyboardInterrupt
            yield self.add.job(n)

    async def run(self, count: int = LINES, stop: int | None = None) -> int:
        return await self.app.progress("lines").enqueue_many(self.lines(count, stop))

    async def here(self) -> list[int]:
        """The numbers of all that is at the engine."""
        inspector = (await self.app.engine()).inspector
        assert inspector is not None
        found, after = list[int](), ""
        while page := await inspector.list(Filter(after=after), 1000):
            found += [int(row.job.id.rpartition(":")[2]) for row in page]
            after = page[-1].job.id
        return sorted(found)


@pytest.fixture(autouse=True)
def chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "CHUNK", CHUNK)


@pytest.mark.parametrize("kind", HOMES)
async def test_it_goes_on_where_it_was(request: pytest.FixtureRequest, kind: str) -> None:
    shop = Shop(home(request, kind))
    async with shop.app:
        with pytest.raises(KeyboardInterrupt):
            await shop.run(stop=35)
        assert await shop.app.progress("lines").at() == 30
        assert await shop.run() == LINES
        assert await shop.run() == LINES
        assert await shop.run(LINES + 5) == LINES + 5
        assert await shop.here() == list(range(LINES + 5))


@pytest.mark.parametrize("verb", ["publish", "put"])
async def test_what_was_done_and_not_answered_is_not_done_again(
    monkeypatch: pytest.MonkeyPatch, database_url: str, verb: Any
) -> None:
    line = lined(monkeypatch, Script())
    shop = Shop(database_url)
    async with shop.app:
        line.next(verb, None, None, *[Lost()] * 30)
        with pytest.raises(BrokerUnavailable):
            await shop.run()
        line.heal()
        assert await shop.run() == LINES
        assert await shop.here() == list(range(LINES))


async def test_two_at_once_are_one(database_url: str) -> None:
    one, two = Shop(database_url), Shop(database_url)
    async with one.app, two.app:
        assert await asyncio.gather(one.run(), two.run()) == [LINES, LINES]
        assert await one.here() == list(range(LINES))
        assert await one.app.progress("lines").at() == LINES


async def test_forgotten_it_begins_anew_with_new_jobs(database_url: str) -> None:
    shop = Shop(database_url)
    async with shop.app:
        await shop.run(20)
        await shop.app.progress("lines").forget()
        assert await shop.app.progress("lines").at() == 0
        assert await shop.run(20) == 20
        assert await shop.here() == sorted([*range(20), *range(20)])


async def test_one_that_is_forgotten_while_it_runs_stops(database_url: str) -> None:
    shop = Shop(database_url)
    async with shop.app:

        def lines() -> Iterator[Job[int]]:
            yield from shop.lines(25)
            shop.app.run(shop.app.progress("lines").forget())
            yield shop.add.job(25)

        with pytest.raises(WorkhorseError, match="it was forgotten while it ran"):
            await shop.app.progress("lines").enqueue_many(lines())


async def test_fewer_items_than_before_are_not_the_same(database_url: str) -> None:
    shop = Shop(database_url)
    async with shop.app:
        await shop.run()
        with pytest.raises(WorkhorseError, match=r"expected the 100 items that are enqueued already.*got 40"):
            await shop.run(40)


async def test_an_item_that_does_not_fit_stops_it_there(database_url: str) -> None:
    shop = Shop(database_url, max_size=100)
    async with shop.app:
        jobs: list[Job[int]] = [shop.add.job(1), shop.app.job("add", 10**200), shop.add.job(2)]
        with pytest.raises(EnqueueRefused, match="max_size"):
            await shop.app.progress("lines").enqueue_many(jobs)
        assert await shop.app.progress("lines").at() == 0
        assert await shop.app.progress("lines").enqueue_many([jobs[0], shop.add.job(3), jobs[2]]) == 3
        assert await shop.here() == [0, 1, 2]


async def test_with_a_spool_it_goes_on_while_the_engine_is_away(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, database_url: str
) -> None:
    line = lined(monkeypatch, Script())
    shop = Shop(database_url, spool=str(tmp_path / "spool.db"))
    forwarded = list[Forwarded]()
    shop.app.bus.listen(Forwarded, forwarded.append)
    async with shop.app:
        line.cut()
        with pytest.raises(KeyboardInterrupt):
            await shop.run(stop=45)
        line.heal()
        assert await shop.run() == LINES
        await turns(lambda: sum(it.jobs for it in forwarded) >= 40)
        async with asyncio.timeout(10):
            while len(await shop.here()) < LINES:
                await asyncio.sleep(0.001)
        assert await shop.here() == list(range(LINES))


async def test_without_a_store_it_says_so(database_url: str) -> None:
    shop = Shop(database_url, store="none")
    async with shop.app:
        with pytest.raises(EngineRefused, match="no store keeps it"):
            await shop.run()


def test_a_name_that_cannot_be_in_an_id_is_an_error() -> None:
    with pytest.raises(DeclarationError, match=r"progress: expected 1 to 120 .*'a/b'"):
        Shop("memory://").app.progress("a/b")


PROGRAM = """
import sys
from workhorse import Workhorse
app = Workhorse(sys.argv[1], name="shop")
@app.task(name="add")
async def add(line: int) -> int: return line
print(app.run(app.progress("lines").enqueue_many(add.job(n) for n in range(int(sys.argv[2])))), flush=True)
"""


@pytest.mark.parametrize(
    "kind",
    ["sqlite", pytest.param("postgres", marks=pytest.mark.proof), pytest.param("redis", marks=pytest.mark.proof)],
)
async def test_killed_again_and_again_it_imports_each_line_once(request: pytest.FixtureRequest, kind: str) -> None:
    shop, count = Shop(home(request, kind)), 100_000
    url = re.sub(r"[?&]retain=.*", "", shop.app.places.url)
    command = [sys.executable, "-c", PROGRAM, url, str(count)]
    async with shop.app:
        progress, kills = shop.app.progress("lines"), 0
        while True:
            child = subprocess.Popen(command, stdout=subprocess.PIPE)
            before = await progress.at()
            while kills < 5 and child.poll() is None and await progress.at() < before + 10_000 * (1 + kills % 2):
                await asyncio.sleep(0.001)
            if kills == 5:
                break
            child.send_signal(signal.SIGKILL)
            child.wait()
            kills += 1
        until(lambda: child.poll() is not None)
        assert child.stdout is not None
        assert child.stdout.read() == b"100000\n"
        assert await shop.here() == list(range(count))
