"""The conformance suite over SQLite on disk and Redis whose every verb fails, loses its answer, stalls and is repeated, under a caller who
calls again: what an engine promises holds, however rough the way to it is."""

from collections.abc import Iterator
from random import Random

import pytest

from conformance_redis import OnRedis
from conformance_sqlite import OnDisk
from workhorse.engine import Engine, Retried, Succeeded
from workhorse.engines import open_engine
from workhorse.testing.conformance import Conformance, Rough
from workhorse.testing.conformance.rough import RATES
from workhorse.testing.conformance.words import claim, job, publish, settle
from workhorse.testing.faults import FaultyEngine, Happened

SURELY = 30
"""Calls that do not all get through unharmed, by any seed."""


class Roughly:
    """Each test has a fate of its own, the same in each run."""

    @pytest.fixture(autouse=True)
    def nemesis(self, request: pytest.FixtureRequest) -> Iterator[None]:
        self.rough = Rough(Random(request.node.name))
        yield
        assert self.rough.happened or len(self.rough.calls) < SURELY

    def engine(self, name: str) -> Engine:
        return FaultyEngine(super().engine(name), self.rough)  # type: ignore[misc]


class TestFaulty(Roughly, OnDisk, Conformance):
    """On disk."""


class TestFaultyRedis(Roughly, OnRedis, Conformance):
    """At a server."""


async def test_a_rough_day_brings_all_that_is_planned_and_every_job_is_done_once() -> None:
    rough = Rough(Random(3))
    engine = FaultyEngine(open_engine("memory://"), rough)
    await engine.open()
    broker, done = engine.broker, list[tuple[str, int]]()
    assert broker is not None
    for n in range(300):
        await publish(broker, job(f"{n:03}"))
    while claims := await claim(broker, limit=2):
        assert await broker.extend(claims, 30) == ["kept"] * len(claims)
        await settle(broker, *(Retried(each) if each.job.attempt < 3 else Succeeded(each) for each in claims))
        done += [(each.job.id, each.job.attempt) for each in claims]
    await engine.close()
    assert sorted(done) == [(f"{n:03}", attempt) for n in range(300) for attempt in (1, 2, 3)]
    verbs = ("publish", "claim", "extend", "settle")
    assert {Happened(verb, fault) for verb in verbs for fault in RATES[verb]} <= set(rough.happened)
