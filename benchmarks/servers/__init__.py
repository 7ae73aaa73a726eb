"""What serves a database that lies in a folder: nothing for SQLite, a private PostgreSQL or Redis of the bench's own."""

from collections.abc import Callable, Mapping
from pathlib import Path

from servers.file import File
from servers.postgres import Postgres
from servers.redis import Redis, SyncedRedis
from servers.server import Server

SERVERS: Mapping[str, Callable[[Path], Server]] = {
    "sqlite": File, "postgres": Postgres, "redis": Redis, "redis-aof": SyncedRedis,
}  # fmt: skip
