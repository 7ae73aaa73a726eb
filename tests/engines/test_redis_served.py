"""Redis, and what speaks as it does, as a server that dies, freezes, forgets passwords and runs out of memory."""

from typing import Any

import pytest

from served import Served
from served.doors import NEW, OLD
from servers import Redis
from servers.fixtures import ONE, Own


@pytest.mark.parametrize("kind", ONE["redis"], scope="class")
class TestRedisServed(Served):
    """The suite of all servers."""

    wrong_urls = (
        ("redis://me:secret@host:port/0", "expected a port of 1 to 65535"),
        ("redis://me:secret@host/jobs", "expected the number of a database"),
        ("redis://me:secret@host/0?prefix={a}", "prefix: expected 1 to 200 of the characters"),
        ("redis://me:secret@host/0?timeout=soon", "timeout: expected"),
    )

    @pytest.fixture(autouse=True)
    def _kind(self, kind: str) -> None:
        self.kind = kind

    def serve(self, own: Own, **options: Any) -> Redis:
        server: Redis = own(Redis, self.kind, durable=True, **options)
        return server

    def url(self, server: Redis, **query: object) -> str:
        return server.url(**query)

    def guarded(self, own: Own) -> Redis:
        return self.serve(own, requirepass=OLD)

    def login(self, server: Redis, password: str, **query: object) -> str:
        options = "&".join(f"{name}={value}" for name, value in query.items())
        secret = f":{password}@" if password else ""
        return f"redis://{secret}{server.address}/0" + (f"?{options}" if options else "")

    def rotate(self, server: Redis) -> None:
        server.call("CONFIG", "SET", "requirepass", NEW)
        server.config["requirepass"] = NEW
        server.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
