"""PostgreSQL: who waits is woken, by a notification that is sent rarely, or by a look where none arrives."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from types import SimpleNamespace
from typing import Any, cast

import asyncpg
import pytest

from servers import Postgres
from workhorse.core.errors import BrokerUnavailable
from workhorse.core.ids import new_id
from workhorse.engine import ABSENT, Envelope, Put
from workhorse.engines import open_engine
from workhorse.engines.postgres import notifier, watch
from workhorse.engines.postgres.engine import PostgresEngine
from workhorse.engines.postgres.link import Link
from workhorse.engines.postgres.notifier import Notifier
from workhorse.testing.conformance.words import begun, promptly

LONG = 3600.0
NO_LOOKS = "poll=3600"
"""Whoever is woken all the same was told."""

Opened = Callable[..., Any]


def _job() -> Envelope:
    return Envelope(new_id(), "noop", b"{}", "q")


@pytest.fixture
async def opened(postgres_url: str) -> AsyncIterator[Opened]:
    """`await opened("poll=1")`: an engine on this test's database."""
    engines: list[PostgresEngine] = []

    async def opened(options: str = NO_LOOKS) -> PostgresEngine:
        engine = open_engine(f"{postgres_url}?{options}")
        assert isinstance(engine, PostgresEngine)
        engines.append(engine)
        await engine.open()
        return engine

    yield opened
    for engine in engines:
        await engine.close()


@pytest.fixture
async def heard(postgres_url: str) -> AsyncIterator[asyncio.Queue[str]]:
    """What is told on our channel, as somebody else hears it."""
    told: asyncio.Queue[str] = asyncio.Queue()
    connection = await asyncpg.connect(postgres_url)
    await connection.add_listener("workhorse", lambda *said: told.put_nowait(str(said[-1])))
    yield told
    await connection.close()


async def _listening(postgres: Postgres, url: str, but: int = 0) -> int:
    """The process of the server that serves a connection which listens to our channel, once there is one."""
    sql = f"select pid from pg_stat_activity where query ilike 'listen%' and datname = '{url.rpartition('/')[2]}' and pid <> {but}"
    while True:
        for (pid,) in await asyncio.to_thread(postgres.sql, sql):
            return int(pid)


class Line:
    """A link whose answers the test gives."""

    def __init__(self) -> None:
        self.place = SimpleNamespace(notify=True, schema="workhorse")
        self.sent: list[str] = []
        self.answer = asyncio.Event()

    async def fetch(self, sql: str, channel: str, text: str) -> None:
        self.sent.append(text)
        await self.answer.wait()


async def test_what_is_committed_meanwhile_is_told_together() -> None:
    line = Line()
    teller = Notifier(cast(Link, line))
    teller.add(("first",), ())
    while not line.sent:
        await asyncio.sleep(0)
    for n in range(1000):
        teller.add((f"q{n % 3}",), (f"result/{n % 2}",))
    line.answer.set()
    await teller.close()
    assert [notifier.told(text) for text in line.sent] == [
        notifier.Told(teller.sender, ["first"], []),
        notifier.Told(teller.sender, ["q0", "q1", "q2"], ["result/0", "result/1"]),
    ]


async def test_who_commits_alone_tells_it_himself_and_not_again_within_the_gap() -> None:
    line = Line()
    line.answer.set()
    teller = Notifier(cast(Link, line))
    said = teller.ride(("q",))
    assert said is not None
    assert notifier.told(said) == notifier.Told(teller.sender, ["q"], [])
    assert teller.ride(("q",)) is None
    teller.add(("q",), ())
    assert line.sent == []
    await teller.close()
    assert len(line.sent) == 1


async def test_nobody_rides_while_something_is_still_to_be_told() -> None:
    line = Line()
    teller = Notifier(cast(Link, line))
    teller.add(("first",), ())
    assert teller.ride(("q",)) is None
    line.answer.set()
    await teller.close()


async def test_nothing_rides_where_nobody_is_told() -> None:
    line = Line()
    line.place.notify = False
    assert Notifier(cast(Link, line)).ride(("q",)) is None


@pytest.mark.parametrize(
    ("queues", "keys", "said"),
    [
        (["q"], ["result/a"], (["q"], ["result/a"])),
        (["q"], [f"result/{n:032}" for n in range(1000)], (["q"], None)),
        ([f"{n:0200}" for n in range(100)], ["a"], (None, None)),
        (["ü\n'\"\\"], ["\U0010ffff"], (["ü\n'\"\\"], ["\U0010ffff"])),
    ],
)
def test_a_notification_is_cut_to_what_the_server_takes(
    queues: list[str], keys: list[str], said: tuple[list[str] | None, list[str] | None]
) -> None:
    text = notifier.payload("me", queues, keys)
    assert len(text.encode()) < 8000
    assert notifier.told(text) == notifier.Told("me", *said)


@pytest.mark.parametrize("text", ["", "hello", "[]", '["a"]', '{"a": 1}', '["a", 1, 2]'])
def test_what_others_say_on_our_channel_is_taken_for_everything(text: str) -> None:
    assert notifier.told(text) == notifier.Told("", None, None)


async def test_a_publish_is_told_after_its_commit(opened: Opened, heard: asyncio.Queue[str]) -> None:
    engine = await opened()
    await engine.broker.publish([_job()])
    assert notifier.told(await promptly(heard.get())).queues == ["q"]
    await engine.store.put([Put("fact", b"1")])
    assert notifier.told(await promptly(heard.get())).keys == ["fact"]


async def test_a_job_alone_is_told_with_its_own_commit(opened: Opened, heard: asyncio.Queue[str]) -> None:
    engine = await opened()
    job = _job()
    await engine.broker.publish([job])
    told = notifier.told(await promptly(heard.get()))
    assert (told.queues, told.keys) == (["q"], [])
    assert [claim.job.id for claim in await engine.broker.claim(["q"], 2, LONG)] == [job.id]
    await engine.close()
    assert heard.empty()  # once


async def test_what_is_left_to_tell_is_told_before_the_end(opened: Opened, heard: asyncio.Queue[str]) -> None:
    engine = await opened()
    await engine.broker.publish([_job()])
    await engine.store.put([Put("fact", b"1")])
    await engine.close()
    assert notifier.told(await promptly(heard.get())).queues == ["q"]


async def test_nothing_is_told_where_that_is_switched_off(
    opened: Opened, heard: asyncio.Queue[str], postgres_url: str
) -> None:
    engine = await opened("notify=off")
    await engine.broker.publish([_job()])
    await engine.store.put([Put("fact", b"1")])
    await engine.close()
    connection = await asyncpg.connect(postgres_url)
    await connection.execute("notify workhorse, 'by hand'")
    await connection.close()
    assert await promptly(heard.get()) == "by hand"


async def test_our_own_commits_wake_us_without_any_notification(opened: Opened) -> None:
    engine = await opened(f"notify=off&listen=off&{NO_LOOKS}")
    work = await begun(engine.broker.wait(["q"], 1, LONG))
    fact = await begun(engine.store.wait({"fact": ABSENT}, LONG))
    await engine.broker.publish([_job()])
    await engine.store.put([Put("fact", b"1")])
    await promptly(asyncio.gather(work, fact))


PUBLISHER = """
import asyncio, sys
from workhorse.engine import Envelope
from workhorse.engines import open_engine

async def main():
    engine = open_engine(sys.argv[1])
    await engine.open()
    await engine.broker.publish([Envelope("a", "noop", b"{}", "q")])
    await engine.close()

asyncio.run(main())
"""


async def test_another_process_wakes_who_waits(opened: Opened, postgres: Postgres, postgres_url: str) -> None:
    engine = await opened()
    waiting = await begun(engine.broker.wait(["q"], 1, LONG))
    await promptly(_listening(postgres, postgres_url))
    command = [sys.executable, "-c", PUBLISHER, postgres_url]
    await asyncio.to_thread(subprocess.run, command, check=True, timeout=60)
    await promptly(waiting)


@pytest.mark.parametrize("options", ["listen=off&poll=0.05", "pgbouncer=on&poll=0.05", "poll=0.05"])
async def test_who_hears_nothing_looks(opened: Opened, options: str) -> None:
    engine, other = await opened(options), await opened("notify=off")
    work = await begun(engine.broker.wait(["q"], 1, LONG))
    fact = await begun(engine.store.wait({"fact": ABSENT}, LONG))
    await other.broker.publish([_job()])
    await other.store.put([Put("fact", b"1")])
    await promptly(asyncio.gather(work, fact))


async def test_too_much_to_name_is_looked_up(opened: Opened) -> None:
    engine, other = await opened(), await opened()
    waiting = await begun(engine.store.wait({"fact/1999": ABSENT}, LONG))
    await other.store.put([Put(f"fact/{n}", b"1") for n in range(2000)])
    await promptly(waiting)


async def test_a_lost_connection_is_replaced_and_what_was_missed_is_looked_up(
    opened: Opened, postgres: Postgres, postgres_url: str
) -> None:
    engine, other = await opened(), await opened()
    waiting = await begun(engine.broker.wait(["q"], 1, LONG))
    listening = await promptly(_listening(postgres, postgres_url))
    await asyncio.to_thread(postgres.sql, f"select pg_terminate_backend({listening})")
    await other.broker.publish([_job()])
    await promptly(waiting)
    for claim in await engine.broker.claim(["q"], 1, 3600):
        assert claim.job.queue == "q"
    waiting = await begun(engine.broker.wait(["q"], 1, LONG))
    await promptly(_listening(postgres, postgres_url, but=listening))
    await other.broker.publish([_job()])
    await promptly(waiting)


async def test_a_line_that_dies_before_it_listens_is_replaced(
    opened: Opened, postgres: Postgres, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, other = await opened(), await opened()
    dead, listens = list[object](), asyncpg.Connection.add_listener

    async def add_listener(connection: Any, *rest: Any) -> None:
        if not dead:
            dead.append(connection)
            await asyncio.Event().wait()  # no answer, and no word that there will be none
        await listens(connection, *rest)

    monkeypatch.setattr(asyncpg.Connection, "add_listener", add_listener)
    monkeypatch.setattr(watch, "_PATIENCE", 0.05)
    waiting = await begun(engine.broker.wait(["q"], 1, LONG))
    await promptly(_listening(postgres, postgres_url))
    await other.broker.publish([_job()])
    await promptly(waiting)
    assert cast(Any, dead[0]).is_closed()


async def test_a_server_that_goes_away_is_told_to_who_waits(own_postgres: Postgres) -> None:
    engine = open_engine(own_postgres.create("jobs"))
    assert isinstance(engine, PostgresEngine)
    await engine.open()
    waiting = await begun(engine.broker.wait(["q"], 1, LONG))
    await asyncio.to_thread(own_postgres.kill)
    with pytest.raises(BrokerUnavailable):
        await promptly(waiting)
    await asyncio.to_thread(own_postgres.start)
    waiting = await begun(engine.broker.wait(["q"], 1, LONG))
    await engine.broker.publish([_job()])
    await promptly(waiting)
    await engine.close()


async def test_closing_ends_the_listening(opened: Opened, postgres: Postgres, postgres_url: str) -> None:
    engine = await opened()
    waiting = await begun(engine.broker.wait(["q"], 1, LONG))
    await promptly(_listening(postgres, postgres_url))
    waiting.cancel()
    await engine.close()
    sql = (
        f"select 1 from pg_stat_activity where query ilike 'listen%' and datname = '{postgres_url.rpartition('/')[2]}'"
    )
    while await asyncio.to_thread(postgres.sql, sql):
        pass


async def test_closing_leaves_no_line_that_was_about_to_listen(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    begun_to = asyncio.get_running_loop().create_future()

    async def add_listener(connection: Any, *_: Any) -> None:
        begun_to.set_result(connection)
        await asyncio.Event().wait()

    monkeypatch.setattr(asyncpg.Connection, "add_listener", add_listener)
    engine = await opened()
    waiting = await begun(engine.broker.wait(["q"], 1, LONG))
    line = await promptly(begun_to)
    waiting.cancel()
    await engine.close()
    assert line.is_closed()
