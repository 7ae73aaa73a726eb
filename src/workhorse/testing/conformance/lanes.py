"""Chapter: lanes. At most so many of one key hold a slot; who has none is parked and costs a claim nothing."""

import asyncio

import pytest

from workhorse.engine import Broker, Cancelled, Claim, Dead, Inspector, Lane, Outcome, Released, Retried, Succeeded
from workhorse.testing.conformance.chapter import Chapter, needs
from workhorse.testing.conformance.words import (
    LEASE,
    claim,
    claim_all,
    claim_one,
    ids,
    job,
    publish,
    run_through,
    settle,
)

KEY = "mail/send:ada"
ONE = Lane(KEY)


@needs("lanes")
class LaneWidth(Chapter):
    """The slot belongs to the job: a worker's death does not lose it, and width is never exceeded."""

    async def test_at_most_the_width_is_claimed(self, broker: Broker) -> None:
        await publish(broker, *(job(lane=Lane(KEY, width=2)) for _ in range(5)))
        assert len(await claim_all(broker)) == 2

    async def test_an_end_admits_the_next(self, broker: Broker) -> None:
        await publish(broker, job("a", lane=ONE), job("b", lane=ONE))
        first = await claim_one(broker)
        await settle(broker, Succeeded(first))
        assert (await claim_one(broker)).job.id != first.job.id

    @pytest.mark.parametrize("outcome", [Succeeded, Cancelled, Dead])
    async def test_every_kind_of_end_frees_the_slot(self, broker: Broker, outcome: type[Outcome]) -> None:
        await publish(broker, job("a", lane=ONE))
        held = await claim_one(broker)
        await publish(broker, job("b", lane=ONE))
        await settle(broker, outcome(held))
        assert await ids(broker) == ["b"]

    @pytest.mark.parametrize("outcome", [Retried, Released])
    async def test_who_is_put_off_gives_the_slot_back(
        self, broker: Broker, outcome: type[Retried] | type[Released]
    ) -> None:
        await publish(broker, job("a", lane=ONE))
        held = await claim_one(broker)
        await publish(broker, job("b", lane=ONE))
        await settle(broker, outcome(held, after=20))
        assert await ids(broker) == ["b"]

    async def test_who_was_put_off_asks_again_when_due(self, broker: Broker) -> None:
        await publish(broker, job("a", lane=ONE))
        held = await claim_one(broker)
        await publish(broker, job("b", lane=ONE))
        await settle(broker, Retried(held, after=20))
        second = await claim_one(broker, lease=LEASE * 10)
        await self.pass_time(21)
        assert await ids(broker) == []
        await settle(broker, Succeeded(second))
        assert await ids(broker) == ["a"]

    async def test_a_dead_workers_job_keeps_its_slot(self, broker: Broker) -> None:
        await publish(broker, job("a", lane=ONE))
        await claim_one(broker)
        await publish(broker, job("b", lane=ONE))
        await self.pass_time(LEASE + 1)
        assert await ids(broker) == ["a"]

    async def test_a_stale_settle_frees_no_slot(self, broker: Broker) -> None:
        await publish(broker, job("a", lane=ONE))
        zombie = await claim_one(broker)
        await publish(broker, job("b", lane=ONE))
        await self.pass_time(LEASE + 1)
        await claim_one(broker)
        await broker.settle([Succeeded(zombie)])
        assert await ids(broker) == []

    async def test_a_delayed_job_takes_no_slot_before_it_is_due(self, broker: Broker) -> None:
        await publish(broker, job("later", lane=ONE, delay=60))
        await publish(broker, job("now", lane=ONE))
        assert await ids(broker) == ["now"]

    async def test_a_delayed_job_that_comes_due_finds_the_slot_taken(self, broker: Broker) -> None:
        await publish(broker, job("later", lane=ONE, delay=20))
        await publish(broker, job("now", lane=ONE))
        held = await claim_one(broker, lease=LEASE * 10)
        await self.pass_time(21)
        assert await ids(broker) == []
        await settle(broker, Succeeded(held))
        assert await ids(broker) == ["later"]

    async def test_who_comes_due_stands_behind_those_who_are_parked(self, broker: Broker) -> None:
        await publish(broker, job("held", lane=ONE))
        held = await claim_one(broker, lease=LEASE * 10)
        await publish(broker, job("parked", lane=ONE))
        await publish(broker, job("newer", lane=ONE, delay=20))
        await self.pass_time(21)
        await settle(broker, Succeeded(held))
        assert await ids(broker) == ["parked"]

    async def test_a_parked_job_grows_old_too(self, broker: Broker) -> None:
        await publish(broker, job("a", lane=ONE), job("b", lane=ONE, expires=10))
        held = await claim_one(broker, lease=LEASE * 10)
        await self.pass_time(11)
        await settle(broker, Succeeded(held))
        found = await claim_one(broker)
        assert (found.job.id, found.expired) == ("b", held.job.id == "a")

    async def test_the_numbers_published_last_hold(self, broker: Broker) -> None:
        await publish(broker, job("a", lane=ONE), job("b", lane=ONE))
        await publish(broker, job("c", lane=Lane(KEY, width=2)))
        assert len(await claim_all(broker)) == 2

    async def test_a_narrower_width_holds_for_what_comes_next(self, broker: Broker) -> None:
        await publish(broker, *(job(lane=Lane(KEY, width=2)) for _ in range(2)))
        first, second = await claim_all(broker)
        await publish(broker, job("c", lane=ONE), job("d", lane=ONE))
        await settle(broker, Succeeded(first))
        assert await ids(broker) == []
        await settle(broker, Succeeded(second))
        assert len(await claim_all(broker)) == 1

    async def test_a_job_published_dead_takes_no_slot(self, broker: Broker) -> None:
        await publish(broker, job("a", lane=ONE, dead="it failed elsewhere"), job("b", lane=ONE))
        assert await ids(broker) == ["b"]

    async def test_a_follow_up_may_go_into_the_lane_of_its_parent(self, broker: Broker) -> None:
        await publish(broker, job("a", lane=ONE))
        await settle(broker, Succeeded(await claim_one(broker), publish=[job("a~1~0", lane=ONE)]))
        assert await ids(broker) == ["a~1~0"]

    async def test_the_width_holds_among_many_workers(self, broker: Broker, other_broker: Broker) -> None:
        await publish(broker, *(job(lane=Lane(KEY, width=3)) for _ in range(40)))
        done = 0
        while held := await _claim_at_once(broker, other_broker):
            assert len(held) <= 3
            await asyncio.gather(*(broker.settle([Succeeded(each)]) for each in held))
            done += len(held)
        assert done == 40


@needs("lanes")
class LaneFairness(Chapter):
    """What is parked hides nobody; who waited longest goes first."""

    async def test_a_thousand_parked_jobs_do_not_hide_another_key(self, broker: Broker) -> None:
        await publish(broker, *(job(lane=ONE) for _ in range(1000)))
        await publish(broker, job("other", lane=Lane("mail/send:grace")), job("free"))
        found = await ids(broker, limit=3)
        assert "other" in found
        assert "free" in found

    async def test_many_keys_are_served_side_by_side(self, broker: Broker) -> None:
        await publish(broker, *(job(lane=Lane(f"mail/send:{n % 20}")) for n in range(100)))
        keys = [each.job.lane.key for each in await claim_all(broker) if each.job.lane]
        assert sorted(keys) == sorted(f"mail/send:{n}" for n in range(20))

    async def test_the_one_accepted_first_is_admitted_first(self, broker: Broker) -> None:
        await publish(broker, job("held", lane=ONE))
        held = await claim_one(broker)
        for each in ("first", "second", "third"):
            await publish(broker, job(each, lane=ONE))
        assert await run_through(broker, held) == ["first", "second", "third"]

    @needs(priorities=2)
    async def test_a_higher_priority_is_admitted_first(self, broker: Broker) -> None:
        await publish(broker, job("held", lane=ONE))
        held = await claim_one(broker)
        await publish(broker, job("low", lane=ONE, priority=1), job("high", lane=ONE, priority=3))
        assert await run_through(broker, held) == ["high", "low"]

    @needs("inspectable")
    async def test_what_has_no_slot_is_shown_as_parked_and_says_why(self, broker: Broker, inspector: Inspector) -> None:
        await publish(broker, job("a", lane=ONE))
        await claim_one(broker)
        await publish(broker, job("b", lane=ONE))
        row = await inspector.show("b")
        assert row is not None
        assert (row.status, row.due) == ("parked", None)
        assert row.reason


async def _claim_at_once(*brokers: Broker) -> list[Claim]:
    found = await asyncio.gather(*(claim(each, limit=2) for each in brokers * 4))
    return [each for claims in found for each in claims]
