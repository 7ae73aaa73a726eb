"""Races inside the engine: an answer given up, a job begun anew, a descriptor that is somebody else's by now."""

import asyncio
import socket
import sqlite3
import threading
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from workhorse.engine import Broker, Dead, Engine, Envelope, Filter, Put, Store
from workhorse.engines import open_engine
from workhorse.engines.sqlite import claiming, link

OLD = Put("result/given", b'{"error":{"type":"ValueError","message":""}}', None, 3600)


@pytest.fixture
async def engine(database_url: str) -> AsyncGenerator[Engine]:
    opened = open_engine(f"{database_url}?dead_retain=0")
    await opened.open()
    yield opened
    await opened.close()


def parts(engine: Engine) -> tuple[Broker, Store]:
    assert engine.broker is not None
    assert engine.store is not None
    return engine.broker, engine.store


def job(id: str = "given") -> Envelope:
    return Envelope(id, "t", b"{}", queue="q")


async def died(engine: Engine, id: str = "given") -> None:
    broker, _ = parts(engine)
    await broker.publish([job(id)])
    (claim,) = await broker.claim(["q"], 1, 30)
    assert await broker.settle([Dead(claim, (OLD,), reason="no luck")]) == []


async def test_a_dead_letter_put_back_has_no_result_until_it_ends_again(database_url: str) -> None:
    engine = open_engine(database_url)
    await engine.open()
    await died(engine)
    assert engine.inspector is not None
    assert await engine.inspector.retry(Filter(ids=["given"])) == 1
    assert await parts(engine)[1].get(["result/given"]) == [None]
    await engine.close()


async def test_an_id_that_died_and_was_forgotten_begins_without_a_result(engine: Engine) -> None:
    broker, store = parts(engine)
    await died(engine)
    assert await store.get(["result/given"]) != [None]
    await broker.publish([job()])
    assert await store.get(["result/given"]) == [None]
    assert len(await broker.claim(["q"], 1, 30)) == 1


@pytest.mark.parametrize("own", [True, False])
async def test_an_id_that_was_deleted_begins_without_a_result(engine: Engine, own: bool, database_url: str) -> None:
    broker, store = parts(engine)
    await broker.publish([job()])
    assert engine.inspector is not None
    assert await engine.inspector.delete(Filter(ids=["given"])) == 1
    assert await store.get(["result/given"]) != [None]
    if own:
        await broker.publish([job()])
    else:
        in_a_transaction_of_the_callers(engine, database_url)
    assert await store.get(["result/given"]) == [None]


def in_a_transaction_of_the_callers(engine: Engine, url: str) -> None:
    assert engine.statements is not None
    con = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    con.execute("begin immediate")
    for text, values in engine.statements.statements([job()], []):
        con.execute(text, values)
    con.execute("commit")
    con.close()


async def test_the_same_id_again_leaves_the_result_of_a_job_that_is_kept(database_url: str) -> None:
    engine = open_engine(database_url)
    await engine.open()
    await died(engine)
    await parts(engine)[0].publish([job()])
    assert await parts(engine)[1].get(["result/given"]) != [None]
    await engine.close()


async def test_a_claim_whose_commit_has_begun_is_not_given_up(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its answer is late, not lost: claimed and known to nobody, the job would wait out a lease and be charged a crash."""
    engine = open_engine(f"{database_url}?busy=0")
    await engine.open()
    broker, _ = parts(engine)
    await broker.publish([job()])
    go, impatient = threading.Event(), asyncio.Event()
    take, give_up = claiming.claim, vars(link)["_give_up"]

    def slow(*args: Any) -> Any:
        assert go.wait(20)
        return take(*args)

    def giving_up(*args: Any) -> None:
        give_up(*args)
        impatient.set()

    monkeypatch.setattr(link, "_GRACE", 0.05)
    monkeypatch.setattr(link, "_give_up", giving_up)
    monkeypatch.setattr(claiming, "claim", slow)
    claiming_it = asyncio.create_task(broker.claim(["q"], 1, 30))
    async with asyncio.timeout(20):
        await impatient.wait()
        go.set()
        assert [claim.job.id for claim in await claiming_it] == ["given"]
    monkeypatch.undo()
    await engine.close()


async def test_a_wait_that_outlives_its_engine_leaves_others_descriptors_alone(database_url: str) -> None:
    engine = open_engine(database_url)
    await engine.open()
    waiting = asyncio.create_task(parts(engine)[1].wait({"k": 0}, 60))
    await parts(engine)[1].get(["k"])  # the wait's own look came before this one
    await engine.close()
    pairs = [socket.socketpair() for _ in range(20)]
    loop, heard, all_heard = asyncio.get_running_loop(), set[int](), asyncio.Event()
    ends = [end for pair in pairs for end in pair]

    def hear(end: socket.socket) -> None:
        heard.add(end.fileno())
        end.recv(1)
        if len(heard) == len(ends):
            all_heard.set()

    for end in ends:
        loop.add_reader(end.fileno(), hear, end)
    waiting.cancel()
    await asyncio.wait([waiting])
    for end in ends:
        end.send(b".")
    try:
        await asyncio.wait_for(all_heard.wait(), 10)
    finally:
        for end in ends:
            loop.remove_reader(end.fileno())
            end.close()
