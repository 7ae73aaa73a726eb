"""The servers that tests start: they come, go, die, freeze and come back, and their clocks jump."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import redis as driver

from servers import Postgres, Redis, found
from servers.fixtures import KINDS, Own, Shared
from servers.pgbouncer import PgBouncer
from servers.redis import Sentinel, cluster
from waiting import until

Bound = tuple[type[Postgres] | type[Redis], str]
ALL: list[Bound] = [(Postgres, kind) for kind in KINDS["postgres"]] + [(Redis, kind) for kind in KINDS["redis"]]
each = pytest.mark.parametrize(("make", "kind"), ALL, ids=[kind for _, kind in ALL])


def written(server: Postgres | Redis) -> None:
    if isinstance(server, Postgres):
        server.sql("create table kept (n int); insert into kept values (1)")
    else:
        server.call("SET", "kept", 1)


def read(server: Postgres | Redis) -> int:
    return int(server.sql("select n from kept")[0][0] if isinstance(server, Postgres) else server.call("GET", "kept"))


def now(server: Postgres | Redis) -> float:
    if isinstance(server, Postgres):
        return float(server.sql("select extract(epoch from clock_timestamp())")[0][0])
    return server.now()


def options(make: type[Postgres] | type[Redis]) -> dict[str, bool]:
    return {"durable": True} if make is Redis else {}


@each
def test_what_was_answered_is_there_after_a_kill_and_a_restart_on_the_same_port(
    own: Own, make: type[Postgres] | type[Redis], kind: str
) -> None:
    server = own(make, kind, **options(make))
    port = server.port
    written(server)
    server.kill()
    assert (server.running, server.up()) == (False, False)
    server.start()
    assert read(server) == 1
    server.restart()
    assert (read(server), server.port) == (1, port)


@each
def test_a_frozen_one_answers_nothing_until_it_thaws(own: Own, make: type[Postgres] | type[Redis], kind: str) -> None:
    server = own(make, kind)
    server.freeze()
    with pytest.raises((subprocess.TimeoutExpired, driver.TimeoutError)):
        _asked(server)
    server.thaw()
    assert _asked(server)


def _asked(server: Postgres | Redis) -> bool:
    if isinstance(server, Redis):
        return bool(server.call("PING", seconds=0.3))
    psql = [str(server.program.with_name("psql")), "-d", server.url(), "-c", "select 1"]
    return subprocess.run(psql, capture_output=True, timeout=0.3, check=True).returncode == 0


@each
@pytest.mark.parametrize("offset", [3600.25, -3600.25, -0.5])
def test_its_wall_clock_jumps_both_ways_by_parts_of_a_second_and_only_its_own(
    own: Own, make: type[Postgres] | type[Redis], kind: str, offset: float
) -> None:
    server = own(make, kind, clock=True)
    server.clock.set(offset)

    def moved() -> bool:
        before = time.time()
        return before + offset - 0.001 <= now(server) <= time.time() + offset + 0.001

    until(moved)  # a server may keep the time from one turn of its loop to the next


@pytest.mark.parametrize("kind", KINDS["redis"])
def test_a_redis_expires_keys_and_its_scripts_tell_the_time_by_the_clock_that_jumps(own: Own, kind: str) -> None:
    server: Redis = own(Redis, kind, clock=True)
    server.call("SET", "short", 1, "EX", 100)
    server.call("SET", "long", 1, "EX", 4000)
    server.jump(3600)
    assert (server.call("GET", "short"), server.call("GET", "long")) == (None, "1")
    assert 0 < server.call("PTTL", "long") <= 400_000
    seconds = server.call("EVAL", "return redis.call('TIME')[1]", 0)
    assert abs(int(seconds) - time.time() - 3600) < 60


def test_a_backend_that_was_there_before_the_jump_sees_it_too(own: Own) -> None:
    server: Postgres = own(Postgres, clock=True)
    psql = [str(server.program.with_name("psql")), "-XqAt", "-d", server.url()]
    asked = "select extract(epoch from clock_timestamp());\n"
    with subprocess.Popen(psql, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as session:
        assert session.stdin is not None
        assert session.stdout is not None
        session.stdin.write(asked)
        first = float(session.stdout.readline())
        server.jump(7200)
        session.stdin.write(asked)
        assert float(session.stdout.readline()) >= first + 7200
        session.stdin.close()


def test_a_database_is_new_for_each_test_and_sorts_as_people_do(postgres: Postgres, postgres_url: str) -> None:
    database = postgres_url.rpartition("/")[2]
    assert postgres.sql("select count(*) from pg_tables where schemaname = 'public'", database) == [("0",)]
    (ordered,) = zip(
        *postgres.sql("select * from unnest(array['b', 'A', 'a', 'B']) t order by t", database), strict=True
    )
    assert ordered == ("a", "A", "b", "B")


def test_a_server_is_one_a_session_and_kind(shared_servers: Shared, postgres: Postgres, redis: Redis) -> None:
    assert shared_servers(Postgres, "postgres") is postgres
    assert shared_servers(Redis, "redis") is redis


def test_a_password_that_is_wrong_is_refused_where_the_server_asks(own: Own) -> None:
    server: Postgres = own(Postgres, auth="scram-sha-256")
    assert server.sql("select 1") == [("1",)]
    psql = [str(server.program.with_name("psql")), "-d", server.url(password="wrong"), "-c", "select 1"]
    refused = subprocess.run(psql, capture_output=True, text=True, timeout=30, check=False)
    assert "password authentication failed" in refused.stderr


def test_pgbouncer_leads_to_the_database(pgbouncer: PgBouncer, postgres: Postgres, postgres_url: str) -> None:
    psql = [str(postgres.program.with_name("psql")), "-XqAt", "-c", "select current_database()", "-d"]
    database = postgres_url.rpartition("/")[2]
    through = subprocess.run([*psql, pgbouncer.url(database)], capture_output=True, text=True, timeout=30, check=True)
    assert through.stdout.strip() == database


def test_a_sentinel_knows_the_master_and_a_cluster_its_nodes(own: Own) -> None:
    master: Redis = own(Redis)
    sentinel: Sentinel = own(Sentinel, master)
    address = sentinel.call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "workhorse")
    assert tuple(address) == ("127.0.0.1", str(master.port))
    with cluster() as nodes:
        assert len(nodes) == 3


def test_what_is_not_on_this_machine_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(found.PLACES, "nowhere", ("pypi/nowhere/bin/server",))
    with pytest.raises(found.Missing, match="no nowhere on this machine: `make services` installs it"):
        found.program("nowhere")


def test_who_asks_for_what_is_not_there_is_skipped_by_its_name(own: Own, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where CI=true a skip is a failure."""
    monkeypatch.setitem(found.PLACES, "nowhere", ())
    with pytest.raises(pytest.skip.Exception, match="no nowhere on this machine"):
        own(Redis, "nowhere")


def test_a_server_that_does_not_come_up_says_why(own: Own) -> None:
    with pytest.raises(AssertionError, match=r"(?s)did not start.*maxmemory"):
        own(Redis, maxmemory="plenty")


ABANDONED = """
import os, signal, sys
from servers import Postgres, Redis
both = [Postgres().start(), Redis().start()]
print(*(server.pid for server in both), *(server.folder for server in both), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="who dies with his parent is told on Linux only")
def test_servers_do_not_outlive_a_session_that_is_killed() -> None:
    support = str(Path(__file__).parents[1] / "support")
    environment = {**os.environ, "PYTHONPATH": support}
    killed = subprocess.run(
        [sys.executable, "-c", ABANDONED], env=environment, capture_output=True, text=True, timeout=60
    )
    *pids, one, other = killed.stdout.split()
    until(lambda: not [pid for pid in pids if _runs(pid)])
    for folder in (one, other):
        shutil.rmtree(folder)


def _runs(pid: str) -> bool:
    state = subprocess.run(["ps", "-o", "stat=", "-p", pid], capture_output=True, text=True, check=False).stdout
    return state.strip()[:1] not in ("", "Z")
