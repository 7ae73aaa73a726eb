"""The bare limit of PostgreSQL: one asyncpg connection, one table with one partial index, and a commit a statement."""

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg
import msgspec

import environments
from limits import BATCH
from servers import Postgres
from work import PAYLOAD

BODY = msgspec.json.encode(PAYLOAD)

TABLE = """
create table waiting (
    id bigint generated always as identity primary key, queue text not null, priority smallint not null, state smallint not null,
    due timestamptz not null, attempt smallint not null, token bigint, body bytea not null
);
create index on waiting (queue, priority, due) where state = 0;
"""
INSERT = (
    "insert into waiting (queue, priority, state, due, attempt, body)"
    " select 'bench', 2, 0, now(), 0, body from unnest($1::bytea[]) as body returning id"
)
CLAIM = """
update waiting set state = 1, attempt = attempt + 1, token = 1, due = now() + interval '30 s'
where id = any (array(
    select id from waiting where queue = 'bench' and state = 0 and due <= now()
    order by priority, due limit $1 for update skip locked
))
returning id, body, attempt
"""
DELETE = "delete from waiting where id = any ($1::bigint[]) and token = 1 returning id"
UPDATE = "update waiting set state = 2, due = now() where id = any ($1::bigint[]) and token = 1 returning id"


def limit(jobs: int) -> dict[str, float]:
    """Jobs a second, by what is done to them."""
    with tempfile.TemporaryDirectory(dir=environments.disk()) as name:
        Path(name).chmod(0o755)
        (folder := Path(name) / "now").mkdir()
        server = Postgres(folder)
        server.start()
        try:
            return asyncio.run(_measured(server.url, jobs))
        finally:
            server.stop()


async def _measured(url: str, jobs: int) -> dict[str, float]:
    con = await asyncpg.connect(url, ssl=False)
    await con.execute(TABLE)
    told = {"insert": await _timed(lambda: _fill(con, jobs), jobs)}
    for how, statement in (("delete", DELETE), ("update", UPDATE)):
        await con.execute("truncate waiting")
        await _fill(con, jobs)
        await con.execute("vacuum analyze waiting")
        await con.execute("checkpoint")
        told[how] = await _timed(lambda statement=statement: _drain(con, statement, jobs), jobs)
    await con.close()
    return told


async def _timed(step: Callable[[], Awaitable[None]], jobs: int) -> float:
    begun = time.perf_counter()
    await step()
    return jobs / (time.perf_counter() - begun)


async def _fill(con: Any, jobs: int) -> None:
    insert = await con.prepare(INSERT)
    for first in range(0, jobs, BATCH):
        await insert.fetch([BODY] * min(BATCH, jobs - first))


async def _drain(con: Any, statement: str, jobs: int) -> None:
    claim, end, ended = await con.prepare(CLAIM), await con.prepare(statement), 0
    while ended < jobs:
        ended += len(await end.fetch([row[0] for row in await claim.fetch(BATCH)]))


LIMITS = {"synchronous_commit=on": limit}
