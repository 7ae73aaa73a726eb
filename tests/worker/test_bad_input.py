"""Bad input, end to end: a clear error where it enters or a dead letter with its reason; and the worker goes on, which the
good job behind each of them shows."""

import asyncio
import os
import sqlite3
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from bad_input import BROKEN_JSON, ODD_BUT_SOUND, ODD_VERSIONS, UNSENDABLE
from workhorse import Fixed, JobFailed, Priority, Retry, Workhorse, wire
from workhorse.core import document
from workhorse.core.envelope import encode_job
from workhorse.engine import Envelope, Row
from workhorse.errors import DeclarationError, EngineRefused, EnqueueRefused
from workhorse.testing import drain, in_memory
from workhorse.testing.bench import Bench

app = Workhorse("memory://", name="bad", retry=Retry(1, Fixed(0)))
calls: list[object] = []


@pytest.fixture(autouse=True)
def _fresh() -> None:
    calls.clear()


@app.task
async def good(n: int = 1) -> int:
    return n


@app.task
async def take(number: int, text: str = "", *, flag: bool = False) -> str:
    calls.append(number)
    return f"{number} {text} {flag}"


@app.task
async def take_anything(value: Any) -> Any:
    calls.append(value)
    return value


async def publish(task: str, payload: bytes, id: str = "bad") -> None:
    """As another program would: without the app's own checks."""
    broker = (await app.engine()).broker
    assert broker is not None
    (answer,) = await broker.publish([Envelope(id, task, payload, queue="bad")])
    assert answer.kind == "accepted"


async def row(id: str = "bad") -> Row:
    inspector = (await app.engine()).inspector
    assert inspector is not None
    found = await inspector.show(id)
    assert found is not None
    return found


async def goes_on(bench: Bench) -> None:
    """The worker has lived through it: what comes behind is run."""
    job = await good.enqueue(7)
    await bench.drain()
    assert await job.result() == 7


# ---- what arrives


def damaged() -> Mapping[str, bytes]:
    whole = document.encode(b"[1]", b"{}")
    flipped = {f"bit {n}": whole[:n] + bytes([whole[n] ^ 1]) + whole[n + 1 :] for n in range(15, len(whole), 7)}
    cut = {f"cut at {n}": whole[:n] for n in range(8, len(whole), 9)}
    forged = {
        "no checksum": whole.replace(b'"crc":"', b'"crc":"0'),
        "arguments that are no list": document.encode(b'"abc"', b"{}"),
        "names that are no object": document.encode(b"[]", b'["number"]'),
        "a retry out of range": document.encode(b"[1]", b'{},"options":{"retry":{"retries":-1,"delay":{"fixed":1}}}'),
        "a time-out of another type": document.encode(b"[1]", b'{},"options":{"timeout":"soon"}'),
        "infinite crashes": document.encode(b"[1]", b'{},"options":{"max_crashes":1e400}'),
    }
    return {**flipped, **cut, **forged, **BROKEN_JSON}


@pytest.mark.parametrize("what", damaged())
async def test_a_damaged_payload_is_a_dead_letter_with_its_reason_and_its_bytes(what: str) -> None:
    payload = damaged()[what]
    async with in_memory(app) as bench:
        await publish("take", payload)
        await bench.drain()
        found = await row()
        assert (found.status, found.job.payload) == ("dead", payload)
        assert found.reason.startswith(("malformed: ", "arguments do not fit: "))
        with pytest.raises(JobFailed, match=r"malformed|do not fit"):
            await take.handle("bad").result()
        assert calls == []
        await goes_on(bench)


@pytest.mark.parametrize("version", [version for version in ODD_VERSIONS if version != b"01e9"])  # which is no JSON
async def test_a_newer_envelope_is_handed_back_and_only_after_an_hour_a_dead_letter(version: bytes) -> None:
    payload = b'{"v":%b,"body":"of another shape"}' % version
    async with in_memory(app) as bench:
        await publish("take", payload)
        assert (await bench.drain()).released == 1
        assert (await row()).status == "scheduled"
        await goes_on(bench)
        bench.clock.advance(3601)
        assert (await bench.drain()).dead == 1
        found = await row()
        assert "expected version 1" in found.reason
        assert found.job.payload == payload


MISFITS: dict[str, tuple[bytes, bytes]] = {
    "missing": (b"[]", b"{}"),
    "extra": (b'[1,"a",true]', b"{}"),
    "unknown": (b"[1]", b'{"widht":2}'),
    "given twice": (b"[1]", b'{"number":2}'),
    "wrong type": (b'["1"]', b"{}"),
    "no whole number": (b"[1.5]", b"{}"),
    "null": (b"[null]", b"{}"),
    "keyword-only by position": (b'[1,"a"]', b'{"flag":"yes"}'),
    "nested too deep": (b"[" * 5_001 + b"]" * 5_001, b"{}"),
    "NaN": (b"[NaN]", b"{}"),
    "past 64 bits in a small field": (b"[1e400]", b"{}"),
    "lone surrogate": (b'[1,"\\ud800"]', b"{}"),
    "a tag that lies": (b'[1,{"$bytes":5}]', b"{}"),
}


@pytest.mark.parametrize("what", MISFITS)
async def test_arguments_that_do_not_fit_are_a_dead_letter_unrun_at_the_first_attempt(what: str) -> None:
    async with in_memory(app) as bench:
        await publish("take", document.encode(*MISFITS[what]))
        counts = await bench.drain()
        assert (counts.dead, counts.retried, calls) == (1, 0, [])
        assert (await row()).reason.startswith(("arguments do not fit: ", "malformed: "))
        assert await take.handle("bad").history() == []
        await goes_on(bench)


async def test_of_a_name_twice_in_our_own_envelope_the_last_one_counts_and_foreign_text_is_refused() -> None:
    async with in_memory(app) as bench:
        await publish("take", document.encode(b"[]", b'{"number":1,"number":2}'))
        await bench.drain()
        assert bench.results == ["2  False"]
    with pytest.raises(ValueError, match="twice"):
        wire.loads(b'{"a":1,"a":2}')


async def test_a_task_that_nobody_knows_is_kept_for_an_hour_then_dead_with_its_name() -> None:
    async with in_memory(app) as bench:
        await publish("tkae", document.encode(b"[1]", b"{}"))
        assert (await bench.drain()).released == 1
        await goes_on(bench)
        bench.clock.advance(3601)
        await bench.drain()
        assert "no worker here knows the task 'tkae'" in (await row()).reason


async def test_a_trail_that_cannot_be_read_costs_its_history_and_not_the_job() -> None:
    async with in_memory(app) as bench:
        broker = (await app.engine()).broker
        assert broker is not None
        for n, trail in enumerate((b"{", b"\xff", b'{"history":5}', b"[" * 100_000)):
            job = Envelope(f"bad-{n}", "good", document.encode(b"[3]", b"{}"), queue="bad", trail=trail)
            await broker.publish([job])
        await bench.drain()
        assert bench.results == [3, 3, 3, 3]


# ---- what is enqueued


@pytest.mark.parametrize("what", UNSENDABLE)
async def test_what_no_job_may_carry_is_refused_at_enqueue_and_nothing_is_stored(what: str) -> None:
    async with in_memory(app) as bench:
        with pytest.raises(EnqueueRefused) as caught:
            await take_anything.enqueue(UNSENDABLE[what])
        assert "value" in str(caught.value)
        bench.enqueued.nothing()
        await goes_on(bench)


@pytest.mark.parametrize("what", ODD_BUT_SOUND)
async def test_what_only_looks_dangerous_goes_to_the_task_and_back_untouched(what: str) -> None:
    value = ODD_BUT_SOUND[what]
    async with in_memory(app) as bench:
        job = await take_anything.enqueue(value)
        await bench.drain()
        result = await job.result()
        assert (calls, result) == ([value], value)
        assert type(result) is type(value)


async def test_ten_megabytes_are_refused_with_the_limit_named() -> None:
    async with in_memory(app) as bench:
        for call in (take_anything.enqueue("x" * 10_000_000), app.enqueue_many([take_anything.job("x" * 10_000_000)])):
            with pytest.raises(EnqueueRefused, match=r"10,000,\d+ bytes, and max_size is 1,048,576"):
                await call
        await goes_on(bench)


@pytest.mark.parametrize("option", ["at", "expires"])
def test_a_naive_moment_is_refused_where_it_is_said(option: str) -> None:
    with pytest.raises(DeclarationError, match=rf"{option}: expected an aware datetime.*naive"):
        good.options(**{option: datetime(2030, 1, 1)})


# ---- the place


async def test_a_task_that_forks_is_settled_once_and_its_copy_is_no_worker(database_url: str) -> None:
    local = Workhorse(database_url, name="forks", retry=Retry(0))
    tasks = [local.task(name="async")(_fork_async), local.task(name="thread")(_fork)]
    async with local:
        jobs = [await task.enqueue() for task in tasks]
        counts = await drain(local)
        assert (counts.succeeded, counts.dead) == (2, 0)
        for job in jobs:
            child = await job.result()
            assert child > 0
            assert os.waitpid(child, 0) == (child, 0)
            assert len(await job.history()) == 1


async def _fork_async() -> int:
    return os.fork()


def _fork() -> int:
    return os.fork()


async def test_a_file_of_a_newer_workhorse_is_refused_with_what_to_do_and_left_as_it_is(
    database_url: str, tmp_path: Path
) -> None:
    async with Workhorse(database_url) as first:
        await first.enqueue(first.job("some.task"))
    path = tmp_path / "jobs.db"
    with sqlite3.connect(path) as connection:
        connection.execute("update workhorse_counters set value = 99 where name = 'schema'")
    connection.close()
    before = path.read_bytes()
    newer = Workhorse(database_url)

    @newer.task(name="some.task")
    async def some_task() -> None: ...

    for call in (newer.worker(signals=()).run, some_task.enqueue):
        with pytest.raises(EngineRefused, match="newer"):
            await call()
    assert path.read_bytes() == before


async def test_two_services_on_one_file_with_one_task_name_run_each_its_own(database_url: str) -> None:
    shops = [Workhorse(database_url, name=name) for name in ("north", "south")]
    ran: list[str] = []
    for shop in shops:

        @shop.task(name="report")
        async def report(whose: str, here: str = shop.name) -> None:
            ran.append(f"{whose} in {here}")

    async with shops[0], shops[1]:
        for shop in shops:
            await shop.registry.find("report").enqueue(shop.name)
        for shop in reversed(shops):
            assert (await drain(shop)).succeeded == 1
    assert ran == ["south in south", "north in north"]


async def test_a_bad_job_among_good_ones_of_one_batch_harms_none_of_them(database_url: str) -> None:
    """All kinds at once, on a file: what cannot be read, what does not fit, what raises; and a hundred good ones."""
    local = Workhorse(database_url, name="bad", retry=Retry(0))
    local.task(name="good")(good.fn)
    raising = local.task(name="raising")(_raise)
    async with local:
        broker = (await local.engine()).broker
        assert broker is not None
        sound = [encode_job(local.registry.find("good").job(n), None) for n in range(100)]
        bad = [
            Envelope(f"bad-{n}", "good", text, queue="bad", priority=Priority.HIGH)
            for n, text in enumerate(damaged().values())
        ]
        await broker.publish([*sound[:50], *bad, *sound[50:]])
        for n in range(len(_RAISED)):
            await raising.enqueue(n)
        counts = await drain(local)
    assert (counts.succeeded, counts.dead) == (100, len(bad) + len(_RAISED))


_RAISED = (SystemExit(3), KeyboardInterrupt(), asyncio.CancelledError(), RecursionError(), MemoryError())


async def _raise(n: int) -> None:
    raise _RAISED[n]
