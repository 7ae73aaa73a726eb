"""An app with a spool while its engine is away: enqueueing goes on, and all of it arrives, in order, once."""

import asyncio
import resource
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from faulty_engine import lined, turns
from workhorse import Unique, Workhorse
from workhorse.app import spooling
from workhorse.core.happenings import BrokerBack, BrokerLost, Forwarded, ForwardRefused, Spooled
from workhorse.durable.spool import forwarder
from workhorse.durable.spool.batch import aged
from workhorse.durable.spool.log import Log
from workhorse.engine import Answer, Filter
from workhorse.engines import open_engine
from workhorse.errors import BrokerUnavailable, DeclarationError, EngineRefused, JobNotFound
from workhorse.testing import in_memory
from workhorse.testing.faults import Call, Script


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch) -> Script:
    return lined(monkeypatch, Script())


class Laptop:
    """An app in a folder, and what its bus says of the spool."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.spool = folder / "spool.db"
        settings = {"spool": str(self.spool), "enqueue_timeout": 2, **settings}
        self.app = Workhorse(f"sqlite:///{folder}/jobs.db", name="shop", **settings)
        self.said = list[Any]()
        for kind in (Spooled, Forwarded, ForwardRefused, BrokerLost, BrokerBack):
            self.app.bus.listen(kind, self.said.append)

        @self.app.task(name="add")
        async def add(n: int, padding: str = "") -> int:
            self.ran.append(n)
            return n + 1

        self.add, self.ran, self.numbers = add, list[int](), dict[str, int]()

    def heard(self, kind: type) -> list[Any]:
        return [it for it in self.said if type(it) is kind]

    async def here(self) -> list[int]:
        """What is at the engine, in the order of acceptance."""
        inspector = (await self.app.engine()).inspector
        assert inspector is not None
        rows = await inspector.list(Filter(), 10_000)
        ids = [row.job.id for row in sorted(rows, key=lambda row: row.place)]
        return [self.numbers[id] for id in ids]

    async def arrived(self, count: int) -> list[int]:
        """The same, when so many are."""
        async with asyncio.timeout(30):
            while len(found := await self.here()) < count:
                await asyncio.sleep(0.001)
        return found

    async def enqueue(self, *numbers: int) -> None:
        for n in numbers:
            self.numbers[(await self.add.enqueue(n)).id] = n


@pytest.fixture
async def laptop(line: Script, tmp_path: Path) -> AsyncIterator[Laptop]:
    laptop = Laptop(tmp_path)
    async with laptop.app:
        yield laptop


async def test_while_the_engine_answers_nothing_is_spooled(laptop: Laptop) -> None:
    await laptop.enqueue(1, 2)
    assert await laptop.here() == [1, 2]
    assert laptop.said == []


async def test_what_the_engine_does_not_answer_for_waits_and_arrives_in_order(line: Script, laptop: Laptop) -> None:
    line.cut()
    await laptop.enqueue(1, 2)
    jobs = [laptop.add.job(n) for n in range(3, 2003)]
    laptop.numbers.update({job.id: job.args[0] for job in jobs})
    handles = await laptop.app.enqueue_many(jobs)
    assert await handles[-1].status() == "spooled"
    assert await handles[-1].history() == ()
    line.heal()
    await laptop.enqueue(2003)
    assert await laptop.add.handle(handles[-1].id).cancel()  # it waits until it can be told
    assert await laptop.arrived(2003) == list(range(1, 2004))
    first, *others = laptop.heard(Spooled)
    assert first.why
    assert not any(it.why for it in others)
    assert len(laptop.heard(BrokerLost)) == len(laptop.heard(BrokerBack)) == 1


async def test_a_result_is_waited_for_from_the_spool_to_the_end(line: Script, laptop: Laptop) -> None:
    line.cut()
    job = await laptop.add.enqueue(1)
    with pytest.raises(TimeoutError, match="waits in the spool"):
        await job.result(timeout=0.01)
    waiting = asyncio.create_task(job.result(timeout=30))
    line.heal()
    await turns(lambda: laptop.heard(Forwarded))
    await laptop.app.worker(max_jobs=1, signals=()).run()
    assert await waiting == 2


async def test_an_engine_that_is_not_there_at_the_start_is_none_at_all(line: Script, tmp_path: Path) -> None:
    laptop = Laptop(tmp_path)
    line.cut()
    async with laptop.app:
        await laptop.enqueue(1)
        with pytest.raises(BrokerUnavailable):
            await laptop.app.engine()
    again = Laptop(tmp_path)
    async with again.app:  # a later run, and still none
        await laptop.app.close()
        await again.enqueue(2)
        line.heal()
        await turns(lambda: sum(it.jobs for it in again.heard(Forwarded)) == 2)
        again.numbers.update(laptop.numbers)
        assert await again.here() == [1, 2]


async def test_an_engine_that_says_nothing_is_waited_for_for_a_moment_only(
    line: Script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spooling, "SOON", 0.02)
    laptop = Laptop(tmp_path)
    held = asyncio.Event()

    async def silent(call: Call) -> Any:
        if call.verb == "publish":
            await held.wait()
        return await call.do()

    monkeypatch.setattr(line, "meet", silent)
    async with laptop.app:
        await laptop.enqueue(1, 2)
        assert len(laptop.heard(Spooled)) == 2
        held.set()  # what was asked first comes late, too
        await turns(lambda: laptop.heard(Forwarded))
        await laptop.enqueue(3)
        assert await laptop.arrived(3) == [1, 2, 3]


def test_synchronous_code_goes_on_as_well(line: Script, tmp_path: Path) -> None:
    laptop = Laptop(tmp_path)
    line.cut()
    job = laptop.add.enqueue_sync(1)
    assert laptop.app.run(job.status()) == "spooled"
    line.heal()
    laptop.app.run(turns(lambda: laptop.heard(Forwarded)))
    assert laptop.app.run(job.status()) == "ready"
    laptop.app.run(laptop.app.close())


async def test_two_apps_on_one_spool_send_each_job_once_in_order(line: Script, laptop: Laptop, tmp_path: Path) -> None:
    other = Laptop(tmp_path)
    line.cut()
    async with other.app:
        for n in range(0, 40, 2):
            await laptop.enqueue(n)
            await other.enqueue(n + 1)
        line.heal()
        await turns(lambda: sum(it.jobs for it in laptop.heard(Forwarded) + other.heard(Forwarded)) >= 40)
        laptop.numbers.update(other.numbers)
        assert await laptop.here() == list(range(40))


async def test_apps_of_other_names_do_not_send_on_what_is_not_theirs(line: Script, laptop: Laptop) -> None:
    line.cut()
    await laptop.enqueue(1)
    near = open_engine(f"sqlite:///{laptop.spool}")
    await near.open()
    assert near.store is not None
    for name, empty in (("shop", False), ("sho", True), ("shop/waits", True)):
        assert await Log(near.store, name, "").empty() is empty
    await near.close()


async def test_times_count_from_when_a_job_came_to_the_spool(
    line: Script, laptop: Laptop, monkeypatch: pytest.MonkeyPatch
) -> None:
    line.cut()
    late, brief = await laptop.add.options(delay=100).enqueue(1), await laptop.add.options(expires=5).enqueue(2)
    monkeypatch.setattr(forwarder, "aged", lambda batch, now: aged(batch, now + 40))
    line.heal()
    await turns(lambda: sum(it.jobs for it in laptop.heard(Forwarded)) == 2)
    inspector = (await laptop.app.engine()).inspector
    assert inspector is not None
    rows = {row.job.id: row for row in await inspector.list(Filter())}
    row = rows[late.id]
    assert row.due is not None
    assert row.due - row.accepted == pytest.approx(60, abs=2)
    assert rows[brief.id].job.expires == 0


async def test_a_job_that_the_engine_refuses_is_put_aside_and_the_others_arrive(
    line: Script, laptop: Laptop, monkeypatch: pytest.MonkeyPatch
) -> None:
    line.cut()
    await laptop.enqueue(1, 2, 3)
    refused = next(id for id, n in laptop.numbers.items() if n == 2)

    async def refusing(call: Call) -> Any:
        answer = await call.do()
        if call.verb == "publish":
            ids = [job.id for job in call.arguments[0]]
            return [
                Answer("refused", reason="no") if id == refused else each for id, each in zip(ids, answer, strict=True)
            ]
        return answer

    monkeypatch.setattr(line, "meet", refusing)
    await turns(lambda: sum(it.jobs for it in laptop.heard(Forwarded)) == 3)
    assert laptop.heard(ForwardRefused) == [ForwardRefused(refused, "add", "no")]


async def test_a_key_that_is_taken_when_its_job_arrives_leaves_it_out(line: Script, laptop: Laptop) -> None:
    keyed = laptop.add.options(unique=Unique(by=()))
    first = await keyed.enqueue(1)
    line.cut()
    second = await keyed.enqueue(2)
    assert second != first
    line.heal()
    await turns(lambda: laptop.heard(Forwarded))
    with pytest.raises(JobNotFound):
        await second.status()


async def test_a_full_spool_says_so_and_takes_more_when_there_is_room(line: Script, tmp_path: Path) -> None:
    laptop = Laptop(tmp_path, spool_limit=2, enqueue_timeout=0.05)
    line.cut()
    async with laptop.app:
        await laptop.enqueue(1, 2)
        with pytest.raises(BrokerUnavailable, match=r"the spool is full: 2 jobs wait and spool_limit is 2; .*same id"):
            await laptop.enqueue(3)
        line.heal()
        await turns(lambda: laptop.heard(Forwarded))
        await laptop.enqueue(3)
        assert await laptop.arrived(3) == [1, 2, 3]


async def test_a_locked_spool_says_so_and_loses_nothing(line: Script, tmp_path: Path) -> None:
    laptop = Laptop(tmp_path, spool=f"sqlite:///{tmp_path}/spool.db?busy=0.05", enqueue_timeout=1)
    line.cut()
    async with laptop.app:
        await laptop.enqueue(1)
        with closing(sqlite3.connect(laptop.spool, isolation_level=None)) as con:
            con.execute("begin immediate")
            with pytest.raises(BrokerUnavailable, match="held the file's write lock"):
                await laptop.enqueue(2)
        await laptop.enqueue(3)
        line.heal()
        assert await laptop.arrived(2) == [1, 3]


def test_a_damaged_spool_is_refused_at_the_start_and_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "spool.db").write_bytes(b"these are no bytes of a database" * 100)
    laptop = Laptop(tmp_path)
    with pytest.raises(EngineRefused, match=r"spool\.db: expected a SQLite database.*Nothing was changed"):
        laptop.app.run(laptop.app.__aenter__())
    assert (tmp_path / "spool.db").read_bytes().startswith(b"these")


async def test_a_damaged_batch_stays_and_is_told_of(line: Script, laptop: Laptop) -> None:
    line.cut()
    await laptop.enqueue(1)
    with closing(sqlite3.connect(laptop.spool)) as con, con:
        con.execute("update workhorse_facts set value = x'ff00' where key like '%waits%'")
    line.heal()
    near = open_engine(f"sqlite:///{laptop.spool}")
    await near.open()
    assert near.store is not None
    log = Log(near.store, "shop", "spool.db")
    async with asyncio.timeout(10):
        while (trouble := await log.trouble()) is None or "damaged bytes" not in trouble.error:
            await asyncio.sleep(0.01)
    assert not await log.empty()
    await near.close()


@pytest.mark.parametrize(
    ("spool", "why"),
    [
        ("redis://localhost", "expected a file"),
        ("memory://", "expected a file"),
        ("jobs.db", "a file of its own"),
        ("sqlite:///spool.db?sync=1", "sync"),
    ],
)
def test_what_cannot_be_a_spool_is_an_error_where_it_is_said(spool: str, why: str) -> None:
    with pytest.raises(DeclarationError, match=why):
        Workhorse("sqlite:///jobs.db", spool=spool)


async def test_an_app_in_memory_spools_nothing(tmp_path: Path) -> None:
    laptop = Laptop(tmp_path)
    async with in_memory(laptop.app) as bench:
        await laptop.add.enqueue(1)
        await bench.drain()
        assert bench.results == [2]
    assert not laptop.spool.exists()


async def test_a_disk_without_room_is_told_and_what_was_spooled_stays(line: Script, laptop: Laptop) -> None:
    line.cut()
    await laptop.enqueue(1)
    size = Path(f"{laptop.spool}-wal").stat().st_size
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        with pytest.raises(BrokerUnavailable, match=r"no room left|the disk answered"):
            await laptop.add.enqueue(2, "x" * 100_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    await laptop.enqueue(3)
    line.heal()
    await turns(lambda: sum(it.jobs for it in laptop.heard(Forwarded)) == 2)
    assert await laptop.here() == [1, 3]
