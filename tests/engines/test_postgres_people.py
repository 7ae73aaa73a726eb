"""PostgreSQL: what people look for and order, beyond what every engine promises."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from servers import Postgres
from workhorse.core.errors import EngineRefused
from workhorse.engine import ABSENT, Dead, Envelope, Filter, Lane, Migrating, Put, Succeeded
from workhorse.engines import open_engine
from workhorse.engines.postgres import orders
from workhorse.engines.postgres.engine import PostgresEngine
from workhorse.testing.conformance.words import begun, promptly

EVIL = "'; drop schema workhorse cascade; -- \" \\ $1 %s {}\n\U0010ffff"


def _job(id: str, payload: bytes = b"{}", lane: Lane | None = None, dead: str = "") -> Envelope:
    return Envelope(id, "noop", payload, "q", lane=lane, dead=dead)


def _engine(url: str) -> PostgresEngine:
    engine = open_engine(url)
    assert isinstance(engine, PostgresEngine)
    return engine


@pytest.fixture
async def engine(postgres_url: str) -> AsyncIterator[PostgresEngine]:
    engine = _engine(postgres_url)
    await engine.open()
    yield engine
    await engine.close()


async def _found(engine: PostgresEngine, text: str) -> list[str]:
    return [row.job.id for row in await engine.inspector.list(Filter(text=text))]


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        (b'{"to": "Ada@X.org"}', "ada@x"),
        (b'{"to": "ada@x.org"}', "ADA@X"),
        (b"\xff\xfe caf\xc3\xa9 \x80", "café"),
        (b"\xff\x00needle\x00", "Needle"),
        (b'{"path": "C:\\\\temp"}', 'c:\\\\TEMP"'),
        (b"100%_\\", "%_\\"),
        (b"\\303", "\\303"),
    ],
)
async def test_a_text_is_found_among_any_bytes_in_either_case(
    engine: PostgresEngine, payload: bytes, text: str
) -> None:
    await engine.broker.publish([_job("a", payload), _job("b", b"\xc3\xff\x00")])
    assert await _found(engine, text) == ["a"]


async def test_bytes_that_look_like_the_text_written_in_numbers_are_not_found(engine: PostgresEngine) -> None:
    await engine.broker.publish([_job("a", b"\\303\\251")])
    assert await _found(engine, "é") == []


@pytest.mark.parametrize("where", ["id", "task", "reason", "header", "trail"])
async def test_a_text_is_found_wherever_it_stands(engine: PostgresEngine, where: str) -> None:
    fields = {"id": "a", "task": "noop", "reason": "why", "header": "h", "trail": "t", where: "NEEDLE"}
    await engine.broker.publish(
        [
            Envelope(
                fields["id"], fields["task"], b"{}", "q", headers={"k": fields["header"]}, dead=fields["reason"],
                trail=fields["trail"].encode(),
            ),
            _job("other"),
        ]
    )  # fmt: skip
    assert await _found(engine, "needle") == [fields["id"]]


async def test_nothing_that_a_person_says_is_read_as_sql(engine: PostgresEngine) -> None:
    job = Envelope(EVIL, EVIL, EVIL.encode(), EVIL, headers={EVIL: EVIL}, lane=Lane(EVIL))
    await engine.broker.publish([job, _job("other")])
    which = Filter(ids=(EVIL,), queue=EVIL, task=EVIL, text=EVIL, after=EVIL[:3])
    assert [row.job for row in await engine.inspector.list(which)] == [job]
    assert (await engine.inspector.count("queue"))[EVIL] == {"ready": 1}
    await engine.inspector.pause(EVIL)
    assert await engine.inspector.paused() == [EVIL]
    await engine.inspector.resume(EVIL)
    assert await engine.inspector.cancel(which) == 1
    assert await engine.inspector.delete(which) == 1
    assert await engine.inspector.show("other") is not None


async def test_nothing_in_a_key_or_a_value_is_read_as_sql(engine: PostgresEngine) -> None:
    (version,) = await engine.store.put([Put(EVIL, EVIL.encode(), ABSENT)])
    assert version is not None
    assert await engine.store.get([EVIL, "'"]) == [(EVIL.encode(), version), None]
    assert await engine.store.scan(EVIL[:-1]) == [(EVIL, EVIL.encode(), version)]
    assert await engine.store.delete({EVIL: version, "\\": None}) == [True, False]


async def test_keys_are_in_the_order_of_code_points(engine: PostgresEngine) -> None:
    keys = ["a", "B", "_", "é", "z", "Z", "a b", "ab", "\ud7ff", "\ue000", "\U0010ffff", "\U0010ffffa"]
    await engine.store.put([Put(key, b"1") for key in keys])
    assert [key for key, _, _ in await engine.store.scan("")] == sorted(keys)
    assert [key for key, _, _ in await engine.store.scan("\ud7ff")] == ["\ud7ff"]
    assert [key for key, _, _ in await engine.store.scan("\U0010ffff")] == ["\U0010ffff", "\U0010ffffa"]


async def test_lists_of_one_key_in_two_orders_do_not_stop_each_other(postgres_url: str, engine: PostgresEngine) -> None:
    other = _engine(postgres_url)
    await other.open()
    puts = [Put(f"{n}", b"1") for n in range(200)]
    for _ in range(20):
        both = engine.store.put(puts), other.store.put(puts[::-1])
        assert all(None not in versions for versions in await asyncio.gather(*both))
        await asyncio.gather(
            engine.store.delete({put.key: None for put in puts}),
            other.store.delete({put.key: None for put in puts[::-1]}),
        )
    await other.close()


async def test_orders_go_in_chunks(engine: PostgresEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orders, "CHUNK", 3)
    await engine.broker.publish([_job(f"{n:02}", dead="why") for n in range(10)] + [_job("live")])
    assert await engine.inspector.retry(Filter()) == 10
    assert await engine.inspector.cancel(Filter()) == 11
    assert await engine.inspector.delete(Filter(after="05")) == 5
    assert [row.job.id for row in await engine.inspector.list(Filter())] == [f"{n:02}" for n in range(6)]


async def test_a_dead_letter_put_back_gives_its_lane_back_where_that_is_forgotten(engine: PostgresEngine) -> None:
    await engine.broker.publish([_job("a", lane=Lane("q/ada", 2, every=60)), _job("b", lane=Lane("q/ada", 2))])
    claims = await engine.broker.claim(["q"], 10, 30)
    await engine.broker.settle([Dead(claim, reason="why") for claim in claims])
    await engine._link.run("delete from workhorse.lanes")  # pyright: ignore[reportPrivateUsage]
    assert await engine.inspector.retry(Filter()) == 2
    assert {claim.job.id for claim in await engine.broker.claim(["q"], 10, 30)} == {"a", "b"}


async def test_a_dead_letter_that_changed_meanwhile_is_left_alone(
    engine: PostgresEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its trail is renewed between two statements; who put it back in that moment has won."""
    await engine.broker.publish([_job("a", dead="why")])
    link = engine._link  # pyright: ignore[reportPrivateUsage]
    plain = link.fetch

    async def overtaken(sql: str, *values: object) -> object:
        if "workhorse.revive" in sql:
            await link.run("update workhorse.jobs set state = 0, attempt = attempt + 1")
        return await plain(sql, *values)

    monkeypatch.setattr(link, "fetch", overtaken)
    assert await engine.inspector.retry(Filter()) == 0
    monkeypatch.undo()
    row = await engine.inspector.show("a")
    assert row is not None
    assert row.job.attempt == 2


async def test_a_pause_waits_for_the_claims_that_began_before_it(engine: PostgresEngine, postgres_url: str) -> None:
    await engine.broker.publish([_job("a")])
    claiming = await asyncpg.connect(postgres_url)
    await claiming.execute("begin; select from workhorse.paused; update workhorse.jobs set token = 1")
    pausing = await begun(engine.inspector.pause("q"))
    while not await engine.inspector.paused():
        pass
    assert not pausing.done()
    await claiming.execute("commit")
    await promptly(pausing)
    await claiming.close()


async def test_a_pause_waits_for_no_caller_and_no_dump(engine: PostgresEngine, postgres_url: str) -> None:
    caller, dump = await asyncpg.connect(postgres_url), await asyncpg.connect(postgres_url)
    await caller.execute("begin")
    for text, values in engine.statements.statements([_job("a", lane=Lane("q/ada"))], []):
        await caller.execute(text, *values)
    await dump.execute("begin; lock table workhorse.paused, workhorse.jobs in access share mode")
    await promptly(engine.inspector.pause("q"))
    await caller.close()
    await dump.close()


async def test_a_long_list_is_read_beside_the_workers(engine: PostgresEngine) -> None:
    """On a connection of its own, which is gone afterwards."""
    await engine.broker.publish([_job("a")])
    mine = "select count(*) from pg_stat_activity where datname = current_database()"
    for _ in range(20):
        assert len(await engine.inspector.list(Filter())) == 1
        assert await engine.inspector.count("task") == {"noop": {"ready": 1}}
    while (await engine._link.fetch(mine))[0][0] > 6:  # four, the one that listens, and one of the server's own  # pyright: ignore[reportPrivateUsage]
        pass


async def test_a_user_who_may_only_work_works(postgres: Postgres, postgres_url: str, engine: PostgresEngine) -> None:
    """With what the documentation says that it must be granted."""
    page = (Path(__file__).parents[2] / "docs" / "postgresql.md").read_text("utf-8")
    (grants,) = re.findall(r"```sql\n(.*?)```", page, re.DOTALL)
    database = postgres_url.rpartition("/")[2]
    postgres.sql("create role shop login")
    postgres.sql(grants, database)
    worker = _engine(f"{postgres.url(database, 'shop')}?migrate=off")
    await worker.open()
    lane = Lane("q/ada")
    await worker.broker.publish([_job("a", lane=lane), _job("b", lane=lane), Envelope("c", "noop", b"{}", "q")])
    await worker.broker.settle([Succeeded(claim) for claim in await worker.broker.claim(["q"], 10, 30)])
    await worker.store.put([Put("fact", b"1")])
    assert await worker.inspector.cancel(Filter(ids=["b"])) == 1
    assert await worker.inspector.delete(Filter(ids=["b"])) == 1
    assert await worker.check() == []
    await worker.close()
    postgres.sql("drop owned by shop; drop role shop", database)


async def test_the_steps_can_be_seen_and_taken_before_the_engine_is_opened(postgres_url: str) -> None:
    engine = _engine(f"{postgres_url}?prefix=other&migrate=off")
    assert isinstance(engine, Migrating)
    steps = engine.migrations
    assert await steps.current() == 0
    pending = await steps.pending()
    assert [step.version for step in pending] == list(range(1, steps.newest + 1))
    assert 'create table "other".jobs' in pending[0].sql
    with pytest.raises(EngineRefused, match="workhorse migrate"):
        await engine.open()
    rival = _engine(f"{postgres_url}?prefix=other")
    taken = await asyncio.gather(steps.apply(), rival.migrations.apply())
    assert sorted(len(each) for each in taken) == [0, steps.newest]
    assert (await steps.current(), await steps.pending()) == (steps.newest, [])
    await engine.open()
    await engine.broker.publish([_job("a")])
    (claim,) = await engine.broker.claim(["q"], 1, 30)
    assert await engine.broker.settle([Succeeded(claim)]) == []
    await engine.close()
