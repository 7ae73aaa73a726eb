"""The engines, and who is measured on each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import entries.postgres
import entries.redis
import entries.sqlite
import limits.postgres
import limits.redis
import limits.sqlite
from peer import Peer
from plan import FULL, SERVED, Plan


@dataclass(frozen=True)
class Engine:
    """What is measured on one engine."""

    title: str
    peers: tuple[Peer, ...]
    """Ours first."""

    limits: Mapping[str, Callable[[int], dict[str, float]]]
    """The bare limit, by variant: jobs a second by what is done to them."""

    parts: tuple[str, ...]
    plan: Plan = SERVED

    @property
    def ours(self) -> Peer:
        return self.peers[0]

    def named(self, names: set[str]) -> list[Peer]:
        """The peers of these names; all, where there is none."""
        return [peer for peer in self.peers if peer.name in names or not names]


ENGINES = {
    "sqlite": Engine(
        "SQLite", entries.sqlite.PEERS, limits.sqlite.LIMITS, ("peers", "limit", "busy", "neighbours", "flat"), FULL
    ),
    "postgres": Engine(
        "PostgreSQL", entries.postgres.PEERS, limits.postgres.LIMITS, ("peers", "limit", "busy", "flat", "snapshot")
    ),
    "redis": Engine("Redis", entries.redis.PEERS, limits.redis.LIMITS, ("peers", "limit", "busy", "flat")),
    "redis-aof": Engine(
        "Redis, every write synced", tuple(entries.redis.synced()), limits.redis.SYNCED, ("peers", "limit")
    ),
}


def known(names: str) -> set[str]:
    """Names of peers, separated by semicolons."""
    wanted = {name.strip() for name in names.split(";") if name.strip()}
    all_names = {peer.name for engine in ENGINES.values() for peer in engine.peers}
    if unknown := wanted - all_names:
        raise SystemExit(f"--peers: expected names of {'; '.join(sorted(all_names))}, got {'; '.join(sorted(unknown))}")
    return wanted
