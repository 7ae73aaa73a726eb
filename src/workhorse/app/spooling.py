"""Connections with a spool beside them: what the engine does not take waits on the local disk, and is sent on when it is back."""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, TypeVar
from urllib.parse import quote, urlsplit
from weakref import WeakKeyDictionary

import msgspec

from workhorse.app.connections import Connection, Connections
from workhorse.app.importing import kept
from workhorse.app.sender import Sender
from workhorse.core.contract import Answer, Broker, Engine, Envelope, Store
from workhorse.core.errors import BrokerUnavailable, DeclarationError
from workhorse.core.happenings import Spooled
from workhorse.core.instrument import Bus
from workhorse.durable.spool.forwarder import Forwarder
from workhorse.durable.spool.log import Log
from workhorse.engines import open_engine
from workhorse.engines.urls import shown

T = TypeVar("T")

SOON: Final = 2.0
"""Seconds that the engine has to answer before the spool takes what it was asked: everybody behind waits as long."""

LEAVING: Final = 1.0
"""Seconds that the end waits for what is on its way to the engine."""


class Spool(msgspec.Struct, frozen=True):
    """Where it is, whose jobs it holds, and how many at most."""

    url: str
    name: str
    limit: int

    @property
    def shown(self) -> str:
        """The URL for people."""
        return shown(self.url)

    def log(self, engine: Engine) -> Log:
        """What waits there; `engine` is the open one of its URL."""
        assert engine.store is not None
        return Log(engine.store, self.name, self.shown, self.limit)


def spool_of(place: str | None, app_url: str, name: str, limit: int) -> Spool | None:
    """What `spool=` says: a file, or its URL. DeclarationError where it cannot be one."""
    if place is None:
        return None
    url = place if "://" in place else f"sqlite:///{quote(place)}"
    if urlsplit(url).scheme != "sqlite":
        raise DeclarationError(f"spool: expected a file such as spool.db or sqlite:///spool.db, got {shown(url)}")
    if urlsplit(url)[:3] == urlsplit(app_url)[:3]:
        raise DeclarationError(f"spool: expected a file of its own, got that of the app, {shown(url)}")
    open_engine(url)  # built and dropped: what is wrong with the URL is said here
    return Spool(url, name, limit)


class Desk:
    """Of one process and event loop: the spool's log, the sender that knows of it, and the forwarder."""

    def __init__(self, spool: Log, far: Callable[[], "asyncio.Future[Broker]"], bus: Bus, patience: float) -> None:
        self._log, self._far, self._bus = spool, far, bus
        self._silence = min(SOON, patience / 2)
        self._turn = asyncio.Lock()
        self.sender = Sender(self, sys.maxsize, patience)
        self._forwarder = Forwarder(spool, far, bus)
        self._forwarding = asyncio.create_task(self._forwarder.run())

    async def publish(self, jobs: Sequence[Envelope], /) -> list[Answer]:
        """To the engine, if nothing waits and it answers; else to the log. One after the other: who asked first is first."""
        async with self._turn:
            why = ""
            if await self._log.empty():
                try:
                    return await self._directly(jobs)
                except BrokerUnavailable as error:
                    why = str(error)
            await self._log.add(jobs)
        self._bus.say(Spooled(len(jobs), why))
        return [Answer("accepted")] * len(jobs)

    async def close(self) -> None:
        """What is under way is waited for, but not for long: it is done again by the next."""
        self._forwarder.stop()
        _, late = await asyncio.wait([self._forwarding], timeout=LEAVING)
        if late:
            self._forwarding.cancel()
            await asyncio.wait([self._forwarding])

    async def _directly(self, jobs: Sequence[Envelope]) -> list[Answer]:
        end = time.monotonic() + self._silence
        broker = await self._in_time(self._far(), end)
        return await self._in_time(asyncio.ensure_future(broker.publish(jobs)), end)

    async def _in_time(self, answer: "asyncio.Future[T]", end: float) -> T:
        """Left alone when it is late: cancelled, its effect would not be known. It may come after all, and changes nothing then."""
        done, _ = await asyncio.wait([answer], timeout=max(0.0, end - time.monotonic()))
        if not done:
            answer.add_done_callback(_seen)
            raise BrokerUnavailable(f"the engine did not answer within {self._silence:g} s")
        return answer.result()


async def _as_it_is(_: Engine) -> None:
    """The spool's own engine is not asked what it can do."""


class Spooling(Connections):
    """The same, and it takes jobs while the engine is away."""

    def __init__(
        self,
        make: Callable[[], Engine],
        opening: Callable[[], None],
        check: Callable[[Engine], Awaitable[None]],
        patience: float,
        spool: Spool,
        bus: Bus,
    ) -> None:
        super().__init__(make, opening, check, patience)
        self._spool, self._bus = spool, bus
        self._near = Connections(lambda: open_engine(spool.url), lambda: None, _as_it_is, patience)
        self._desks: WeakKeyDictionary[Connection, Desk] = WeakKeyDictionary()

    async def opened(self) -> None:
        """The spool is; the engine, too, if it is there."""
        await self._desk()
        opening = asyncio.ensure_future(self.here())
        opening.add_done_callback(_seen)
        await asyncio.wait([opening], timeout=SOON)
        if opening.done() and not isinstance(opening.exception(), BrokerUnavailable):
            opening.result()

    async def soon(self) -> Connection:
        """It sends to the engine, or to the spool."""
        desk, there = await self._desk(), self.there()
        if there is not None:
            desk.sender.max_size = there.sender.max_size
        return Connection(None if there is None else there.engine, desk.sender)

    async def marks(self) -> Store:
        """Beside the spool: there while the engine is away."""
        return kept((await self._near.here()).engine.store)

    async def spooled(self, id: str) -> bool:
        log = await self._log()
        return not await log.empty() and await log.find(id) is not None

    async def arrived(self, id: str, timeout: float | None) -> float | None:
        end = None if timeout is None else time.monotonic() + timeout
        log = await self._log()
        while not await log.empty() and (found := await log.find(id)) is not None:
            left = 3600.0 if end is None else end - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"job {id} waits in the spool: it did not reach the engine within {timeout:g} s")
            await log.store.wait(dict([found]), left)
        return None if end is None else max(0.0, end - time.monotonic())

    async def close(self) -> None:
        if (near := self._near.there()) is not None and (desk := self._desks.pop(near, None)) is not None:
            await desk.close()
        await super().close()
        await self._near.close()

    async def _log(self) -> Log:
        return self._spool.log((await self._near.here()).engine)

    async def _desk(self) -> Desk:
        near = await self._near.here()
        if (desk := self._desks.get(near)) is None:
            desk = self._desks[near] = Desk(self._spool.log(near.engine), self._far, self._bus, self._patience)
        return desk

    def _far(self) -> "asyncio.Future[Broker]":
        return asyncio.ensure_future(self._broker())

    async def _broker(self) -> Broker:
        broker = (await self.here()).engine.broker
        assert broker is not None
        return broker


def _seen(late: "asyncio.Future[Any]") -> None:
    if not late.cancelled():
        late.exception()
