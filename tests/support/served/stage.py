"""What the chapters stand on: a server of the test's own, the line to it, engines over it, and an app with one task."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from typing import Any, Final, TypeVar

import pytest
import pytest_asyncio

from faulty_engine import turns
from servers import Server
from servers.fixtures import Own
from servers.proxy import Proxy
from workhorse import Context, Workhorse
from workhorse.engine import Broker, BrokerUnavailable, Claim, Engine, Filter, Put, Store, Succeeded
from workhorse.engines import open_engine
from workhorse.testing.conformance.words import job

T = TypeVar("T")

SHORT: Final = 0.5
"""Seconds that a verb waits for its answer, where nobody will answer."""

BOUND: Final = 60.0
"""Real seconds after which what must end has not ended. Nothing is measured by it."""

NOBODYS: Final = Claim(job("nobody", queue="empty"), "1" * 16)
"""The claim of a job that is not there."""

Opened = Callable[..., Awaitable[Engine]]


class Stage:
    """The part that a test file gives: `server(own)` and `url(server)`; all else is given."""

    pytestmark = pytest.mark.asyncio

    def serve(self, own: Own, **options: Any) -> Any:
        """A server of this test's own, started, that loses nothing it has answered for."""
        raise NotImplementedError("an engine's test file gives serve(own)")

    def url(self, server: Any, **query: object) -> str:
        """The engine's URL on that server, with these options."""
        raise NotImplementedError("an engine's test file gives url(server)")

    @pytest.fixture
    def server(self, own: Own) -> Any:
        return self.serve(own)

    @pytest.fixture
    def proxy(self, server: Server) -> Iterator[Proxy]:
        with Proxy(server) as proxy:
            yield proxy

    @pytest_asyncio.fixture
    async def opened(self, server: Server) -> AsyncIterator[Opened]:
        """`await opened()`: an open engine on the server; with a proxy, through it."""
        async with AsyncExitStack() as stack:

            async def opened(proxy: Proxy | None = None, **query: object) -> Engine:
                url = self.url(server, **query)
                engine = open_engine(url if proxy is None else proxy.url(url))
                stack.push_async_callback(engine.close)
                await engine.open()
                return engine

            yield opened


class Shop:
    """An app whose jobs wait for a gate, and what became of them."""

    def __init__(self, url: str, **settings: Any) -> None:
        self.app = Workhorse(url, name="shop", **settings)
        self.gate, self.runs, self.inside = asyncio.Event(), list[int](), 0

        @self.app.task(name="gated")
        async def gated(ctx: Context, n: int) -> str:
            self.runs.append(n)
            self.inside += 1
            await self.gate.wait()
            self.inside -= 1
            return f"{n} at attempt {ctx.attempt}"

        self.gated = gated


def verbs(engine: Engine) -> dict[str, Callable[[], Awaitable[Any]]]:
    """A call of each verb that asks the server something, each new."""
    broker, store, inspector = parts(engine)
    nobody = Filter(ids=["nobody"])
    return {
        "publish": lambda: broker.publish([job()]),
        "bind": lambda: broker.bind("topic", "queue"),
        "claim": lambda: broker.claim(["empty"], 1, 30),
        "settle": lambda: broker.settle([Succeeded(NOBODYS)]),
        "extend": lambda: broker.extend([NOBODYS], 30),
        "get": lambda: store.get(["key"]),
        "put": lambda: store.put([Put("key", b"value")]),
        "delete": lambda: store.delete({"key": None}),
        "scan": lambda: store.scan(""),
        "count": lambda: inspector.count("status"),
        "list": lambda: inspector.list(Filter()),
        "show": lambda: inspector.show("nobody"),
        "retry": lambda: inspector.retry(nobody),
        "cancel": lambda: inspector.cancel(nobody),
        "delete jobs": lambda: inspector.delete(nobody),
        "pause": lambda: inspector.pause("empty"),
        "resume": lambda: inspector.resume("empty"),
    }


def parts(engine: Engine) -> tuple[Broker, Store, Any]:
    assert engine.broker is not None
    assert engine.store is not None
    assert engine.inspector is not None
    return engine.broker, engine.store, engine.inspector


async def again(verb: Callable[[], Awaitable[T]]) -> T:
    """Its answer, as those get it who go on asking."""
    async with asyncio.timeout(BOUND):
        while True:
            try:
                return await verb()
            except BrokerUnavailable:
                await asyncio.sleep(0.02)


async def unavailable(verb: Callable[[], Awaitable[object]]) -> str:
    """What it says; it must end, and in no other way."""
    async with asyncio.timeout(BOUND):
        with pytest.raises(BrokerUnavailable) as caught:
            await verb()
    return str(caught.value)


async def soon(so: Callable[[], object]) -> None:
    """It becomes so while the loop turns."""
    await turns(so, BOUND)


async def all_succeeded(shop: Shop, number: int) -> None:
    """So many have, and there is no other job. BrokerUnavailable: not yet."""
    _, _, inspector = parts(await shop.app.engine())
    counts = await inspector.count("status")
    if {status: sum(each.values()) for status, each in counts.items()} != {"succeeded": number}:
        raise BrokerUnavailable(f"not yet: {counts}")
