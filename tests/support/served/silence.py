"""Nobody answers, and nobody says so: the server is frozen, or the line is half open. Verbs end, workers go on, nothing doubles."""

import asyncio

import pytest

from served.stage import SHORT, Opened, Shop, Stage, again, soon, unavailable, verbs
from servers import Server
from servers.proxy import Proxy


class Silence(Stage):
    async def test_no_verb_waits_for_ever_on_a_half_open_line(self, proxy: Proxy, opened: Opened) -> None:
        engine = await opened(proxy, timeout=SHORT)
        calls = verbs(engine)
        for call in calls.values():
            await call()
        proxy.stall(new=True)
        told = await asyncio.gather(*map(unavailable, calls.values()))
        assert [text for text in told if proxy.address not in text] == []
        proxy.heal()
        for call in calls.values():
            await again(call)

    async def test_no_verb_waits_for_ever_for_a_frozen_server(self, server: Server, opened: Opened) -> None:
        engine = await opened(timeout=SHORT)
        calls = verbs(engine)
        for call in calls.values():
            await call()
        server.freeze()
        await asyncio.gather(*map(unavailable, calls.values()))
        server.thaw()
        for call in calls.values():
            await again(call)

    async def test_a_new_line_is_taken_where_the_old_one_is_half_open(self, proxy: Proxy, opened: Opened) -> None:
        engine = await opened(proxy, timeout=SHORT)
        calls = verbs(engine)
        await calls["publish"]()
        proxy.stall()
        for call in calls.values():
            await again(call)

    async def test_a_worker_that_sleeps_over_a_half_open_line_still_runs_what_comes(
        self, server: Server, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Whoever is to wake it speaks to a dead line: it must look by itself."""
        monkeypatch.setattr("workhorse.worker.worker.IDLE", 3600.0)
        shop, other = Shop(proxy.url(self.url(server, timeout=SHORT, poll=0.2))), Shop(self.url(server))
        shop.gate.set()
        async with shop.app, other.app:
            worker = shop.app.worker(max_jobs=2, signals=())
            working = asyncio.create_task(worker.run())
            await (await other.gated.enqueue(1)).result(timeout=60)
            await soon(lambda: worker._crew is not None and not worker._crew.held)  # its settle has been answered, too
            proxy.stall()
            await other.gated.enqueue(2)
            await soon(working.done)
        assert ((await working).succeeded, shop.runs) == (2, [1, 2])

    async def test_a_job_that_runs_while_its_line_dies_in_silence_is_settled_over_the_next(
        self, server: Server, proxy: Proxy
    ) -> None:
        shop = Shop(proxy.url(self.url(server, timeout=SHORT)))
        async with shop.app:
            job = await shop.gated.enqueue(1)
            working = asyncio.create_task(shop.app.worker(max_jobs=1, signals=()).run())
            await soon(lambda: shop.inside)
            proxy.stall()
            shop.gate.set()
            await soon(working.done)
            assert (await working).succeeded == 1
            assert await job.result(timeout=60) == "1 at attempt 1"
        assert shop.runs == [1]

    async def test_a_worker_goes_on_over_a_slow_line(self, server: Server, proxy: Proxy) -> None:
        shop = Shop(proxy.url(self.url(server)))
        shop.gate.set()
        async with shop.app:
            proxy.slow(0.1)
            await shop.app.enqueue_many(shop.gated.job(n) for n in range(50))
            working = asyncio.create_task(shop.app.worker(max_jobs=50, signals=()).run())
            await soon(working.done)
            assert (await working).succeeded == 50
        assert sorted(shop.runs) == list(range(50))

    async def test_a_worker_outlives_a_server_that_is_frozen_for_longer_than_its_patience(self, server: Server) -> None:
        shop = Shop(self.url(server, timeout=SHORT))
        async with shop.app:
            await shop.app.enqueue_many(shop.gated.job(n) for n in range(10))
            worker = shop.app.worker(max_jobs=10, signals=())
            working = asyncio.create_task(worker.run())
            await soon(lambda: shop.inside == 10)
            server.freeze()
            shop.gate.set()
            await soon(lambda: not worker.ready)
            server.thaw()
            await soon(working.done)
            assert (await working).succeeded == 10
        assert sorted(shop.runs) == list(range(10))
