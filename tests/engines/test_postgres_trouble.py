"""PostgreSQL under a user who may too little, with another version's schema, and on a disk that is full."""

import asyncio
import itertools
import subprocess
from collections.abc import Iterator

import pytest

from ledger import disk
from ledger.disk import Disk
from served.stage import Shop, again, all_succeeded, parts, soon, verbs
from servers import Postgres, Redis, found
from servers.fixtures import Own
from servers.postgres import PASSWORD, USER
from workhorse.engine import BrokerUnavailable, Engine, EngineRefused
from workhorse.engines import open_engine


async def opened(url: str) -> Engine:
    engine = open_engine(url)
    await engine.open()
    return engine


async def refusal(url: str) -> str:
    engine = open_engine(url)
    with pytest.raises(EngineRefused) as caught:
        await engine.open()
    assert PASSWORD not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def database(postgres_url: str) -> str:
    return postgres_url.rpartition("/")[2]


async def test_a_database_that_is_not_there_is_named(postgres: Postgres) -> None:
    assert 'database "nowhere" does not exist' in await refusal(postgres.url("nowhere"))


async def test_a_user_who_may_not_create_a_schema_is_told_what_to_grant(postgres: Postgres, database: str) -> None:
    postgres.sql(f'drop role if exists reader; create role reader login; alter database "{database}" owner to postgres')
    said = await refusal(postgres.url(database, "reader"))
    assert "permission denied for database" in said
    assert "grant usage, create on schema workhorse to" in said


async def test_a_user_who_may_only_read_is_told_by_the_verb_that_he_may_not(
    postgres: Postgres, postgres_url: str, database: str
) -> None:
    await (await opened(postgres_url)).close()
    postgres.sql(
        "drop role if exists reader; create role reader login; grant usage on schema workhorse to reader;"
        "grant select on all tables in schema workhorse to reader",
        database,
    )
    engine = await opened(postgres.url(database, "reader"))
    with pytest.raises(EngineRefused, match=r"permission denied.*[Gg]rant"):
        await verbs(engine)["publish"]()
    await engine.close()
    postgres.sql("drop owned by reader", database)


async def test_a_newer_schema_is_refused_untouched_and_those_who_are_at_work_go_on(
    postgres: Postgres, postgres_url: str, database: str
) -> None:
    """Two versions on one server: the newer one has brought the schema forward under the older one's feet."""
    older = await opened(postgres_url)
    postgres.sql("update workhorse.about set value = '999' where name = 'schema'", database)
    before = postgres.sql("select * from pg_catalog.pg_tables where schemaname = 'workhorse' order by 1, 2", database)
    said = await refusal(postgres_url)
    assert "999" in said
    assert "newer Workhorse" in said
    assert before == postgres.sql(
        "select * from pg_catalog.pg_tables where schemaname = 'workhorse' order by 1, 2", database
    )
    for call in verbs(older).values():
        await call()
    await older.close()


async def test_many_that_start_at_once_on_an_empty_database_make_one_schema(postgres_url: str) -> None:
    engines = [open_engine(postgres_url) for _ in range(10)]
    await asyncio.gather(*(engine.open() for engine in engines))
    await asyncio.gather(*(verbs(engine)["publish"]() for engine in engines))
    claims = await parts(engines[0])[0].claim(["mail"], 100, 30)
    assert len(claims) == 10
    for engine in engines:
        await engine.close()


async def test_a_url_that_leads_to_something_else_is_told_apart_from_a_server_that_is_away(own: Own) -> None:
    stranger: Redis = own(Redis)
    engine = open_engine(f"postgresql://{USER}@{stranger.address}/db?timeout=1")
    async with asyncio.timeout(60):
        with pytest.raises((EngineRefused, BrokerUnavailable), match=stranger.address):
            await engine.open()


@pytest.fixture
def small() -> Iterator[Disk]:
    folder = found.folder()
    with disk.mounted(folder / "disk", 64) as small:
        small.folder.chmod(0o777)
        yield small


needs_a_small_disk = pytest.mark.skipif(bool(disk.missing()), reason=disk.missing())


@needs_a_small_disk
async def test_a_disk_that_is_full_refuses_jobs_and_loses_none_and_workers_go_on_when_there_is_room(
    own: Own, small: Disk
) -> None:
    """The tables' disk: the server lives on, and says so to each who writes."""
    server: Postgres = own(Postgres)
    place = small.folder / "tables"
    place.mkdir()
    server.own(place)
    server.sql(f"create tablespace small location '{place}'", "postgres")
    server.sql(f"create database jobs owner {USER} tablespace small", "postgres")
    shop = Shop(server.url("jobs"), enqueue_timeout=0.2)
    accepted, refused = await _filled(shop, small)
    async with shop.app:
        worker = shop.app.worker(signals=())
        working = asyncio.create_task(worker.run())
        await soon(lambda: shop.inside or not worker.ready)
        shop.gate.set()
        await soon(lambda: not worker.ready)
        small.free()
        await again(lambda: shop.app.enqueue_many(refused))
        await again(lambda: all_succeeded(shop, len(accepted) + len(refused)))
        worker.stop()
        await working


@needs_a_small_disk
async def test_a_log_that_cannot_grow_ends_the_server_and_nothing_that_was_accepted(own: Own, small: Disk) -> None:
    """The log's disk: the server stops, and recovers when there is room."""
    server: Postgres = own(Postgres, max_wal_size="32MB", min_wal_size="32MB")
    server.stop()
    log = server.data / "pg_wal"
    subprocess.run(["cp", "-a", str(log), str(small.folder / "pg_wal")], check=True)
    subprocess.run(["rm", "-r", str(log)], check=True)
    log.symlink_to(small.folder / "pg_wal")
    server.start()
    shop = Shop(server.url(), enqueue_timeout=0.2)
    accepted, refused = await _filled(shop, small)
    small.free()
    if not server.running:
        server.start()
    shop.gate.set()
    await again(shop.app.engine)  # it may recover still
    async with shop.app:
        await again(lambda: shop.app.enqueue_many(refused))
        worker = shop.app.worker(signals=())
        working = asyncio.create_task(worker.run())
        await again(lambda: all_succeeded(shop, len(accepted) + len(refused)))
        worker.stop()
        await working


async def _filled(shop: Shop, small: Disk) -> tuple[list[object], list[object]]:
    """Jobs until there is no room: those that were accepted, and those of the batch that was not."""
    accepted: list[object] = []
    async with shop.app:
        await shop.app.engine()
        small.fill()
        for start in itertools.count(0, 50):
            batch = [shop.gated.job(n) for n in range(start, start + 50)]
            try:
                await shop.app.enqueue_many(batch)
            except BrokerUnavailable as error:
                return accepted, list(error.jobs)
            accepted += batch
    raise AssertionError("there was room for everything")
