"""Chapter: settle. Each outcome whole or not at all; a stale claim changes nothing."""

import asyncio

import pytest

from workhorse.engine import (
    Broker,
    Cancelled,
    Dead,
    Inspector,
    Released,
    Retried,
    Succeeded,
)
from workhorse.testing.conformance.chapter import Chapter, needs
from workhorse.testing.conformance.words import (
    LEASE,
    claim,
    claim_one,
    ids,
    job,
    publish,
    refused,
    settle,
    too_large,
)


class Settle(Chapter):
    """The five outcomes, and what is returned when one cannot be."""

    async def test_settling_nothing_returns_nothing(self, broker: Broker) -> None:
        assert await broker.settle([]) == []

    async def test_a_retried_job_comes_back_as_the_next_attempt(self, broker: Broker) -> None:
        await publish(broker, job("a"))
        await settle(broker, Retried(await claim_one(broker)))
        again = await claim_one(broker)
        assert (again.job.id, again.job.attempt) == ("a", 2)

    async def test_a_retry_waits_for_its_time(self, broker: Broker) -> None:
        await publish(broker, job("a"))
        await settle(broker, Retried(await claim_one(broker), after=20))
        assert await ids(broker) == []
        await self.pass_time(21)
        assert await ids(broker) == ["a"]

    async def test_a_released_job_comes_back_as_the_same_attempt(self, broker: Broker) -> None:
        await publish(broker, job("a"))
        await settle(broker, Released(await claim_one(broker)))
        assert (await claim_one(broker)).job.attempt == 1

    async def test_a_released_job_waits_for_its_time(self, broker: Broker) -> None:
        await publish(broker, job("a"))
        await settle(broker, Released(await claim_one(broker), after=20))
        assert await ids(broker) == []
        await self.pass_time(21)
        assert await ids(broker) == ["a"]

    async def test_a_retry_keeps_all_that_the_job_carried(self, broker: Broker) -> None:
        await publish(broker, job("a", payload=b"the bytes", headers={"k": "v"}, priority=3))
        await settle(broker, Retried(await claim_one(broker)))
        again = (await claim_one(broker)).job
        assert (again.payload, dict(again.headers), again.priority) == (b"the bytes", {"k": "v"}, 3)

    async def test_a_dead_job_never_comes_again(self, broker: Broker) -> None:
        await publish(broker, job())
        await settle(broker, Dead(await claim_one(broker), reason="three attempts failed"))
        await self.pass_time(LEASE * 3)
        assert await ids(broker) == []

    @needs("inspectable")
    async def test_a_dead_job_is_kept_with_its_reason(self, broker: Broker, inspector: Inspector) -> None:
        await publish(broker, job("a", payload=b"the bytes"))
        await settle(broker, Dead(await claim_one(broker), reason="three attempts failed"))
        row = await inspector.show("a")
        assert row is not None
        assert (row.status, row.reason, row.job.payload) == ("dead", "three attempts failed", b"the bytes")

    async def test_a_cancelled_job_never_comes_again(self, broker: Broker) -> None:
        await publish(broker, job())
        await settle(broker, Cancelled(await claim_one(broker)))
        await self.pass_time(LEASE * 3)
        assert await ids(broker) == []

    @pytest.mark.parametrize("outcome", [Retried, Released])
    async def test_a_trail_replaces_the_old_one(self, broker: Broker, outcome: type[Retried] | type[Released]) -> None:
        await publish(broker, job(trail=b"old"))
        await settle(broker, outcome(await claim_one(broker), trail=b"new"))
        assert (await claim_one(broker)).job.trail == b"new"

    @pytest.mark.parametrize("outcome", [Retried, Released])
    async def test_without_a_trail_the_old_one_stays(
        self, broker: Broker, outcome: type[Retried] | type[Released]
    ) -> None:
        await publish(broker, job(trail=b"old"))
        await settle(broker, outcome(await claim_one(broker)))
        assert (await claim_one(broker)).job.trail == b"old"

    @needs("inspectable")
    async def test_a_dead_job_keeps_the_trail_it_was_settled_with(self, broker: Broker, inspector: Inspector) -> None:
        await publish(broker, job("a", trail=b"old"))
        await settle(broker, Dead(await claim_one(broker), reason="why", trail=b"the whole story"))
        row = await inspector.show("a")
        assert row is not None
        assert row.job.trail == b"the whole story"

    async def test_many_outcomes_are_one_call(self, broker: Broker) -> None:
        await publish(broker, *(job(f"{n:05}") for n in range(1500)))
        claims = await claim(broker, limit=1500)
        await settle(broker, *(Succeeded(each) for each in claims[:-1]), Retried(claims[-1]))
        assert await ids(broker) == [claims[-1].job.id]

    async def test_concurrent_settles_in_any_order_all_end(self, broker: Broker, other_broker: Broker) -> None:
        await publish(broker, *(job(f"{n:03}") for n in range(100)))
        there = [Retried(each) for each in await claim(broker)]
        await asyncio.gather(*(each.settle(there[::way]) for each in (broker, other_broker) * 4 for way in (1, -1)))
        attempts = [each.job.attempt for each in await claim(broker)]
        assert attempts == [2] * 100

    async def test_a_stale_outcome_is_returned_as_stale(self, broker: Broker) -> None:
        await publish(broker, job())
        zombie = await claim_one(broker)
        await self.pass_time(LEASE + 1)
        await claim_one(broker)
        outcome = Succeeded(zombie)
        assert await broker.settle([outcome]) == [(outcome, "stale")]

    async def test_a_stale_outcome_leaves_the_others_alone(self, broker: Broker) -> None:
        await publish(broker, job("a"))
        zombie = await claim_one(broker)
        await self.pass_time(LEASE + 1)
        await publish(broker, job("b"))
        good = {each.job.id: each for each in await claim(broker)}
        assert await refused(broker, Retried(zombie), Retried(good["b"])) == ["stale"]
        assert await ids(broker) == ["b"]

    async def test_an_outcome_settled_twice_is_done_once(self, broker: Broker) -> None:
        await publish(broker, job("a"))
        outcome = Retried(await claim_one(broker))
        await settle(broker, outcome)
        assert await refused(broker, outcome) in ([], ["stale"])
        assert [each.job.attempt for each in await claim(broker)] == [2]

    async def test_an_outcome_twice_in_one_call_is_done_once(self, broker: Broker) -> None:
        await publish(broker, job("a"))
        outcome = Retried(await claim_one(broker))
        assert await refused(broker, outcome, outcome) in ([], ["stale"])
        assert [each.job.attempt for each in await claim(broker)] == [2]

    @needs("fenced")
    async def test_a_lease_that_ran_out_but_was_not_claimed_again_is_still_good(self, broker: Broker) -> None:
        await publish(broker, job())
        late = await claim_one(broker)
        await self.pass_time(LEASE + 1)
        await settle(broker, Succeeded(late))
        assert await ids(broker) == []

    @needs("inspectable")
    async def test_a_refused_outcome_is_settled_again_as_dead(self, broker: Broker, inspector: Inspector) -> None:
        await publish(broker, job("a"))
        held = await claim_one(broker)
        (reason,) = await refused(broker, Succeeded(held, publish=[too_large(broker)]))
        assert reason not in ("", "stale", "conflict")
        await settle(broker, Dead(held, reason=reason))
        row = await inspector.show("a")
        assert row is not None
        assert (row.status, row.reason) == ("dead", reason)
