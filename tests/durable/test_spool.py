"""The log of a spool, the lease on sending on, and the forwarder, over a store in memory."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from workhorse.core.contract import ABSENT, Answer, Envelope, Put, Store, Unique
from workhorse.core.instrument import Bus
from workhorse.durable.spool import batch, log
from workhorse.durable.spool.forwarder import Forwarder
from workhorse.durable.spool.lease import Lease
from workhorse.durable.spool.log import Log
from workhorse.engines import open_engine
from workhorse.errors import BrokerUnavailable, EngineRefused


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    engine = open_engine(f"sqlite:///{tmp_path}/spool.db?synchronous=normal")
    await engine.open()
    assert engine.store is not None
    yield engine.store
    await engine.close()


def job(n: int, payload: bytes = b"{}", **rest: Any) -> Envelope:
    return Envelope(f"job{n:06}", "task", payload, "queue", **rest)


class Far:
    """A broker that knows ids, and accepts in order."""

    def __init__(self) -> None:
        self.accepted, self.calls, self.away = list[str](), list[Sequence[str]](), 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self) -> Any:
        return self

    async def publish(self, jobs: Sequence[Envelope]) -> list[Answer]:
        self.calls.append([job.id for job in jobs])
        await self.gate.wait()
        if self.away:
            self.away -= 1
            raise BrokerUnavailable("away")
        self.accepted += [job.id for job in jobs if job.id not in self.accepted]
        return [Answer("accepted")] * len(jobs)


def ids(numbers: Sequence[int]) -> list[str]:
    return [job(n).id for n in numbers]


async def drained(spool: Log, far: Far, **settings: Any) -> Forwarder:
    forwarder = Forwarder(spool, far, Bus(), **settings)
    async with asyncio.timeout(30):
        await forwarder.run(burst=True)
    return forwarder


async def test_batches_come_out_in_the_order_in_which_they_went_in(store: Store) -> None:
    spool, far = Log(store, "shop", "here"), Far()
    for start in range(0, 300, 3):
        await spool.add([job(n) for n in range(start, start + 3)])
    assert (await spool.waiting())[0] == 300
    forwarder = await drained(spool, far)
    assert far.accepted == ids(range(300))
    assert forwarder.forwarded == 300
    assert await spool.waiting() == (0, None)


async def test_those_who_add_at_once_lose_nothing(store: Store) -> None:
    logs = [Log(store, "shop", "here") for _ in range(4)]
    await asyncio.gather(*(logs[n % 4].add([job(n), job(n + 1000)]) for n in range(50)))
    far = Far()
    await drained(logs[0], far)
    assert sorted(far.accepted) == ids([*range(50), *range(1000, 1050)])
    assert all(far.accepted.index(job(n + 1000).id) == far.accepted.index(job(n).id) + 1 for n in range(50))


async def test_who_is_overtaken_by_one_whose_batch_is_gone_already_is_not_lost(store: Store) -> None:
    slow, quick, far = Log(store, "shop", "here"), Log(store, "shop", "here"), Far()
    tail, overtaken = slow.tail, asyncio.Event()

    async def read_then_wait() -> tuple[int, int]:
        found = await tail()
        if not overtaken.is_set():
            await quick.add([job(1)])
            await drained(quick, far)
            overtaken.set()
        return found

    slow.tail = read_then_wait  # type: ignore[method-assign]
    await slow.add([job(2)])
    await quick.add([job(3)])
    await drained(quick, far)
    assert far.accepted == ids([1, 2, 3])


async def test_large_jobs_are_kept_in_parts_and_pages_grow_and_shrink(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "BYTES", 100)
    monkeypatch.setattr(log, "LIGHT", 1000)
    monkeypatch.setattr(log, "HEAVY", 3000)
    spool, far = Log(store, "shop", "here"), Far()
    await spool.add([job(n, b"x" * 60) for n in range(200)])
    assert await spool.find(job(150).id) is not None
    assert await spool.find("job") is None
    await drained(spool, far)
    assert far.accepted == ids(range(200))
    assert len({len(call) for call in far.calls}) > 1


async def test_the_limit_counts_jobs_that_wait(store: Store) -> None:
    spool = Log(store, "shop", "here", 3)
    await spool.add([job(1), job(2)])
    with pytest.raises(BrokerUnavailable, match="full: 2 jobs wait and spool_limit is 3"):
        await spool.add([job(3), job(4)])
    await spool.add([job(3)])
    await drained(spool, Far())
    await spool.add([job(4), job(5), job(6)])


async def test_what_a_newer_release_wrote_is_refused_and_stays(store: Store) -> None:
    spool = Log(store, "shop", "here")
    newer = batch._encode(batch.Batch(0, [job(1)], batch.VERSION + 1))
    await store.put([Put("spool/shop/waits/0000000000000000", newer, ABSENT)])
    with pytest.raises(EngineRefused, match="a newer Workhorse wrote them"):
        await spool.page()
    assert not await spool.empty()


def test_what_counts_from_acceptance_has_counted_meanwhile() -> None:
    jobs = [job(1), job(2, delay=50, expires=30), job(3, unique=Unique("key", within=100)), job(4, at=7.0)]
    found = batch.unpacked(batch.packed(jobs, 1000.0), "here")
    plain, late, keyed, moment = batch.aged(found, 1040.0)
    assert (plain, moment) == (jobs[0], jobs[3])
    assert (late.delay, late.expires) == (10, 0)
    assert keyed.unique == Unique("key", within=60)
    assert batch.aged(found, 900.0) == jobs  # the clock was set back


async def test_an_engine_that_is_away_is_asked_again_and_nothing_is_overtaken(store: Store) -> None:
    spool, far = Log(store, "shop", "here"), Far()
    await spool.add([job(1)])
    far.away = 3
    forwarding = asyncio.create_task(drained(spool, far))
    while not await spool.trouble():
        await asyncio.sleep(0)
    await spool.add([job(2)])
    await forwarding
    assert far.accepted == ids([1, 2])
    assert await spool.trouble() is None


async def test_one_forwarder_works_at_a_time_and_another_follows_one_that_died(store: Store) -> None:
    spool, far = Log(store, "shop", "here"), Far()
    await spool.add([job(1)])
    far.gate.clear()
    dying = asyncio.create_task(Forwarder(spool, far, Bus(), Lease(store, spool.lease_key, 0.3)).run())
    while not far.calls:
        await asyncio.sleep(0)
    following = asyncio.create_task(drained(spool, far, lease=Lease(store, spool.lease_key, 0.3)))
    await asyncio.sleep(0)
    assert far.calls == [ids([1])]
    while len(far.calls) < 2:  # the first stands still, and its lease runs out
        await asyncio.sleep(0.001)
    await spool.add([job(2)])
    far.gate.set()
    await following
    dying.cancel()
    await asyncio.wait([dying])
    assert far.accepted == ids([1, 2])


async def test_a_lease_is_kept_released_and_taken_over(store: Store) -> None:
    one, two = Lease(store, "lease", 60), Lease(store, "lease", 60)
    assert await one.hold()
    assert await one.hold()
    assert not await two.hold()
    freed = asyncio.create_task(two.freed(30))
    await one.release()
    await freed
    assert await two.hold()
    assert not await one.hold()


async def test_a_lease_that_ran_out_is_taken_again(store: Store) -> None:
    one, two = Lease(store, "lease", 0.001), Lease(store, "lease", 60)
    assert await one.hold()
    await one.freed(30)
    assert await two.hold()
    assert not await one.hold()
    await two.release()
    assert await one.hold()


async def test_a_lease_from_before_the_clock_was_set_back_is_taken_over(store: Store) -> None:
    await store.put([Put("lease", f"{await store.now() + 3600} dead".encode(), ABSENT, 7200)])
    assert await Lease(store, "lease", 5).hold()
