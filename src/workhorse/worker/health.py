"""Liveness and readiness over HTTP, for whoever restarts workers: `/livez` (also `/healthz`) and `/readyz`."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import msgspec

LINE = 8192
"""Bytes of a request that are read; a probe's is a hundred."""

PATIENCE = 5.0
"""Seconds for one request."""


class Probe(msgspec.Struct, frozen=True):
    """`live`: work goes on, or could; if not, restart it. `ready`: it claims; if not, wait."""

    live: bool
    ready: bool


@asynccontextmanager
async def serving(host: str, port: int, probe: Callable[[], Probe]) -> AsyncGenerator[int]:
    """Answer probes while the block lasts; gives the port (of our choice, if 0 was asked for)."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(_response(head, probe()))
                await writer.drain()
        except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # no request, or nobody to answer
        finally:
            writer.close()

    server = await asyncio.start_server(answer, host, port, limit=LINE)
    async with server:
        yield server.sockets[0].getsockname()[1]


def _response(head: bytes, probe: Probe) -> bytes:
    method, _, rest = head.partition(b" ")
    path = rest.partition(b" ")[0].partition(b"?")[0]
    if method not in (b"GET", b"HEAD"):
        return _text("405 Method Not Allowed", "expected GET")
    if path in (b"/livez", b"/healthz"):
        return _text("200 OK", "live") if probe.live else _text("503 Service Unavailable", "not live: it hangs")
    if path == b"/readyz":
        return _text("200 OK", "ready") if probe.ready else _text("503 Service Unavailable", "not ready")
    return _text("404 Not Found", "expected /livez or /readyz")


def _text(status: str, text: str) -> bytes:
    body = text.encode() + b"\n"
    lines = (
        f"HTTP/1.1 {status}",
        "Content-Type: text/plain",
        f"Content-Length: {len(body)}",
        "Connection: close",
        "",
        "",
    )
    return "\r\n".join(lines).encode() + body
