"""The link: the way to one server for any number of callers and loops. A loop has one wire for all that is answered at once, and one
for each kind of call that may block."""

import asyncio
import os
import socket
from typing import Any, Final

from hiredis import ReplyError

from workhorse.core.errors import BrokerUnavailable, EngineRefused
from workhorse.engines.redis import faults, sentinel
from workhorse.engines.redis.scripts import Script
from workhorse.engines.redis.urls import Place
from workhorse.engines.redis.wire import Wire, Word

AT_ONCE: Final = "at once"
"""The wire of what is answered at once."""

_Wires = dict[tuple[asyncio.AbstractEventLoop, str], "asyncio.Task[Wire]"]


class Link:
    """Open from `open` to `close`; both may be called twice. Its verbs may be called from any event loop, and are never half sent."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._wires: _Wires = {}
        self._open = False
        self._process = os.getpid()

    async def open(self) -> None:
        """Connect. EngineRefused or BrokerUnavailable says why not."""
        self._open, self._process = True, os.getpid()
        await self.ask("PING")

    async def close(self) -> None:
        """Hang up."""
        self._open = False
        wires, self._wires = self._wires, {}
        for (loop, _), connecting in wires.items():
            if self._process == os.getpid() and not loop.is_closed():
                loop.call_soon_threadsafe(_hang_up, connecting)

    def key(self, name: str) -> str:
        """The full name of a key."""
        return self.place.base + name

    async def run(self, script: Script, *args: Word) -> Any:
        """What the script answers; it is sent whole only to a server that does not know it yet."""
        try:
            return await self.ask("EVALSHA", script.digest, 1, self.place.base, *args)
        except ReplyError as error:
            if not str(error).startswith("NOSCRIPT"):
                raise
        return await self.ask("EVAL", script.text, 1, self.place.base, *args)

    async def ask(self, *command: Word, on: str = AT_ONCE, patience: float = 0) -> Any:
        """The answer to one command. `on` names the wire, for those that block; `patience` is for how long, in seconds."""
        wire = await self._wire(on)
        try:
            return await wire.ask(*command, patience=patience)
        except ReplyError as error:
            if str(error).startswith(
                "READONLY"
            ):  # who was master is none any more: the next call looks for the new one
                wire.close()
            raise faults.translated(error, self.place.name) from None

    async def _wire(self, on: str) -> Wire:
        self._refuse_unusable()
        name = (asyncio.get_running_loop(), on)
        connecting = self._wires.get(name)
        if connecting is None or (connecting.done() and _is_over(connecting)):
            self._forget_closed_loops()
            connecting = self._wires[name] = asyncio.create_task(self._connect())
        return connecting.result() if connecting.done() else await asyncio.shield(connecting)

    async def _connect(self) -> Wire:
        place = self.place
        try:
            async with asyncio.timeout(place.timeout):
                host, port = await sentinel.master(place, self._reach) if place.sentinels else (place.host, place.port)
                wire = await self._reach(host, port)
                await self._enter(wire)
        except TimeoutError:
            raise faults.silent(place.name, place.timeout) from None
        except OSError as error:
            raise faults.lost(place.name, error) from error
        return wire

    async def _reach(self, host: str, port: int) -> Wire:
        place, loop = self.place, asyncio.get_running_loop()
        transport, wire = await loop.create_connection(
            lambda: Wire(place.name, place.timeout), host, port, ssl=place.tls
        )
        _keep_alive(transport)
        return wire

    async def _enter(self, wire: Wire) -> None:
        place, password = self.place, self.place.password()
        try:
            if password:
                await wire.ask("AUTH", *([place.user] if place.user else []), password)
            await wire.ask("CLIENT", "SETNAME", "workhorse")
            if place.database:
                await wire.ask("SELECT", place.database)
        except ReplyError as error:
            wire.close()
            raise faults.translated(error, place.name) from None
        except BaseException:
            wire.close()
            raise

    def _refuse_unusable(self) -> None:
        if not self._open:
            raise BrokerUnavailable(f"{self.place.name}: expected an open engine, got a closed one; open it first.")
        if self._process != os.getpid():
            raise EngineRefused(
                f"{self.place.name}: opened by process {self._process}, used in its forked child {os.getpid()}. "
                "A connection does not survive a fork: open an engine of its own in the child."
            )

    def _forget_closed_loops(self) -> None:
        for name in [name for name in tuple(self._wires) if name[0].is_closed()]:
            self._wires.pop(name, None)


def _is_over(connecting: "asyncio.Task[Wire]") -> bool:
    return connecting.cancelled() or connecting.exception() is not None or connecting.result().closed


def _hang_up(connecting: "asyncio.Task[Wire]") -> None:
    if not connecting.done():
        connecting.cancel()
    elif not connecting.cancelled() and connecting.exception() is None:
        connecting.result().close()


def _keep_alive(transport: asyncio.BaseTransport) -> None:
    """Wires that only listen learn of a peer that is gone, too."""
    sock = transport.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
