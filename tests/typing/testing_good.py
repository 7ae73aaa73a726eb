"""The testing kit, used right: both checkers accept every line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from typing import assert_type

from workhorse import Context, Counts, Workhorse
from workhorse.engine import Broker, Engine
from workhorse.engines import open_engine
from workhorse.testing import ManualClock, drain, in_memory
from workhorse.testing.faults import (
    Away,
    FaultyBroker,
    FaultyEngine,
    Happened,
    Late,
    Lost,
    Repeated,
    Script,
    Seeded,
    Stalled,
)

app = Workhorse("sqlite:///shop.db")


@app.task
async def resize(path: str, width: int = 256) -> str:
    return f"{path}@{width}"


@app.task
async def import_file(ctx: Context, path: str) -> int:
    return ctx.attempt


async def testing() -> None:
    async with in_memory(app) as bench:
        await resize.enqueue("a.png")
        assert (await bench.drain()).succeeded == 1
        bench.clock.advance(timedelta(hours=1))
        assert bench.results == ["a.png@256"]
        assert_type(await import_file(bench.context(), "a.txt"), int)
        await import_file(bench.context(state={"pool": 1}), "a.txt")
    assert_type(await drain(app), Counts)
    ManualClock(datetime(2026, 1, 1, tzinfo=UTC)).advance(3)
    assert_type(ManualClock().now(), datetime)


async def failing(broker: Broker, clock: ManualClock) -> None:
    script = Script()
    script.next("settle", None, Lost(), Repeated())
    script.next("extend", Stalled(lambda: clock.sleep(31)), Late(lambda: clock.sleep(1)))
    script.always(Away(OSError("no route")), "claim", "wait")
    faulty: Broker = FaultyBroker(broker, script)
    engine: Engine = FaultyEngine(open_engine("memory://"), Seeded(Random(7), {"publish": {Away(): 0.1, Lost(): 0.1}}))
    await faulty.publish([])
    await engine.open()
    assert_type(script.happened, list[Happened])
