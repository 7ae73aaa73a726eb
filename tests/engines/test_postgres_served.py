"""PostgreSQL as a server that dies, freezes, forgets passwords and fills its disk."""

from typing import Any

import pytest

from served import Served
from served.doors import NEW, OLD
from served.lost import LostAnswers
from served.restarts import Restarts
from served.silence import Silence
from served.starts import Starts
from servers import PgBouncer, Postgres
from servers.fixtures import ONE, Own
from servers.postgres import USER


@pytest.mark.parametrize("kind", ONE["postgres"], scope="class")
class TestPostgresServed(Served):
    """The suite of all servers."""

    wrong_urls = (
        ("postgresql://me:secret@host:port/db", "port"),
        ("postgresql://me:secret@host/db?prefix=Not-A-Schema", "prefix: expected the name of a schema"),
        ("postgresql://me:secret@host/db?connections=0", "connections: expected 1 to 100, got '0'"),
        ("postgresql://me:secret@host/db?notify=perhaps", "notify: expected on or off, got 'perhaps'"),
    )

    @pytest.fixture(autouse=True)
    def _kind(self, kind: str) -> None:
        self.kind = kind

    def serve(self, own: Own, **options: Any) -> Postgres:
        server: Postgres = own(Postgres, self.kind, **options)
        return server

    def url(self, server: Postgres, **query: object) -> str:
        return _with(server.url(), query)

    def guarded(self, own: Own) -> Postgres:
        server = self.serve(own, auth="scram-sha-256")
        server.sql(f"alter role {USER} password '{OLD}'")
        return server

    def login(self, server: Postgres, password: str, **query: object) -> str:
        secret = f":{password}" if password else ""
        return _with(f"postgresql://{USER}{secret}@{server.address}/{USER}", query)

    def rotate(self, server: Postgres) -> None:
        server.sql(f"alter role {USER} password '{NEW}'")
        server.sql(f"select pg_terminate_backend(pid) from pg_stat_activity where usename = '{USER}'")


@pytest.mark.proof
class TestPgBouncerServed(Starts, Restarts, Silence, LostAnswers):
    """The same with a PgBouncer in transaction mode before it, which dies and freezes in its place."""

    def serve(self, own: Own, **options: Any) -> PgBouncer:
        server: PgBouncer = own(PgBouncer, own(Postgres), **options)
        return server

    def url(self, server: PgBouncer, **query: object) -> str:
        return _with(server.url(), {"pgbouncer": "on", **query})


def _with(url: str, query: dict[str, object]) -> str:
    options = "&".join(f"{name}={value}" for name, value in query.items())
    return url + (f"?{options}" if options else "")
