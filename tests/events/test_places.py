"""Handlers in threads and in processes: the same outcomes, and what they publish carries on; and who is told of a death."""

from pathlib import Path
from typing import Any

import pytest

from shops import PLACED, Paid, Placed, dead, rows, shop
from workhorse import Job, Retry
from workhorse.core.contract import Filter
from workhorse.core.document import decode
from workhorse.testing import drain


async def test_what_a_thread_publishes_carries_on_so_that_its_loops_end_too() -> None:
    app = shop("memory://named", max_hops=4)

    @app.on(Placed)
    def ping(order: Placed) -> None:
        app.run(app.publish(Paid(order.order_id)))

    @app.on(Paid)
    def pong(paid: Paid) -> None:
        app.run(app.publish(Placed(paid.order_id)))

    async with app:
        id = await app.publish(Placed(1))
        await drain(app)
        assert await dead(app) == ["it followed 5 jobs, and max_hops is 4"]
        events = [decode(row.job.payload).event for row in await rows(app)]
    assert {event.correlationid for event in events if event is not None} == {id}


async def test_a_process_filters_skips_and_carries_on_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    from event_process import app

    async with app:
        await app.publish(PLACED, order_id=1)
        await app.publish(Placed(2))
        await app.publish(Placed(3))
        await drain(app)
        assert await dead(app) == ["it followed 5 jobs, and max_hops is 4"] * 2
        notes = [row.job.trail for row in await rows(app) if b"note" in row.job.trail]
    assert sorted(notes) == [b'{"note":"it returned False"}'] * 3 + [b'{"note":"its filter left it out"}']


async def test_a_task_is_told_of_a_copys_death_with_the_event() -> None:
    app = shop("memory://")
    told: list[Any] = []

    @app.task
    async def mourn(job: Job[Any]) -> None:
        told.append((job.task, job.queue, job.args, [str(each.value) for each in job.attempts]))

    @app.on(Placed, retry=Retry(0), on_dead=mourn)
    async def bill(order: Placed) -> None:
        raise OSError("no route")

    async with app:
        await app.publish(Placed(1))
        await drain(app)
    assert told == [(PLACED, "shop.bill", (Placed(1),), ["OSError: no route"])]


async def test_a_dead_copy_put_back_runs_again() -> None:
    app, tries = shop("memory://"), list[int]()

    @app.on(Placed, retry=Retry(0))
    async def bill(order: Placed) -> None:
        tries.append(order.order_id)
        if len(tries) == 1:
            raise OSError("no route")

    async with app:
        await app.publish(Placed(1))
        await drain(app)
        inspector = (await app.engine()).inspector
        assert inspector is not None
        assert await inspector.retry(Filter(queue="shop.bill")) == 1
        await drain(app)
        assert await dead(app) == []
    assert tries == [1, 1]
