"""The server is killed and comes back: verbs say so while it is away and go on when it is there; workers lose nothing."""

import asyncio
import itertools
from collections.abc import Iterable
from typing import Final

import pytest

from served.stage import Opened, Shop, Stage, again, parts, soon, unavailable, verbs
from servers import Server
from workhorse.engine import BrokerUnavailable, Put, Succeeded
from workhorse.engines import open_engine
from workhorse.testing.conformance.words import claim_one, job, publish

AWAY: Final = [1.0, pytest.param(30.0, marks=pytest.mark.proof)]
"""Seconds that a server is away under load."""


class Restarts(Stage):
    async def test_no_verb_hangs_while_the_server_is_away_and_each_goes_on_when_it_is_back(
        self, server: Server, opened: Opened
    ) -> None:
        engine = await opened()
        calls = verbs(engine)
        for call in calls.values():
            await call()
        server.kill()
        told = {verb: await unavailable(call) for verb, call in calls.items()}
        assert [verb for verb, text in told.items() if server.address not in text] == []
        server.start()
        for call in calls.values():
            await again(call)

    async def test_a_server_that_stops_in_order_is_away_too(self, server: Server, opened: Opened) -> None:
        engine = await opened()
        calls = verbs(engine)
        await calls["publish"]()
        server.stop()
        await unavailable(calls["publish"])
        server.start()
        assert [answer.kind for answer in await again(calls["publish"])] == ["accepted"]

    async def test_what_was_accepted_held_and_put_is_there_after_a_kill(self, server: Server, opened: Opened) -> None:
        broker, store, _ = parts(await opened())
        await publish(broker, job("held"), job("waits", queue="other"))
        held = await claim_one(broker)
        (version,) = await store.put([Put("key", b"value")])
        server.kill()
        server.start()
        assert await again(lambda: store.get(["key"])) == [(b"value", version)]
        assert await again(lambda: broker.claim(["mail"], 1, 30)) == []
        assert (await claim_one(broker, "other")).job.id == "waits"
        assert await broker.settle([Succeeded(held)]) == []

    async def test_a_worker_that_sleeps_is_woken_after_a_restart_too(
        self, server: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Its wake-up call must be renewed with the connection: it is not idle for ever, connected to nobody."""
        monkeypatch.setattr("workhorse.worker.worker.IDLE", 3600.0)
        monkeypatch.setattr("workhorse.worker.worker.STALE", 3600.0)
        shop, other = Shop(self.url(server)), Shop(self.url(server))
        shop.gate.set()
        async with shop.app, other.app:
            worker = shop.app.worker(max_jobs=2, signals=())
            working = asyncio.create_task(worker.run())
            first = await other.gated.enqueue(1)
            await soon(lambda: shop.runs == [1])
            await first.result(timeout=60)
            server.kill()
            await soon(lambda: not worker.ready)
            server.start()
            await soon(lambda: worker.ready)
            await other.gated.enqueue(2)
            async with asyncio.timeout(60):
                assert (await working).succeeded == 2
        assert shop.runs == [1, 2]

    async def test_outcomes_are_kept_while_it_is_away_and_settled_where_they_are_still_ours(
        self, server: Server
    ) -> None:
        shop = Shop(self.url(server))
        async with shop.app:
            jobs = await shop.app.enqueue_many(shop.gated.job(n) for n in range(20))
            worker = shop.app.worker(max_jobs=20, signals=())
            working = asyncio.create_task(worker.run())
            await soon(lambda: shop.inside == 20)
            server.kill()
            shop.gate.set()
            await soon(lambda: not worker.ready)
            server.start()
            async with asyncio.timeout(60):
                assert (await working).succeeded == 20
            assert [await each.result(timeout=60) for each in jobs] == [f"{n} at attempt 1" for n in range(20)]
        assert sorted(shop.runs) == list(range(20))

    @pytest.mark.parametrize("away", AWAY)
    async def test_a_worker_under_load_loses_nothing_when_the_server_dies_and_is_away_for_a_while(
        self, server: Server, away: float
    ) -> None:
        shop = Shop(self.url(server))
        shop.gate.set()
        accepted, numbers = dict[str, int](), itertools.count()
        async with shop.app:
            worker = shop.app.worker(lease=4, signals=())
            working = asyncio.create_task(worker.run())
            enqueueing = asyncio.create_task(self._enqueued(shop, accepted, numbers))
            await soon(lambda: len(shop.runs) >= 100)
            server.kill()
            await asyncio.sleep(away)  # the fault itself takes this long
            server.start()
            back = len(shop.runs)
            await soon(lambda: len(shop.runs) >= back + 100)
            enqueueing.cancel()
            await asyncio.gather(enqueueing, return_exceptions=True)
            await again(lambda: self._all_ended(shop))
            worker.stop()
            await working
        assert set(shop.runs) >= set(accepted.values())
        assert await self._lost(shop, accepted) == []

    async def _enqueued(self, shop: Shop, accepted: dict[str, int], numbers: "itertools.count[int]") -> None:
        """On and on; what has no answer is enqueued again, with the same id."""
        while True:
            batch = [(shop.gated.job(n), n) for n in itertools.islice(numbers, 10)]
            await again(lambda batch=batch: shop.app.enqueue_many(each for each, _ in batch))  # type: ignore[misc]
            accepted |= {each.id: n for each, n in batch}

    async def _all_ended(self, shop: Shop) -> None:
        _, _, inspector = parts(await shop.app.engine())
        if left := (await inspector.count("status")).keys() - {"succeeded"}:
            raise BrokerUnavailable(f"some are {left} still")

    async def _lost(self, shop: Shop, ids: Iterable[str]) -> list[str]:
        async with shop.app:
            return [id for id in ids if await shop.app.status(id) != "succeeded"]

    async def test_an_engine_that_was_closed_while_the_server_was_away_can_be_opened_after(
        self, server: Server, opened: Opened
    ) -> None:
        engine = await opened()
        server.kill()
        async with asyncio.timeout(60):
            await engine.close()
        server.start()
        await engine.open()
        await verbs(engine)["publish"]()

    async def test_two_engines_of_two_loops_each_find_the_server_again(self, server: Server, opened: Opened) -> None:
        """As a worker's leases do, in their thread."""
        engine = await opened()
        await verbs(engine)["publish"]()
        server.restart()

        async def apart() -> int:
            other = open_engine(self.url(server))
            await again(other.open)
            assert other.broker is not None
            claims = await other.broker.claim(["mail"], 10, 30)
            await other.close()
            return len(claims)

        assert await asyncio.to_thread(asyncio.run, apart()) == 1
        assert await again(verbs(engine)["claim"]) == []
