"""A unique key's replacement: what it must leave alone."""

from collections.abc import AsyncIterator

import pytest

from workhorse.engine import Broker, Engine, Filter, Inspector, Lane, Unique
from workhorse.engines import open_engine
from workhorse.testing.conformance.words import claim, ids, job, only, publish

REPLACE = Unique("report", conflict="replace")


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[Engine]:
    engine = open_engine(database_url)
    await engine.open()
    yield engine
    await engine.close()


def parts(engine: Engine) -> tuple[Broker, Inspector]:
    assert engine.broker is not None
    assert engine.inspector is not None
    return engine.broker, engine.inspector


async def test_a_job_that_is_asked_to_cancel_needs_no_slot_after_it_was_replaced_either(engine: Engine) -> None:
    broker, inspector = parts(engine)
    lane = Lane("mail/one")
    await publish(broker, job("holder", lane=lane), job("parked", lane=lane, unique=REPLACE))
    await claim(broker)
    await inspector.cancel(only("parked"))
    (answer,) = await broker.publish([job("newer", lane=lane, unique=REPLACE)])
    assert (answer.kind, answer.of) == ("replaced", "parked")
    assert await ids(broker) == ["parked"]


async def test_a_later_life_of_an_id_is_not_replaced_by_the_key_of_an_earlier_one(engine: Engine) -> None:
    broker, inspector = parts(engine)
    await publish(broker, job("a", unique=Unique("report", within=60, conflict="replace")))
    await inspector.delete(only("a"))
    await publish(broker, job("a", payload=b"another job"))
    (answer,) = await broker.publish([job("b", payload=b"new", unique=REPLACE)])
    assert (answer.kind, answer.of) == ("duplicate", "a")
    (row,) = await inspector.list(Filter())
    assert row.job.payload == b"another job"
