"""Chapter: reopening. Closed and opened again, everything that was accepted is there."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest_asyncio

from workhorse.engine import Broker, Dead, Engine, Inspector, Lane, Put, Retried, Store, Succeeded, Unique
from workhorse.testing.conformance.chapter import Chapter, needs
from workhorse.testing.conformance.words import (
    LEASE,
    QUEUE,
    claim,
    claim_one,
    ids,
    job,
    only,
    publish,
    put,
    settle,
    value,
)

Reopen = Callable[[], Awaitable[Engine]]


@needs("reopens")
class Reopening(Chapter):
    """One engine is closed, a new one of the same name is opened."""

    @pytest_asyncio.fixture
    async def reopen(self, opened: Engine, name: str) -> AsyncIterator[Reopen]:
        engines = [opened]

        async def close_and_open() -> Engine:
            await engines[-1].close()
            engines.append(self.engine(name))
            await engines[-1].open()
            return engines[-1]

        yield close_and_open
        await engines[-1].close()

    async def test_closing_twice_is_fine(self, broker: Broker, opened: Engine, reopen: Reopen) -> None:
        await publish(broker, job("a"))
        await opened.close()
        await opened.close()
        assert await ids(_broker(await reopen())) == ["a"]

    async def test_closing_one_workers_engine_leaves_the_others_open(
        self, broker: Broker, opened: Engine, other_broker: Broker
    ) -> None:
        await publish(broker, job("a"))
        await opened.close()
        await publish(other_broker, job("b"))
        assert await ids(other_broker) == ["a", "b"]

    async def test_many_may_open_at_once_where_nothing_is_yet(self, name: str) -> None:
        engines = [self.engine(f"{name}-new") for _ in range(8)]
        await asyncio.gather(*(each.open() for each in engines))
        await asyncio.gather(*(publish(_broker(each), job(f"{n}")) for n, each in enumerate(engines)))
        assert await ids(_broker(engines[0])) == [f"{n}" for n in range(8)]
        await asyncio.gather(*(each.close() for each in engines))

    async def test_waiting_jobs_outlive_a_close(self, broker: Broker, reopen: Reopen) -> None:
        await publish(broker, job("a"), job("b", delay=20))
        again = _broker(await reopen())
        assert await ids(again) == ["a"]
        await self.pass_time(21)
        assert await ids(again) == ["b"]

    async def test_a_claim_outlives_a_close(self, broker: Broker, reopen: Reopen) -> None:
        await publish(broker, job("a"))
        held = await claim_one(broker)
        again = _broker(await reopen())
        assert await ids(again) == []
        await settle(again, Retried(held, trail=b"so far"))
        came = (await claim_one(again)).job
        assert (came.attempt, came.trail) == (2, b"so far")

    @needs("counts_crashes")
    async def test_crashes_are_counted_over_a_close(self, broker: Broker, reopen: Reopen) -> None:
        await publish(broker, job("a"))
        await claim_one(broker)
        await self.pass_time(LEASE + 1)
        assert (await claim_one(_broker(await reopen()))).crashes == 1

    @needs("inspectable")
    async def test_dead_letters_outlive_a_close(self, broker: Broker, reopen: Reopen) -> None:
        await publish(broker, job("a"))
        await settle(broker, Dead(await claim_one(broker), reason="why"))
        row = await _inspector(await reopen()).show("a")
        assert row is not None
        assert (row.status, row.reason) == ("dead", "why")

    @needs(remembers=1)
    async def test_ended_ids_are_remembered_over_a_close(self, broker: Broker, reopen: Reopen) -> None:
        await publish(broker, job("a"))
        await settle(broker, Succeeded(await claim_one(broker)))
        again = _broker(await reopen())
        await publish(again, job("a"))
        assert await ids(again) == []

    @needs("store")
    async def test_facts_outlive_a_close_with_their_versions(self, store: Store, reopen: Reopen) -> None:
        version = await put(store, "a", b"1")
        assert await _store(await reopen()).get(["a"]) == [(b"1", version)]

    @needs("store")
    async def test_a_version_does_not_come_back_after_a_close(self, store: Store, reopen: Reopen) -> None:
        old = await put(store, "a")
        await store.delete({"a": None})
        assert await put(_store(await reopen()), "a") > old

    @needs("store")
    async def test_what_a_settle_wrote_outlives_a_close(self, broker: Broker, store: Store, reopen: Reopen) -> None:
        await publish(broker, job())
        outcome = Succeeded(await claim_one(broker), writes=[Put("result/a", b"42")], publish=[job("a~1~0")])
        await settle(broker, outcome)
        again = await reopen()
        assert await value(_store(again), "result/a") == b"42"
        assert await ids(_broker(again)) == ["a~1~0"]

    async def test_bindings_outlive_a_close(self, broker: Broker, reopen: Reopen) -> None:
        await broker.bind("order.*", "mail")
        again = _broker(await reopen())
        await publish(again, job("e", topic="order.paid"))
        assert await ids(again) == ["e@mail"]

    @needs("inspectable")
    async def test_a_paused_queue_stays_paused_over_a_close(
        self, broker: Broker, inspector: Inspector, reopen: Reopen
    ) -> None:
        await publish(broker, job("a"))
        await inspector.pause(QUEUE)
        again = await reopen()
        assert await ids(_broker(again)) == []
        await _inspector(again).resume(QUEUE)
        assert await ids(_broker(again)) == ["a"]

    @needs("inspectable")
    async def test_a_cancel_that_was_asked_for_outlives_a_close(
        self, broker: Broker, inspector: Inspector, reopen: Reopen
    ) -> None:
        await publish(broker, job("a", delay=60))
        await inspector.cancel(only("a"))
        assert (await claim_one(_broker(await reopen()))).cancel

    @needs("lanes")
    async def test_lanes_go_on_after_a_close(self, broker: Broker, reopen: Reopen) -> None:
        lane = Lane("mail/send:ada", ordered=True)
        await publish(broker, *(job(each, lane=lane) for each in ("first", "second")))
        held = await claim_one(broker)
        again = _broker(await reopen())
        assert await claim(again) == []
        await settle(again, Succeeded(held))
        assert await ids(again) == ["second"]

    @needs("unique")
    async def test_unique_keys_are_held_over_a_close(self, broker: Broker, reopen: Reopen) -> None:
        await publish(broker, job("a", unique=Unique("report")))
        (answer,) = await _broker(await reopen()).publish([job("b", unique=Unique("report"))])
        assert (answer.kind, answer.of) == ("duplicate", "a")


def _broker(engine: Engine) -> Broker:
    assert engine.broker is not None
    return engine.broker


def _store(engine: Engine) -> Store:
    assert engine.store is not None
    return engine.store


def _inspector(engine: Engine) -> Inspector:
    assert engine.inspector is not None
    return engine.inspector
