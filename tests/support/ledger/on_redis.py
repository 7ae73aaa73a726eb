"""A Redis of the run's own, which answers when it is on disk; its processes reach it through a proxy."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ledger import on_server
from ledger.ground import FULL, Blow, Ground, size
from servers import Redis
from servers.proxy import Proxy
from servers.wallclock import WallClock


@contextmanager
def ground(folder: Path, mib: int, *, durable: bool = True) -> Iterator[Ground]:
    """Its memory is what can be full: `mib` says nothing here."""
    with ExitStack() as stack:
        server = Redis(durable=durable, clock=True)
        stack.callback(server.close)
        server.start()
        proxy, clock = stack.enter_context(Proxy(server)), WallClock(folder)
        office = server.url()
        blows = {
            **on_server.blows(server, proxy, clock),
            "memory full": Blow(lambda: _full(server), lambda: _freed(server), FULL),
        }
        yield Ground(
            "Redis", proxy.url(office), office, f"Redis {server.info('redis_version')}", server.clock,
            lambda: (int(server.info("used_memory")), size(server.folder / "appendonlydir")), blows, clock.environment,
        )  # fmt: skip


def _full(server: Redis) -> None:
    server.call("CONFIG", "SET", "maxmemory", 1)


def _freed(server: Redis) -> None:
    server.call("CONFIG", "SET", "maxmemory", 0)
