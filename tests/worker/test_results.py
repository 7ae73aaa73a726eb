"""What is promised of results: they come back as they were, wake who waits, and are gone when their time is over."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from travellers import Account, Box, Colour, Customer, Mixed, Order, Pair, Point
from workhorse import Workhorse
from workhorse.engine import Filter, Put
from workhorse.errors import JobCancelled, JobNotFound
from workhorse.testing import in_memory

app = Workhorse("memory://", name="kept")


@app.task
async def tell() -> int:
    return 1


PARIS = ZoneInfo("Europe/Paris")
VALUES: dict[str, Any] = {
    "none": None,
    "false": False,
    "zero": 0,
    "empty": "",
    "aware": datetime(2030, 10, 27, 2, 30, tzinfo=PARIS, fold=1),
    "utc": datetime(2030, 1, 1, tzinfo=UTC),
    "naive": datetime(2030, 1, 1, 1, 2, 3, 456),
    "date": date(2030, 1, 1),
    "time": time(1, 2, 3),
    "timedelta": timedelta(days=-1, microseconds=1),
    "tuple": (1, (2, "a")),
    "set": {1, 2},
    "set of tuples": {(1, 2)},
    "frozenset": frozenset({"a"}),
    "decimal": Decimal("1.10"),
    "uuid": UUID(int=7),
    "bytes": b"\0\xff",
    "enum": Colour.RED,
    "enum of pairs": Mixed.PAIR,
    "dataclass": Point(1, "a"),
    "struct": Order(1, datetime(2030, 1, 1, tzinfo=UTC)),
    "model": Customer(Name="Ada", born=date(1815, 12, 10)),
    "registered": Account("ada"),
    "keys": {1: "a", None: "b", (1, 2): "c"},
    "nested": {"a": [{"b": (Decimal("1"), {Colour.GREEN})}]},
}


kinds = Workhorse("memory://", name="kinds")


@kinds.task
async def echo(what: str) -> Any:
    return VALUES[what]


@kinds.task
async def known(
    a: Point, b: Order, c: Customer, d: Account, e: Colour, f: Mixed, g: Pair, h: Box[int]
) -> None: ...  # the declaration registers the classes


@pytest.mark.parametrize("what", VALUES)
async def test_a_result_comes_back_as_it_was(what: str) -> None:
    async with in_memory(kinds) as bench:
        job = await echo.enqueue(what)
        await bench.drain()
        result = await job.result()
        assert result == VALUES[what]
        assert type(result) is type(VALUES[what])
        (attempt,) = await job.history()
        assert attempt.value == VALUES[what]


@kinds.task
def annotated(ids: Sequence[UUID], at: datetime) -> dict[UUID, tuple[datetime, Decimal]]:
    return {id: (at, Decimal("0.10")) for id in ids}


async def test_arguments_and_results_travel_by_their_annotations_through_a_thread_too() -> None:
    async with in_memory(kinds) as bench:
        at = datetime(2030, 1, 1, tzinfo=PARIS)
        job = await annotated.enqueue([UUID(int=1)], at)
        await bench.drain()
        result = await job.result()
        assert result == {UUID(int=1): (at, Decimal("0.10"))}
        assert str(result[UUID(int=1)][1]) == "0.10"


async def test_a_result_wakes_who_waits_when_the_job_is_cancelled_or_deleted() -> None:
    async with in_memory(app) as bench:
        cancelled, deleted = [await tell.options(delay=3600).enqueue() for _ in range(2)]
        waiting = [asyncio.create_task(job.result(timeout=30)) for job in (cancelled, deleted)]
        await cancelled.cancel()
        await (await app.engine()).inspector.delete(Filter(ids=[deleted.id]))
        await bench.drain()
        async with asyncio.timeout(10):
            told = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(error) for error in told] == [JobCancelled, JobNotFound]


async def test_a_success_whose_result_has_expired_is_still_a_success_without_a_value() -> None:
    async with in_memory(app) as bench:
        job = await tell.options(result_ttl=60).enqueue()
        await bench.drain()
        bench.clock.advance(61)
        assert await job.status() == "succeeded"
        (attempt,) = await job.history()
        assert (attempt.successful, attempt.value) == (True, None)
        with pytest.raises(JobNotFound, match="expired"):
            await job.result()


BROKEN = (
    b"",
    b"garbage",
    b"\xff",
    b"[]",
    b'{"error":5}',
    b'{"value":"no number"}',
    b'{"tagged":{"$bytes":5}}',
    b"[" * 100_000,
)


@pytest.mark.parametrize("text", BROKEN, ids=range(len(BROKEN)))
async def test_a_result_that_cannot_be_read_is_a_clear_error_and_the_job_a_success_all_the_same(text: bytes) -> None:
    """Of a release, say, whose task returned something else."""
    async with in_memory(app) as bench:
        job = await tell.enqueue()
        await bench.drain()
        store = (await app.engine()).store
        assert store is not None
        await store.put([Put(f"result/{job.id}", text)])
        with pytest.raises(JobNotFound, match="has ended, but its result cannot be read"):
            await job.result()
        (attempt,) = await job.history()
        assert (attempt.successful, attempt.value) == (True, None)
