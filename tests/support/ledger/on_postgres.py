"""A PostgreSQL of the run's own, which answers when it is on disk; its processes reach it through a proxy."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ledger import disk, on_server
from ledger.disk import Disk
from ledger.ground import FULL, Blow, Ground, size
from servers import Postgres
from servers.proxy import Proxy
from servers.wallclock import WallClock

SETTINGS = {"synchronous_commit": "on", "wal_keep_size": 0, "max_wal_size": "64MB", "min_wal_size": "32MB"}
"""A log that stays small, so that a small disk holds it."""


@contextmanager
def ground(folder: Path, mib: int, **settings: str) -> Iterator[Ground]:
    """`mib`: of the small disk; 0: there is none. `settings`: of the server."""
    missing = [disk.missing()] if mib and disk.missing() else []
    with ExitStack() as stack:
        server = Postgres(clock=True, **{**SETTINGS, **settings})
        stack.callback(server.close)
        small = stack.enter_context(on_small_disk(server, mib)) if mib and not missing else None
        server.start()
        stack.callback(server.kill)
        office = f"{server.create('jobs')}?connections=2"
        proxy, clock = stack.enter_context(Proxy(server)), WallClock(folder)
        blows = {**on_server.blows(server, proxy, clock)}
        if small is not None:
            blows["disk full"] = Blow(small.fill, lambda: _freed(small, server), FULL)
        yield Ground(
            "PostgreSQL", proxy.url(office), office, f"PostgreSQL {server.sql('show server_version')[0][0]}", server.clock,
            lambda: (size(server.data / "base"), size(server.data / "pg_wal")), blows, clock.environment, tuple(missing),
        )  # fmt: skip


@contextmanager
def on_small_disk(server: Postgres, mib: int) -> Iterator[Disk]:
    """Its data are on a small disk from now on."""
    with disk.mounted(server.folder / "disk", mib) as small:
        server.move(small.folder / "data")
        yield small


def _freed(small: Disk, server: Postgres) -> None:
    """Without room it may have ended itself: somebody frees the disk and starts it."""
    small.free()
    if not server.running:
        server.start()
