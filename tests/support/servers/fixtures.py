"""What tests ask for. A shared server is one a session and kind, with a place of its own for each test; who kills it, freezes it or
moves its clock asks for an own one. What cannot be had skips the test by name, and fails it where CI=true.

Another kind than the first is asked for by `@pytest.mark.parametrize("postgres_url", KINDS["postgres"], indirect=True)`."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from typing import Any, Final, TypeVar

import pytest

from servers.found import Missing
from servers.pgbouncer import PgBouncer
from servers.postgres import Postgres
from servers.process import Server
from servers.redis import Redis

KINDS: Final = {"postgres": ["postgres", "newer postgres"], "redis": ["redis", "older redis", "valkey"]}
ONE: Final = {
    engine: [kinds[0], *(pytest.param(kind, marks=pytest.mark.proof) for kind in kinds[1:])]
    for engine, kinds in KINDS.items()
}
"""For what takes minutes: the first kind; the proof has the others."""

S = TypeVar("S", bound=Server)
Own = Callable[..., Any]

RUNNING: Final = list[Server]()
_numbers = count(1)


class Shared:
    """The servers of a session, each started by the first test that asks for its kind."""

    def __init__(self) -> None:
        self._servers: dict[str, Any] = {}

    def __call__(self, make: Callable[..., S], kind: str) -> S:
        if kind not in self._servers:
            self._servers[kind] = _started(make, kind, fast=True)
        server: S = self._servers[kind]
        return server

    def close(self) -> None:
        for server in self._servers.values():
            _ended(server)


@pytest.fixture(scope="session")
def shared_servers() -> Iterator[Shared]:
    """The servers of this session."""
    shared = Shared()
    yield shared
    shared.close()


@pytest.fixture
def postgres(shared_servers: Shared, request: pytest.FixtureRequest) -> Postgres:
    """The session's PostgreSQL: others use it too."""
    return shared_servers(Postgres, getattr(request, "param", "postgres"))


@pytest.fixture
def postgres_url(shared_servers: Shared, request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a new database of this test's own, on the session's PostgreSQL."""
    server = shared_servers(Postgres, getattr(request, "param", "postgres"))
    database = f"test_{next(_numbers)}"
    yield server.create(database)
    server.drop(database)


@pytest.fixture
def redis(shared_servers: Shared, request: pytest.FixtureRequest) -> Redis:
    """The session's Redis, empty."""
    server = shared_servers(Redis, getattr(request, "param", "redis"))
    server.call("FLUSHALL")
    return server


@pytest.fixture
def redis_url(shared_servers: Shared, request: pytest.FixtureRequest) -> str:
    """The URL of a prefix of this test's own, on the session's Redis, emptied before."""
    server = shared_servers(Redis, getattr(request, "param", "redis"))
    server.call("FLUSHALL")
    return server.url(prefix=f"test{next(_numbers)}")


@pytest.fixture
def own() -> Iterator[Own]:
    """`own(Postgres, "newer postgres", fsync=False)`: a server of this test's own, started; ended after it."""
    with ExitStack() as stack:

        def started(make: Callable[..., S], *args: Any, **options: Any) -> S:
            server = _started(make, *args, **options)
            stack.callback(_ended, server)
            return server

        yield started


@pytest.fixture
def own_postgres(own: Own, request: pytest.FixtureRequest) -> Postgres:
    """A PostgreSQL of this test's own, to kill."""
    server: Postgres = own(Postgres, getattr(request, "param", "postgres"))
    return server


@pytest.fixture
def own_redis(own: Own, request: pytest.FixtureRequest) -> Redis:
    """A Redis of this test's own, to kill, that loses nothing it has answered for."""
    server: Redis = own(Redis, getattr(request, "param", "redis"), durable=True)
    return server


@pytest.fixture
def pgbouncer(shared_servers: Shared, postgres: Postgres) -> PgBouncer:
    """The session's PgBouncer, before the session's PostgreSQL."""
    return shared_servers(lambda _, fast: PgBouncer(postgres), "pgbouncer")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    for server in RUNNING:
        server.mark()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Iterator[None]:
    """A test that fails shows what its servers said meanwhile."""
    report: pytest.TestReport = yield  # type: ignore[assignment]
    if report.failed:
        report.sections += [(f"log of {server}", server.log) for server in RUNNING if server.log]
    return report  # type: ignore[return-value]


def _started(make: Callable[..., S], *args: Any, **options: Any) -> S:
    try:
        server = make(*args, **options)
    except Missing as missing:
        pytest.skip(str(missing))
    RUNNING.append(server)
    try:
        server.start()
    except BaseException:
        _ended(server)
        raise
    return server


def _ended(server: Server) -> None:
    RUNNING.remove(server)
    server.close()
