"""Private servers for tests: on free loopback ports, in temporary folders, ended by the process ids that were started.

`Postgres`, `Redis` and `PgBouncer` start, stop, are killed, frozen and started again on the same port and data; `WallClock` moves
their time and `Proxy` spoils the line to them. `fixtures` gives them to tests."""

from servers.found import Missing
from servers.pgbouncer import PgBouncer
from servers.postgres import Postgres
from servers.process import Server
from servers.redis import Redis

__all__ = ["Missing", "PgBouncer", "Postgres", "Redis", "Server"]
