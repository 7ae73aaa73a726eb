"""PostgreSQL: a lease is in no index, and is found all the same once it is over."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from workhorse.core.ids import new_id
from workhorse.engine import Envelope
from workhorse.engines import open_engine
from workhorse.engines.postgres.engine import PostgresEngine
from workhorse.testing.conformance.words import promptly

LONG = 3600.0
SHORT = 0.1
_UPDATES = "select n_tup_upd, n_tup_hot_upd from pg_stat_user_tables where relname = 'jobs'"


@pytest.fixture
async def engine(postgres_url: str) -> AsyncIterator[PostgresEngine]:
    """It looks only when a wait begins."""
    engine = open_engine(f"{postgres_url}?poll=3600")
    assert isinstance(engine, PostgresEngine)
    await engine.open()
    yield engine
    await engine.close()


async def _publish(engine: PostgresEngine, count: int) -> None:
    await engine.broker.publish([Envelope(new_id(), "noop", b"{}", "q") for _ in range(count)])


async def test_a_claim_hardly_ever_changes_an_index(engine: PostgresEngine, postgres_url: str) -> None:
    await _publish(engine, 1000)
    while await engine.broker.claim(["q"], 100, LONG):
        pass
    await engine.close()  # a session tells what it counted when it ends
    con = await asyncpg.connect(postgres_url)
    updates = in_place = 0
    while updates < 1000:
        updates, in_place = await con.fetchrow(_UPDATES)
    await con.close()
    assert in_place > 0.9 * updates  # a page may be full now and then


async def test_who_waits_wakes_when_the_first_lease_is_over(engine: PostgresEngine) -> None:
    await _publish(engine, 3)
    lost, *kept = await engine.broker.claim(["q"], 3, LONG)
    await engine.broker.extend(kept, LONG)
    await engine.broker.extend([lost], SHORT)
    await promptly(engine.broker.wait(["q"], 1, LONG))
    assert [(it.job.id, it.crashes) for it in await engine.broker.claim(["q"], 3, LONG)] == [(lost.job.id, 1)]


async def test_a_lost_claim_is_found_behind_those_that_are_held(engine: PostgresEngine) -> None:
    await _publish(engine, 5)
    assert len(await engine.broker.claim(["q"], 5, LONG)) == 5
    await _publish(engine, 1)
    (lost,) = await engine.broker.claim(["q"], 1, SHORT)
    await promptly(engine.broker.wait(["q"], 1, LONG))
    assert [it.job.id for it in await engine.broker.claim(["q"], 3, LONG)] == [lost.job.id]
