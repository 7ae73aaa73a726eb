"""The server is not there yet, or never answers: who opens is told, who works waits, who enqueues waits as long as he said."""

import asyncio

import pytest

from served.stage import SHORT, Shop, Stage, soon, unavailable
from servers import Server
from servers.proxy import Proxy
from workhorse.engines import open_engine
from workhorse.errors import BrokerUnavailable


class Starts(Stage):
    async def test_opening_says_that_nobody_is_there_and_may_be_tried_again(self, server: Server) -> None:
        server.stop()
        engine = open_engine(self.url(server))
        assert server.address in await unavailable(engine.open)
        server.start()
        await engine.open()
        await engine.close()

    async def test_opening_ends_where_somebody_is_there_and_never_answers(self, server: Server, proxy: Proxy) -> None:
        proxy.stall(new=True)
        engine = open_engine(proxy.url(self.url(server, timeout=SHORT)))
        assert proxy.address in await unavailable(engine.open)
        await engine.close()

    async def test_a_worker_waits_for_a_server_that_comes_later(self, server: Server) -> None:
        shop = Shop(self.url(server))
        shop.gate.set()
        server.stop()
        worker = shop.app.worker(max_jobs=1, signals=())
        working = asyncio.create_task(worker.run())
        with pytest.raises(BrokerUnavailable):
            await shop.app.engine()
        assert (worker.ready, worker.healthy) == (False, True)
        server.start()
        await shop.app.enqueue(shop.gated.job(1))
        await soon(working.done)
        assert (await working).succeeded == 1
        await shop.app.close()

    @pytest.mark.parametrize("how", ["killed", "frozen"])
    async def test_an_enqueue_is_told_in_its_time_and_may_be_repeated(self, server: Server, how: str) -> None:
        shop = Shop(self.url(server, timeout=SHORT), enqueue_timeout=0.2)
        async with shop.app:
            await shop.gated.enqueue(0)
            server.kill() if how == "killed" else server.freeze()
            made = shop.gated.job(1)
            with pytest.raises(BrokerUnavailable) as caught:
                await shop.app.enqueue(made)
            assert caught.value.jobs == (made,)
            server.start() if how == "killed" else server.thaw()
            handle = await self._accepted(shop, made)
            assert await handle.status() == "ready"
            shop.gate.set()
            counts = await shop.app.worker(burst=True, signals=()).run()
        assert (counts.succeeded, sorted(shop.runs)) == (2, [0, 1])

    async def _accepted(self, shop: Shop, made: "object") -> "object":
        while True:
            try:
                return await shop.app.enqueue(made)
            except BrokerUnavailable:
                await asyncio.sleep(0.02)
