"""A wire: one connection of one loop. Commands go out at once, answers come in their order; who gives up leaves his to be dropped."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, Final, TypeAlias, cast

import hiredis
from hiredis import ProtocolError, Reader, ReplyError

from workhorse.engines.redis import faults

Word: TypeAlias = str | bytes | int | float

_pack: Callable[[tuple[Word, ...]], bytes] = cast(Any, hiredis).pack_command  # its own types are too narrow

_HIGH: Final = 1 << 20
"""Bytes that may wait to be sent before senders wait too."""

_GRACE: Final = 0.05
"""Seconds for reading what has come before an answer counts as late."""


class Wire(asyncio.Protocol):
    """Made by `asyncio.create_connection`; closed by `close`, or by itself when the peer is gone or silent for `timeout` seconds."""

    def __init__(self, name: str, timeout: float) -> None:
        self._name, self._timeout = name, timeout
        self._loop = asyncio.get_running_loop()
        self._reader = Reader()
        self._waiting: deque[tuple[asyncio.Future[Any], float]] = deque()
        self._guard: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport | None = None
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._late: asyncio.Future[Any] | None = None
        self._said: object = None

    @property
    def closed(self) -> bool:
        """Whether it can be used no more."""
        return self._transport is None or self._transport.is_closing()

    async def ask(self, *command: Word, patience: float = 0) -> Any:
        """The answer. BrokerUnavailable: there is none; a ReplyError is the server's own. `patience` seconds longer than usual."""
        if not self._flowing.is_set():
            await self._flowing.wait()
        return await self.send(command, patience)

    def send(self, command: tuple[Word, ...], patience: float = 0) -> "asyncio.Future[Any]":
        """What will be its answer; the command is on its way by then."""
        future: asyncio.Future[Any] = self._loop.create_future()
        if self._transport is None or self._transport.is_closing():
            future.set_exception(faults.lost(self._name, "closed"))
            return future
        self._transport.write(_pack(command))
        self._waiting.append((future, self._loop.time() + self._timeout + patience))
        if self._guard is None:
            self._guard = self._loop.call_at(self._waiting[0][1], self._look)
        return future

    def close(self) -> None:
        """Hang up; who still waits for an answer gets BrokerUnavailable."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but name
        self._transport.set_write_buffer_limits(_HIGH)

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        try:
            while (answer := self._reader.gets()) is not False:
                self._answered(answer)
        except ProtocolError as error:
            self.close()
            self._end(faults.foreign(self._name, error))

    def pause_writing(self) -> None:
        self._flowing.clear()

    def resume_writing(self) -> None:
        self._flowing.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(faults.lost(self._name, self._said or exc or "the server closed it"))

    def _answered(self, answer: Any) -> None:
        if not self._waiting:  # it hangs up on us before we asked, and says why
            self._said = answer
            return
        future, _ = self._waiting.popleft()
        if future.done():  # given up
            return
        if isinstance(answer, ReplyError):
            future.set_exception(answer)
        else:
            future.set_result(answer)

    def _end(self, error: Exception) -> None:
        if self._guard is not None:
            self._guard.cancel()
        self._flowing.set()
        while self._waiting:
            future, _ = self._waiting.popleft()
            if not future.done():
                future.set_exception(error)

    def _look(self) -> None:
        """Whether the answer that is due first is late; a loop that stood still has not read yet what came meanwhile."""
        self._guard = None
        if not self._waiting:
            return
        first, due = self._waiting[0]
        if due > self._loop.time():
            self._guard = self._loop.call_at(due, self._look)
        elif first is self._late:
            self.close()
            self._end(faults.silent(self._name, self._timeout))
        else:
            self._late = first
            self._guard = self._loop.call_later(_GRACE, self._look)
