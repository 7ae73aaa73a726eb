"""A line to a server that a test spoils: cut, half open, slow, or with the answer lost. It knows no protocol, only who speaks."""

import asyncio
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, Literal, Self

from servers.process import HOST, Server, free_port

Way = Literal["up", "down"]

CHUNK: Final = 65536


class Proxy:
    """Between clients and one server, on a port of its own, in a thread of its own. A context manager.

    What it does holds until `heal`, but for a line that is dead already: it stays dead, as a real one does.
    """

    def __init__(self, before: Server) -> None:
        self._server, self.port, self.address = before, free_port(), ""
        self.address = f"{HOST}:{self.port}"
        self.opened = 0
        """Connections so far."""
        self.cuts = 0
        """Connections that it has cut so far."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._lines: set[_Line] = set()
        self._refusing, self._stalled, self._delay = False, False, 0.0
        self._left: dict[Way, int] = {}

    def url(self, url: str) -> str:
        """The same URL through here."""
        assert self._server.address in url, f"{url} does not lead to {self._server}"
        return url.replace(self._server.address, self.address)

    def cut(self) -> None:
        """Reset every connection, now; who connects again is let in."""
        self._do(self._cut)

    def refuse(self) -> None:
        """Reset every connection, and each new one."""
        self._set(refusing=True)
        self.cut()

    def stall(self, *, new: bool = False) -> None:
        """From now on connections are half open: what either side says vanishes, and nobody is told. `new`: later ones too."""
        self._do(lambda: [line.stall() for line in self._lines])
        self._set(stalled=new)

    def slow(self, seconds: float) -> None:
        """Whatever is said arrives so much later."""
        self._set(delay=seconds)

    def lose(self, way: Way, after: int = 0) -> None:
        """Reset the connection, once, instead of passing on what comes that way next, `after` so many parts that still arrive.
        down: the server has done what it was asked, and nobody hears of it; up: it was never asked."""
        self._do(lambda: self._left.update({way: after}))

    def heal(self) -> None:
        """Pass on all that is said, from now on; half-open connections stay what they are."""
        self._do(self._left.clear)
        self._set(refusing=False, stalled=False, delay=0.0)

    @property
    def connections(self) -> int:
        """Those that are open now."""
        return len(self._lines)

    @property
    def losing(self) -> bool:
        """What `lose` has asked for has not come yet."""
        return bool(self._left)

    def __enter__(self) -> Self:
        self._thread.start()
        starting = asyncio.start_server(self._accept, HOST, self.port)
        self._accepting = asyncio.run_coroutine_threadsafe(starting, self._loop).result(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._do(self._accepting.close)
        self._do(self._cut)
        asyncio.run_coroutine_threadsafe(_all_done(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _set(self, **state: Any) -> None:
        self._do(lambda: [setattr(self, f"_{name}", value) for name, value in state.items()])

    def _do(self, act: Callable[[], object]) -> None:
        """In the thread; done when this returns."""

        async def done() -> None:
            act()

        asyncio.run_coroutine_threadsafe(done(), self._loop).result(10)

    def _cut(self) -> None:
        for line in list(self._lines):
            self.cuts += line.cut()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.opened += 1
        line = _Line(writer)
        self._lines.add(line)
        try:
            if self._refusing:
                raise ConnectionError
            if self._stalled:
                line.stall()
            answers, requests = await asyncio.open_connection(HOST, self._server.port)
            line.writers.append(requests)
            both = (self._pump(line, reader, requests, "up"), self._pump(line, answers, writer, "down"))
            await asyncio.gather(*both)
        except OSError:
            self.cuts += line.cut()
        finally:
            line.close()
            self._lines.discard(line)

    async def _pump(self, line: "_Line", reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: Way) -> None:
        while said := await reader.read(CHUNK):
            if self._delay:
                await asyncio.sleep(self._delay)
            if self._lost(way):
                raise ConnectionError
            if not line.stalled:
                writer.write(said)
                await writer.drain()
        if not line.stalled:
            line.close()

    def _lost(self, way: Way) -> bool:
        if way not in self._left:
            return False
        self._left[way] -= 1
        if self._left[way] >= 0:
            return False
        del self._left[way]
        return True


class _Line:
    """One connection: both ends of it."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self.writers, self.stalled = [writer], False

    def stall(self) -> None:
        self.stalled = True

    def cut(self) -> bool:
        """A reset, as from a peer that has never heard of it; False: it was over already."""
        if self.writers[0].is_closing():
            return False
        for writer in self.writers:
            sock = writer.get_extra_info("socket")
            with suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
        return True

    def close(self) -> None:
        for writer in self.writers:
            writer.close()


async def _all_done() -> None:
    """The lines that were cut have noticed."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    await asyncio.wait(others, timeout=5) if others else None
