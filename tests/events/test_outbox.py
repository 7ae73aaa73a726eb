"""The outbox: collected, checked at once, sent whole or not at all, in batches, with an outcome for each."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from shops import PAID, PLACED, Paid, Placed, rows, shop
from workhorse import Unique, Workhorse
from workhorse.app.outbox import batches
from workhorse.core.contract import Envelope
from workhorse.errors import BrokerUnavailable, EnqueueRefused, WorkhorseError


def listening(**options: Any) -> Workhorse:
    app = shop("memory://", **options)

    @app.on("application/vnd.shop.*", name="all")
    async def all_of_them(event: dict[str, Any]) -> None: ...

    return app


async def collect(app: Workhorse, *publishings: Callable[[], Awaitable[object]]) -> None:
    """All of them in one block."""
    async with app.outbox():
        for publish in publishings:
            await publish()


async def fail() -> None:
    raise RuntimeError


async def test_nothing_is_sent_before_the_block_ends_and_then_everything_in_order() -> None:
    app = listening()

    @app.task
    async def ship(order: int) -> None: ...

    async with app:
        async with app.outbox() as box:
            first = await app.publish(Placed(1))
            job = await ship.enqueue(1)
            jobs = await app.enqueue_many(ship.job(n) for n in range(2))
            last = await app.publish(Paid(1))
            assert await rows(app) == []
            assert {it.kind for it in box.items} == {"collected"}
        assert [it.id for it in box.items] == [first, job.id, *(each.id for each in jobs), last]
        assert [it.what for it in box.items][1] == "ship"
        assert {it.kind for it in box.items} == {"accepted"}
        assert {row.job.id for row in await rows(app)} == {
            f"{first}@shop.all", f"{last}@shop.all", job.id, *(each.id for each in jobs)
        }  # fmt: skip


async def test_a_block_that_raises_sends_nothing() -> None:
    async with listening() as app:
        with pytest.raises(RuntimeError):
            await collect(app, lambda: app.publish(Placed(1)), fail)
        with pytest.raises(EnqueueRefused, match="order_id"):
            await collect(app, lambda: app.publish(Placed(1)), lambda: app.publish(PAID, order_id="one"))
        assert await rows(app) == []


async def test_a_dry_run_checks_and_sends_nothing() -> None:
    async with listening() as app:
        async with app.outbox(dry_run=True) as box:
            await app.publish(Placed(1))
            with pytest.raises(EnqueueRefused):
                await app.publish("application/vnd.shop.order-paid", order_id="one")
        assert [(it.kind, it.size > 100) for it in box.items] == [("checked", True)]
        assert await rows(app) == []


async def test_an_inner_block_joins_the_outer_one_and_an_inner_dry_run_does_not() -> None:
    async with listening() as app:
        async with app.outbox() as outer:
            async with app.outbox():
                await app.publish(Placed(1))
            async with app.outbox(dry_run=True):
                await app.publish(Placed(2))
            assert await rows(app) == []
        assert len(outer.items) == 1
        assert len(await rows(app)) == 1


async def test_another_apps_outbox_and_another_task_of_the_loop_are_not_in_it() -> None:
    async with listening() as app, listening() as other:
        inside, outside = asyncio.Event(), asyncio.Event()

        async def beside() -> None:
            await inside.wait()
            await app.publish(Paid(2))
            outside.set()

        task = asyncio.create_task(beside())
        async with app.outbox() as box:
            await other.publish(Paid(1))
            inside.set()
            await outside.wait()
            assert box.items == ()
        await task
        assert (len(await rows(app)), len(await rows(other))) == (1, 1)


async def test_what_a_block_leaves_running_is_told_that_it_is_closed() -> None:
    async with listening() as app:
        ended = asyncio.Event()

        async def late() -> None:
            await ended.wait()
            await app.publish(Paid(1))

        async with app.outbox():
            task = asyncio.create_task(late())
        ended.set()
        with pytest.raises(WorkhorseError, match="closed"):
            await task


async def test_each_item_has_its_own_outcome() -> None:
    app = listening()

    @app.task(unique=Unique())
    async def ship(order: int) -> None: ...

    async with app:
        first = await ship.enqueue(1)
        async with app.outbox() as box:
            await ship.enqueue(1)
            await ship.enqueue(2)
        assert [(it.kind, it.of) for it in box.items] == [("duplicate", first.id), ("accepted", "")]


async def test_an_engine_that_goes_away_half_way_leaves_it_known_what_was_sent_and_the_rest_can_be_sent_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("workhorse.app.outbox.COUNT", 2)
    app = listening(enqueue_timeout=5)
    async with app:
        connection = await app.events._soon()  # pyright: ignore[reportPrivateUsage]
        send, calls = connection.sender.send_many, 0

        async def failing(jobs: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == 2:
                raise BrokerUnavailable("gone")
            return await send(jobs)

        monkeypatch.setattr(connection.sender, "send_many", failing)
        box = app.outbox()

        async def five() -> None:
            async with box:
                for number in range(5):
                    await app.publish(Paid(number))

        with pytest.raises(BrokerUnavailable, match="2 of 5 items were sent") as caught:
            await five()
        assert len(caught.value.jobs) == 3
        assert [it.kind for it in box.items] == ["accepted"] * 2 + ["unknown"] * 3
        assert len(await rows(app)) == 2
        await box.send()
        assert {it.kind for it in box.items} == {"accepted"}
        assert {row.job.id for row in await rows(app)} == {f"{it.id}@shop.all" for it in box.items}


def test_batches_are_bounded_by_count_and_by_bytes() -> None:
    def sizes(of: list[int], count: int, most: int) -> list[list[int]]:
        made = [Envelope(str(index), "t", b"x" * size, "q") for index, size in enumerate(of)]
        return [[len(each.payload) for each in batch] for batch in batches(made, count, most)]

    assert sizes([1] * 5, 2, 100) == [[1, 1], [1, 1], [1]]
    assert sizes([4, 4, 4, 9, 1, 1], 100, 8) == [[4, 4], [4], [9], [1, 1]]
    assert sizes([], 2, 100) == []


async def test_what_an_engine_cannot_take_is_refused_before_anything_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    async with listening() as app:
        connection = await app.events._soon()  # pyright: ignore[reportPrivateUsage]
        monkeypatch.setattr(connection.sender, "max_size", 250)
        with pytest.raises(EnqueueRefused, match="the engine takes 250"):
            await collect(app, lambda: app.publish(Paid(1)), lambda: app.publish(PLACED, order_id=1, total="1" * 300))
        assert await rows(app) == []
