"""Many workers on one PostgreSQL at once: lanes, unique keys and orders hold, and whoever meets another's locks does it again."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from workhorse.core.errors import BrokerUnavailable
from workhorse.core.ids import new_id
from workhorse.engine import (
    Cancelled,
    Claim,
    Envelope,
    Filter,
    Lane,
    Outcome,
    Put,
    Released,
    Retried,
    Succeeded,
    Unique,
)
from workhorse.engines import open_engine
from workhorse.engines.postgres.engine import PostgresEngine
from workhorse.engines.postgres.link import Link

QUEUES = ["q", "r"]
LANES = [Lane("q/one", 1), Lane("q/two", 2), Lane("q/ordered", 1, True)]
_ROUNDS = 60

_WRONG = """
select l.lane, l.width, l.taken, count(j.seq) filter (where j.slot) as slots, count(j.seq) filter (where j.state = 1) as parked
from workhorse.lanes l left join workhorse.jobs j on j.lane = l.lane group by 1, 2, 3
having l.taken <> count(j.seq) filter (where j.slot) or l.taken > l.width or count(j.seq) filter (where j.slot and j.state > 1) > 0
    or (l.taken < l.width and count(j.seq) filter (where j.state = 1) > 0)
"""


@pytest.fixture
async def engines(postgres_url: str) -> AsyncIterator[list[PostgresEngine]]:
    """Three workers' engines."""
    opened: list[PostgresEngine] = []
    for _ in range(3):
        engine = open_engine(postgres_url)
        assert isinstance(engine, PostgresEngine)
        await engine.open()
        opened.append(engine)
    yield opened
    for engine in opened:
        await engine.close()


def _link(engine: PostgresEngine) -> Link:
    return engine._link  # pyright: ignore[reportPrivateUsage]


async def _patiently(verb: Callable[[], Awaitable[object]]) -> None:
    """As a worker does: what met too many locks is asked for again."""
    while True:
        try:
            await verb()
            return
        except BrokerUnavailable:
            pass


async def test_each_job_goes_to_one_worker(engines: list[PostgresEngine]) -> None:
    await engines[0].broker.publish([Envelope(new_id(), "noop", b"{}", "q") for _ in range(600)])
    taken = Counter[str]()

    async def work(engine: PostgresEngine) -> None:
        while claims := await engine.broker.claim(QUEUES, 7, 600):
            taken.update(claim.job.id for claim in claims)
            assert await engine.broker.settle([Succeeded(claim) for claim in claims]) == []

    await asyncio.gather(*(work(engine) for engine in engines for _ in range(3)))
    assert (len(taken), set(taken.values())) == (600, {1})


async def test_of_many_who_publish_one_key_at_once_one_is_accepted(engines: list[PostgresEngine]) -> None:
    for turn in range(10):
        jobs = [Envelope(new_id(), "noop", b"{}", "q", unique=Unique(f"key-{turn}")) for _ in range(9)]
        answers = await asyncio.gather(*(engines[n % 3].broker.publish([job]) for n, job in enumerate(jobs)))
        kinds = Counter(answer.kind for (answer,) in answers)
        accepted = [job.id for job, (answer,) in zip(jobs, answers, strict=True) if answer.kind == "accepted"]
        assert kinds == {"accepted": 1, "duplicate": 8}
        assert {answer.of for (answer,) in answers if answer.kind == "duplicate"} == set(accepted)


async def test_of_many_who_publish_one_id_at_once_one_job_comes(engines: list[PostgresEngine]) -> None:
    await asyncio.gather(*(engines[n % 3].broker.publish([Envelope("given", "noop", b"{}", "q")]) for n in range(12)))
    assert [claim.job.id for claim in await engines[0].broker.claim(QUEUES, 20, 30)] == ["given"]


async def test_an_extend_and_a_settle_in_two_orders_do_not_stop_each_other(engines: list[PostgresEngine]) -> None:
    one, other = engines[:2]
    for _ in range(_ROUNDS):
        await one.broker.publish([Envelope(new_id(), "noop", b"{}", "q") for _ in range(20)])
        claims = await one.broker.claim(QUEUES, 20, 600)
        done, _ = await asyncio.gather(
            one.broker.settle([Succeeded(claim) for claim in claims]), other.broker.extend(claims[::-1], 600)
        )
        assert done == []
    assert _link(one).collisions == _link(other).collisions == 0


async def test_lanes_and_keys_hold_whatever_happens_at_once(engines: list[PostgresEngine]) -> None:
    """Retries, hand-backs, follow-ups, cancels and deletes from all sides; then everything that is left comes to its end."""
    chance = random.Random(20)
    known: list[str] = []

    def job() -> Envelope:
        lane = chance.choice(LANES) if chance.random() < 0.8 else None
        conflict = chance.choice(("keep", "replace"))
        until = chance.choice(("claimed", "settled"))
        unique = Unique(f"k{chance.randrange(6)}", until, conflict=conflict) if chance.random() < 0.3 else None
        queue = "q" if lane else chance.choice(QUEUES)
        id = f"g{chance.randrange(40)}" if chance.random() < 0.2 else new_id()
        known.append(id)
        return Envelope(id, "noop", b"{}", queue, priority=chance.randint(1, 3), lane=lane, unique=unique)

    def outcome(claim: Claim) -> Outcome:
        kind = Cancelled if claim.cancel else chance.choice((Succeeded, Succeeded, Retried, Released))
        return kind(
            claim, writes=[Put(f"f{chance.randrange(5)}", b"1")], publish=[job()] if chance.random() < 0.1 else ()
        )

    async def produce(engine: PostgresEngine) -> None:
        for _ in range(_ROUNDS):
            await _patiently(lambda: engine.broker.publish([job() for _ in range(chance.choice((1, 5)))]))

    async def work(engine: PostgresEngine) -> None:
        for _ in range(_ROUNDS):
            claims = await engine.broker.claim(QUEUES, chance.choice((1, 8)), 600)
            chance.shuffle(claims)
            outcomes = [outcome(claim) for claim in claims]
            await _patiently(lambda: engine.broker.settle(outcomes))  # noqa: B023  the lambda ends with its turn

    async def command(engine: PostgresEngine) -> None:
        for _ in range(_ROUNDS // 2):
            some = Filter(ids=chance.sample(known, min(3, len(known))))
            await _patiently(lambda: engine.inspector.cancel(some))  # noqa: B023
            await _patiently(lambda: engine.inspector.delete(some))  # noqa: B023
            assert await _link(engine).fetch(_WRONG) == []

    await engines[0].broker.publish([job()])
    await asyncio.gather(*(verb(engine) for engine in engines for verb in (produce, work, work)), command(engines[0]))
    assert await _link(engines[0]).fetch(_WRONG) == []
    while claims := await engines[0].broker.claim(QUEUES, 100, 600):
        await engines[0].broker.settle([Cancelled(it) if it.cancel else Succeeded(it) for it in claims])
    assert await _link(engines[0]).fetch("select id, state, lane from workhorse.jobs where state < 2") == []
