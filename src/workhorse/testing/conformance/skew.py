"""Chapter: skew. A worker whose own clock is an hour off, either way, changes nothing: every time is the engine's."""

import time
from collections.abc import Generator
from contextlib import contextmanager

import pytest

from workhorse.engine import (
    ABSENT,
    Broker,
    Inspector,
    Lane,
    Put,
    Released,
    Retried,
    Statements,
    Store,
    Succeeded,
    Unique,
)
from workhorse.testing.conformance.chapter import Chapter, needs
from workhorse.testing.conformance.words import (
    LEASE,
    QUEUE,
    begun,
    claim,
    claim_all,
    claim_one,
    ids,
    job,
    promptly,
    publish,
    put,
    settle,
    value,
)

HOUR = 3600.0
off = pytest.mark.parametrize("off", [HOUR, -HOUR], ids=["ahead", "behind"])


@contextmanager
def wall_clock_off(seconds: float) -> Generator[None]:
    """As long as it lasts, this process' wall clock is off by so much; the engine's stands where it stood."""
    real, real_ns = time.time, time.time_ns
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "time", lambda: real() + seconds)
        patch.setattr(time, "time_ns", lambda: real_ns() + int(seconds * 1e9))
        yield


@needs("own_time")
class Skew(Chapter):
    """Each verb is called by a worker that believes in another time than the engine."""

    @off
    async def test_a_delay_counts_by_the_engines_clock(self, broker: Broker, off: float) -> None:
        with wall_clock_off(off):
            await publish(broker, job("a", delay=20))
            assert await ids(broker) == []
        await self.pass_time(15)
        assert await ids(broker) == []
        await self.pass_time(6)
        assert await ids(broker) == ["a"]

    @off
    async def test_a_moment_is_one_of_the_engines_clock(self, broker: Broker, off: float) -> None:
        await publish(broker, job("now"))
        now = (await claim_one(broker, lease=LEASE * 10)).accepted
        with wall_clock_off(off):
            await publish(broker, job("a", at=now + 20))
            assert await ids(broker) == []
            await self.pass_time(21)
            assert await ids(broker) == ["a"]

    @off
    async def test_a_due_job_is_due_for_whoever_claims(self, broker: Broker, off: float) -> None:
        await publish(broker, job("due"), job("not yet", delay=HOUR / 2))
        with wall_clock_off(off):
            assert await ids(broker) == ["due"]

    @off
    async def test_a_lease_ends_by_the_engines_clock(self, broker: Broker, off: float) -> None:
        await publish(broker, job("a"))
        with wall_clock_off(off):
            await claim_one(broker)
        await self.pass_time(LEASE - 5)
        assert await ids(broker) == []
        await self.pass_time(6)
        assert await ids(broker) == ["a"]

    @off
    async def test_an_extension_counts_by_the_engines_clock(self, broker: Broker, off: float) -> None:
        await publish(broker, job("a"))
        held = await claim_one(broker)
        await self.pass_time(LEASE - 10)
        with wall_clock_off(off):
            assert await broker.extend([held], LEASE) == ["kept"]
        await self.pass_time(LEASE - 5)
        assert await ids(broker) == []
        await self.pass_time(6)
        assert await ids(broker) == ["a"]

    async def test_two_workers_an_hour_off_either_way_do_not_take_each_others_jobs(
        self, broker: Broker, other_broker: Broker
    ) -> None:
        await publish(broker, *(job(f"{n}") for n in range(4)))
        with wall_clock_off(-HOUR):
            behind = await claim(broker, limit=2)
        with wall_clock_off(HOUR):
            ahead = await claim(other_broker)
            assert await other_broker.extend(ahead, LEASE) == ["kept"] * 2
        assert sorted(each.job.id for each in (*behind, *ahead)) == ["0", "1", "2", "3"]
        with wall_clock_off(-HOUR):
            await settle(broker, *(Succeeded(each) for each in behind))
        await settle(other_broker, *(Succeeded(each) for each in ahead))

    @off
    @pytest.mark.parametrize("outcome", [Retried, Released])
    async def test_what_is_put_off_waits_by_the_engines_clock(
        self, broker: Broker, outcome: type[Retried] | type[Released], off: float
    ) -> None:
        await publish(broker, job("a"))
        with wall_clock_off(off):
            await settle(broker, outcome(await claim_one(broker), after=20))
            assert await ids(broker) == []
        await self.pass_time(21)
        assert await ids(broker) == ["a"]

    @off
    async def test_a_life_ends_by_the_engines_clock(self, broker: Broker, off: float) -> None:
        with wall_clock_off(off):
            await publish(broker, job("short", expires=10), job("long", expires=60))
            await self.pass_time(11)
            assert {each.job.id: each.expired for each in await claim(broker)} == {"short": True, "long": False}

    @off
    async def test_a_job_is_accepted_when_the_engines_clock_says_so(self, broker: Broker, off: float) -> None:
        await publish(broker, job("first"))
        with wall_clock_off(off):
            await publish(broker, job("second"))
            moments = {each.job.id: each.accepted for each in await claim(broker)}
        assert moments["second"] - moments["first"] == pytest.approx(0, abs=60)

    @off
    @needs("counts_crashes")
    async def test_a_worker_that_is_off_is_not_charged_with_crashes(self, broker: Broker, off: float) -> None:
        await publish(broker, job("a"))
        for _ in range(3):
            with wall_clock_off(off):
                await settle(broker, Released(await claim_one(broker)))
        assert (await claim_one(broker)).crashes == 0

    @off
    async def test_a_wait_for_work_ends_when_the_engines_clock_says_so(self, broker: Broker, off: float) -> None:
        with wall_clock_off(off):
            await publish(broker, job("a", delay=5))
            waiting = await begun(broker.wait([QUEUE], 10, HOUR))
            await self.pass_time(5.5)
            await promptly(waiting)
            assert await ids(broker) == ["a"]

    @off
    @needs(remembers=1)
    async def test_an_ended_id_is_remembered_by_the_engines_clock(self, broker: Broker, off: float) -> None:
        await publish(broker, job("a"))
        with wall_clock_off(off):
            await settle(broker, Succeeded(await claim_one(broker)))
        await publish(broker, job("a"))
        assert await ids(broker) == []

    @off
    @needs("lanes")
    async def test_a_rate_is_charged_by_the_engines_clock(self, broker: Broker, off: float) -> None:
        lane = Lane("mail/send:ada", width=None, every=10)
        await publish(broker, job(lane=lane), job(lane=lane))
        with wall_clock_off(off):
            assert len(await claim_all(broker, lease=LEASE * 10)) == 1
        assert await claim_all(broker) == []
        await self.pass_time(10.5)
        assert len(await claim_all(broker)) == 1

    @off
    @needs("unique")
    async def test_a_key_is_held_by_the_engines_clock(self, broker: Broker, off: float) -> None:
        unique = Unique("report/ada", within=60)
        with wall_clock_off(off):
            await publish(broker, job(unique=unique))
            await settle(broker, Succeeded(await claim_one(broker)))
        await self.pass_time(50)
        (early,) = await broker.publish([job(unique=unique)])
        await self.pass_time(11)
        (late,) = await broker.publish([job(unique=unique)])
        assert (early.kind, late.kind) == ("duplicate", "accepted")

    @off
    @needs("inspectable")
    async def test_what_is_shown_is_the_engines_time(self, broker: Broker, inspector: Inspector, off: float) -> None:
        await publish(broker, job("now"))
        now = (await claim_one(broker)).accepted
        with wall_clock_off(off):
            await publish(broker, job("a", delay=20))
            row = await inspector.show("a")
        assert row is not None
        assert row.status == "scheduled"
        assert row.due == pytest.approx(now + 20, abs=10)

    @off
    @needs("statements", "transacts")
    async def test_a_transaction_of_the_callers_is_timed_by_the_engines_clock(
        self, broker: Broker, statements: Statements, name: str, off: float
    ) -> None:
        with wall_clock_off(off):
            texts = statements.statements([job("now"), job("a", delay=HOUR / 2)], [])
            await self.transact(name, texts, commit=True)
        assert await ids(broker) == ["now"]
        await self.pass_time(HOUR / 2 + 60)
        assert "a" in await ids(broker)


@needs("own_time", "store")
class SkewedFacts(Chapter):
    """Facts live by the engine's clock, too."""

    @off
    async def test_a_fact_lives_by_the_engines_clock(self, store: Store, off: float) -> None:
        with wall_clock_off(off):
            await put(store, "a", ttl=20)
            await self.pass_time(15)
            assert await value(store, "a") == b"1"
            await self.pass_time(6)
            assert await value(store, "a") is None

    @off
    async def test_who_is_off_is_told_the_engines_time(self, store: Store, off: float) -> None:
        before = await store.now()
        with wall_clock_off(off):
            assert await store.now() - before == pytest.approx(0, abs=60)

    @off
    async def test_a_fact_that_lives_is_not_absent_for_who_is_off(self, store: Store, off: float) -> None:
        await put(store, "a", ttl=HOUR / 2)
        with wall_clock_off(off):
            assert await store.put([Put("a", b"2", ABSENT)]) == [None]

    @off
    async def test_a_wait_for_a_facts_end_is_by_the_engines_clock(self, store: Store, off: float) -> None:
        with wall_clock_off(off):
            version = await put(store, "a", ttl=5)
            waiting = await begun(store.wait({"a": version}, HOUR))
            await self.pass_time(5.5)
            await promptly(waiting)
            assert await value(store, "a") is None
