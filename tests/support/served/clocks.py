"""The server's clock jumps, and with it all times: leases and delays end early or late, and nothing is lost, doubled or stuck."""

import asyncio
from typing import Any

import pytest

from served.stage import Shop, Stage, parts, soon
from servers import wallclock
from servers.fixtures import Own
from workhorse import Every, Workhorse
from workhorse.engine import Engine, Put, Succeeded
from workhorse.engines import open_engine
from workhorse.testing.conformance.words import QUEUE, claim, claim_one, ids, job, publish, refused
from workhorse.worker.backoff import Backoff
from workhorse.worker.scheduler import Scheduler

HOUR = 3600.0


@pytest.mark.skipif(bool(wallclock.missing()), reason=wallclock.missing())
class Clocks(Stage):
    async def _opened(self, server: Any) -> Engine:
        engine = open_engine(self.url(server))
        await engine.open()
        return engine

    async def test_a_jump_forward_ends_delays_and_leases_and_the_token_still_fences(self, own: Own) -> None:
        server = self.serve(own, clock=True)
        engine = await self._opened(server)
        broker, _, _ = parts(engine)
        await publish(broker, job("held"), job("delayed", queue="later", delay=HOUR))
        old = await claim_one(broker)
        assert await ids(broker, "later") == []
        server.jump(HOUR)
        assert await ids(broker, "later") == ["delayed"]
        new = await claim_one(broker)
        assert (new.job.id, new.crashes) == ("held", 1)
        assert await refused(broker, Succeeded(old)) == ["stale"]
        assert await broker.settle([Succeeded(new)]) == []
        await engine.close()

    async def test_after_a_jump_back_new_jobs_are_run_and_old_ones_wait_until_it_is_their_time_again(
        self, own: Own
    ) -> None:
        server = self.serve(own, clock=True)
        engine = await self._opened(server)
        broker, _, _ = parts(engine)
        await publish(broker, job("old"))
        server.jump(-HOUR)
        await publish(broker, job("new", queue="other"))
        assert await ids(broker, "other") == ["new"]
        server.jump(HOUR + 1)
        assert await ids(broker, QUEUE) == ["old"]
        await engine.close()

    async def test_versions_of_facts_never_come_back_after_a_jump_back(self, own: Own) -> None:
        server = self.serve(own, clock=True)
        engine = await self._opened(server)
        _, store, _ = parts(engine)
        (before,) = await store.put([Put("key", b"1")])
        server.jump(-HOUR)
        await store.delete({"key": None})
        (after,) = await store.put([Put("key", b"2")])
        assert before is not None
        assert after is not None
        assert after > before
        await engine.close()

    async def test_schedules_go_by_the_servers_clock_and_no_moment_ticks_twice(self, own: Own) -> None:
        server = self.serve(own, clock=True)
        engine = await self._opened(server)
        broker, store, _ = parts(engine)
        app = Workhorse(self.url(server), name=QUEUE)

        @app.task(schedule=Every(hours=1))
        async def tick() -> None: ...

        scheduler = Scheduler(broker, store, app.scheduled(), app.bus, Backoff(app.bus))

        async def ticked() -> int:
            await scheduler.look()
            claims = await claim(broker)
            await broker.settle([Succeeded(each) for each in claims])
            return len(claims)

        assert await ticked() == 0
        server.jump(HOUR + 1)
        assert await ticked() == 1
        server.jump(-HOUR)
        assert await ticked() == 0
        server.jump(HOUR + 1)
        assert await ticked() == 0, "the same moment again"
        server.jump(HOUR)
        assert await ticked() == 1
        await engine.close()

    @pytest.mark.parametrize("jump", [HOUR, -HOUR])
    async def test_a_worker_ends_what_it_runs_through_a_jump(self, own: Own, jump: float) -> None:
        server = self.serve(own, clock=True)
        shop = Shop(self.url(server))
        async with shop.app:
            jobs = await shop.app.enqueue_many(shop.gated.job(n) for n in range(10))
            worker = shop.app.worker(signals=())
            working = asyncio.create_task(worker.run())
            await soon(lambda: len(set(shop.runs)) == 10)
            server.jump(jump)
            shop.gate.set()
            assert [await each.result(timeout=60) for each in jobs] == [f"{n} at attempt 1" for n in range(10)]
            worker.stop()
            await working
            assert {await each.status() for each in jobs} == {"succeeded"}
