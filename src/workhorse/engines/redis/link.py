"""The link: the way to one server for any number of callers and loops. A loop has one wire for all that is answered at once, and one
for each kind of call that may block."""

import asyncio
import os
from typing import Any, Final

from hiredis import ReplyError

from workhorse.core.errors import BrokerUnavailable, EngineRefused
from workhorse.engines.passwords import NotLetIn
from workhorse.engines.redis import faults
from workhorse.engines.redis.connecting import connect
from workhorse.engines.redis.scripts import Script
from workhorse.engines.redis.urls import Place
from workhorse.engines.redis.wire import Wire, Word

AT_ONCE: Final = "at once"
"""The wire of what is answered at once."""

_ELSEWHERE: Final = ("MOVED", "READONLY")
"""What a server says that takes no writes for our keys any more; nothing was done."""

_Wires = dict[tuple[asyncio.AbstractEventLoop, str], "asyncio.Task[Wire]"]


class Link:
    """Open from `open` to `close`; both may be called twice. Its verbs may be called from any event loop, and are never half sent."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._wires: _Wires = {}
        self._open = False
        self._was_let_in = False
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
            code = str(error).partition(" ")[0]
            if code in _ELSEWHERE:
                wire.close()  # the next call looks where our keys are now
            if code != "MOVED":
                raise faults.translated(error, self.place.name) from None
        return await self.ask(*command, on=on, patience=patience)

    async def _wire(self, on: str) -> Wire:
        self._refuse_unusable()
        name = (asyncio.get_running_loop(), on)
        connecting = self._wires.get(name)
        if connecting is None or (connecting.done() and _is_over(connecting)):
            self._forget_closed_loops()
            connecting = self._wires[name] = asyncio.create_task(self._connect())
        return connecting.result() if connecting.done() else await asyncio.shield(connecting)

    async def _connect(self) -> Wire:
        try:
            wire = await connect(self.place)
        except NotLetIn as refusal:
            raise self.place.password.changing(refusal) if self._was_let_in else refusal from None
        self._was_let_in = True
        return wire

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
