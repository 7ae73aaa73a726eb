"""The way to a PostgreSQL: who may come in, what is said when nothing answers, and that it is found again."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import asyncpg
import pytest

from servers import Postgres
from servers.fixtures import Own
from servers.postgres import PASSWORD, USER
from servers.proxy import Proxy
from workhorse.core.errors import BrokerUnavailable, DeclarationError, EngineRefused
from workhorse.core.ids import new_id
from workhorse.engine import Envelope, Succeeded
from workhorse.engines import open_engine
from workhorse.engines.postgres import engine as engines
from workhorse.engines.postgres import urls
from workhorse.engines.postgres.engine import PostgresEngine

Opened = Callable[..., Awaitable[PostgresEngine]]

_AT_ONCE = 40
_IMPATIENT = "timeout=0.5&listen=off"


@pytest.fixture
async def opened() -> AsyncIterator[Opened]:
    """`await opened(url, "timeout=1")`: an engine, closed after the test."""
    engines: list[PostgresEngine] = []

    async def opened(url: str, options: str = "listen=off") -> PostgresEngine:
        engine = open_engine(f"{url}?{options}")
        assert isinstance(engine, PostgresEngine)
        engines.append(engine)
        await engine.open()
        return engine

    yield opened
    for engine in engines:
        await engine.close()


def _job(id: str = "") -> Envelope:
    return Envelope(id or new_id(), "noop", b"{}", "q")


async def _refused(url: str, fix: str) -> None:
    with pytest.raises(EngineRefused, match=fix) as refused:
        await open_engine(url).open()
    assert PASSWORD not in str(refused.value)


# who may come in


async def test_a_wrong_password_is_refused_and_not_shown(own: Own) -> None:
    server: Postgres = own(Postgres, auth="scram-sha-256")
    with pytest.raises(EngineRefused, match="Correct them in the URL") as refused:
        await open_engine(server.url(password="hush-hush")).open()
    assert "hush-hush" not in str(refused.value)


async def test_an_old_server_is_refused(monkeypatch: pytest.MonkeyPatch, postgres_url: str) -> None:
    monkeypatch.setattr(asyncpg.Connection, "get_server_version", lambda _: (12, 9))
    await _refused(postgres_url, "expected PostgreSQL 13 or newer, got 12.9")


async def test_migrations_may_be_left_to_an_operator(postgres_url: str, opened: Opened) -> None:
    await _refused(f"{postgres_url}?migrate=off", "workhorse migrate")
    await opened(postgres_url)
    await opened(postgres_url, "migrate=off")


async def test_two_schemas_on_one_database_share_nothing(postgres_url: str, opened: Opened) -> None:
    one, other = await opened(postgres_url, "prefix=one"), await opened(postgres_url, "prefix=user")
    await one.broker.publish([_job("a")])
    assert await other.broker.claim(["q"], 1, 30) == []
    assert [claim.job.id for claim in await one.broker.claim(["q"], 1, 30)] == ["a"]


async def test_a_password_that_changes_is_read_again(own: Own, opened: Opened, tmp_path: Path) -> None:
    server: Postgres = own(Postgres, auth="scram-sha-256")
    secret = tmp_path / "secret"
    secret.write_text(f"{PASSWORD}\n")
    url = server.create("jobs").replace(f":{PASSWORD}@", "@")
    engine = await opened(url, f"password_file={secret}&listen=off")
    await _renew(server, secret)
    await _after_a_loss(engine)


async def _renew(server: Postgres, secret: Path) -> None:
    secret.write_text("another")
    admin = await asyncpg.connect(server.url(user="postgres"))
    await admin.execute(f"alter role {USER} password 'another'")
    await admin.execute(f"select pg_terminate_backend(pid) from pg_stat_activity where usename = '{USER}'")
    await admin.close()


# what is said when nothing answers, and that it is found again


async def _after_a_loss(engine: PostgresEngine) -> None:
    """The first call may find out; then it works again."""
    while True:
        try:
            await engine.broker.publish([_job()])
            return
        except BrokerUnavailable:
            pass


async def test_no_server_is_unavailable(own_postgres: Postgres) -> None:
    url = own_postgres.url()
    own_postgres.stop()
    with pytest.raises(BrokerUnavailable) as away:
        await open_engine(url).open()
    assert PASSWORD not in str(away.value)


async def test_a_server_that_was_killed_is_found_again(own_postgres: Postgres, opened: Opened) -> None:
    engine = await opened(own_postgres.create("jobs"))
    await engine.broker.publish([_job("a")])
    own_postgres.kill()
    with pytest.raises(BrokerUnavailable):
        await engine.broker.claim(["q"], 1, 30)
    own_postgres.start()
    await _after_a_loss(engine)
    assert "a" in {claim.job.id for claim in await engine.broker.claim(["q"], 10, 30)}


async def test_a_half_open_connection_is_given_up(postgres: Postgres, postgres_url: str, opened: Opened) -> None:
    with Proxy(postgres) as proxy:
        engine = await opened(proxy.url(postgres_url), _IMPATIENT)
        await engine.broker.publish([_job("a")])
        proxy.stall()
        with pytest.raises(BrokerUnavailable):
            await engine.broker.publish([_job("b")])
        await engine.broker.publish([_job("b")])
    assert engine.broker.features.fenced


async def test_a_settle_whose_answer_was_lost_is_done_once(
    postgres: Postgres, postgres_url: str, opened: Opened
) -> None:
    with Proxy(postgres) as proxy:
        engine = await opened(proxy.url(postgres_url), "connections=1&listen=off")
        await engine.broker.publish([_job("a"), _job("b")])
        first, second = await engine.broker.claim(["q"], 2, 30)
        await engine.broker.settle([Succeeded(first)])  # the statement is known to the server: one answer follows
        proxy.lose("down")
        with pytest.raises(BrokerUnavailable, match="unknown"):
            await engine.broker.settle([Succeeded(second)])
        assert await engine.broker.settle([Succeeded(second)]) == [(Succeeded(second), "stale")]


async def test_who_waits_for_a_lock_for_too_long_is_told(postgres_url: str, opened: Opened) -> None:
    engine = await opened(postgres_url, _IMPATIENT)
    await engine.broker.publish([_job("a")])
    (claim,) = await engine.broker.claim(["q"], 1, 30)
    stranger = await asyncpg.connect(postgres_url)
    holding = stranger.transaction()
    await holding.start()
    await stranger.execute("select from workhorse.jobs for update")
    with pytest.raises(BrokerUnavailable):
        await engine.broker.settle([Succeeded(claim)])
    await holding.rollback()
    await stranger.close()
    assert await engine.broker.settle([Succeeded(claim)]) == []


async def test_what_dead_locks_is_done_again(postgres: Postgres, postgres_url: str, opened: Opened) -> None:
    database = postgres_url.rpartition("/")[2]
    engine, stranger = await opened(postgres_url), await asyncpg.connect(postgres.url(database, "postgres"))
    await engine.broker.publish([_job("a"), _job("b")])
    claims = sorted(await engine.broker.claim(["q"], 2, 30), key=lambda claim: claim.job.id)
    await stranger.execute("set deadlock_timeout = '1h'")  # it is ours that is ended
    holding = stranger.transaction()
    await holding.start()
    await stranger.execute("select from workhorse.jobs where id = 'b' for update")
    settling = asyncio.ensure_future(engine.broker.settle([Succeeded(claim) for claim in claims]))
    while not await stranger.fetchval("select exists (select from pg_locks where not granted)"):
        pass
    await stranger.execute("select from workhorse.jobs where id = 'a' for update")
    await holding.commit()
    await stranger.close()
    assert await settling == []
    assert engine._link.collisions > 0  # pyright: ignore[reportPrivateUsage]


# connections


async def test_no_more_connections_than_said(postgres: Postgres, postgres_url: str, opened: Opened) -> None:
    engine = await opened(postgres_url, "connections=2&listen=off&notify=off")
    await asyncio.gather(*(engine.broker.publish([_job()]) for _ in range(_AT_ONCE)))
    sql = "select count(*) from pg_stat_activity where application_name = 'workhorse' and datname = current_database()"
    ((count,),) = postgres.sql(sql, postgres_url.rpartition("/")[2])
    assert int(count) <= 2
    assert len(await engine.broker.claim(["q"], _AT_ONCE, 30)) == _AT_ONCE


async def test_a_caller_who_is_cancelled_leaves_his_verb_to_its_end(postgres_url: str, opened: Opened) -> None:
    engine = await opened(postgres_url, "connections=1&listen=off")
    publishing = [asyncio.ensure_future(engine.broker.publish([_job(f"{n}")])) for n in range(5)]
    await asyncio.sleep(0)
    for each in publishing:
        each.cancel()
    await engine.close()
    await engine.open()
    assert len(await engine.broker.claim(["q"], 10, 30)) == 5


async def test_a_closed_engine_says_so_and_opens_again(postgres_url: str, opened: Opened) -> None:
    engine = await opened(postgres_url)
    await engine.open()
    await engine.close()
    await engine.close()
    with pytest.raises(BrokerUnavailable, match="open it first"):
        await engine.broker.claim(["q"], 1, 30)
    await engine.open()
    assert await engine.broker.claim(["q"], 1, 30) == []


async def test_a_forked_child_needs_an_engine_of_its_own(postgres_url: str, opened: Opened) -> None:
    engine = await opened(postgres_url)
    read, write = os.pipe()
    if (pid := os.fork()) == 0:
        try:
            verb = engine.broker.claim(["q"], 1, 30)
            verb.send(None)
        except EngineRefused as error:
            os.write(write, str(error).encode())
        finally:
            os._exit(0)
    os.close(write)
    os.waitpid(pid, 0)
    assert b"open an engine of its own in the child" in os.read(read, 1000)
    os.close(read)
    assert await engine.broker.claim(["q"], 1, 30) == []


async def test_another_loop_needs_an_engine_of_its_own(postgres_url: str, opened: Opened) -> None:
    engine, said = await opened(postgres_url), list[str]()

    def elsewhere() -> None:
        try:
            asyncio.run(engine.broker.claim(["q"], 1, 30))
        except EngineRefused as error:
            said.append(str(error))

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert "opened on one event loop, used on another" in said[0]


async def test_a_plan_made_while_nothing_was_there_reads_no_whole_table(
    postgres: Postgres, postgres_url: str, opened: Opened
) -> None:
    engine = await opened(postgres_url, "connections=1&listen=off&notify=off&retain=0")
    for _ in range(8):  # the server makes its plan for good with the sixth
        await engine.broker.publish([_job()])
        await engine.broker.settle([Succeeded(claim) for claim in await engine.broker.claim(["q"], 10, 30)])
    for _ in range(5):
        await engine.broker.publish([_job() for _ in range(1000)])
        await engine.broker.settle([Succeeded(claim) for claim in await engine.broker.claim(["q"], 100, 30)])
    await engine.close()
    database = postgres_url.rpartition("/")[2]
    sql = "select seq_tup_read from pg_stat_user_tables where relname = 'jobs'"
    while not (found := postgres.sql(f"{sql} and n_tup_ins >= 5008", database)):
        pass  # counts come late
    assert found == [("0",)]


# the URL


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("conections=2", "did you mean 'connections'"),
        ("connections=0", "expected 1 to 100"),
        ("timeout=0", "expected more than 0 seconds"),
        ("prefix=Jobs", "expected the name of a schema"),
        ("prefix=pg_jobs", "expected the name of a schema"),
        ('prefix=a"b', "expected the name of a schema"),
        ("migrate=maybe", "expected on or off"),
    ],
)
def test_an_option_that_cannot_be_is_refused_at_once(option: str, said: str) -> None:
    with pytest.raises(DeclarationError, match=said) as refused:
        open_engine(f"postgresql://ada:hush-hush@localhost/shop?{option}")
    assert "hush-hush" not in str(refused.value)


def test_both_names_of_the_scheme_are_one_engine() -> None:
    both = [urls.place(f"{scheme}://ada@localhost/shop") for scheme in ("postgres", "postgresql")]
    assert both[0].dsn == both[1].dsn
    assert isinstance(engines.postgres("postgres://localhost/shop"), PostgresEngine)


def test_the_drivers_own_options_are_the_drivers() -> None:
    place = urls.place("postgresql://ada@localhost/shop?sslmode=verify-full&sslrootcert=/ca.pem&retain=5&prefix=x")
    assert place.dsn == "postgresql://ada@localhost/shop?sslmode=verify-full&sslrootcert=%2Fca.pem"
    assert place.schema == "x"
