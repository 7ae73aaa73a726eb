"""Chapter: claim. What is due comes, once within a lease, in the order of priorities and with room for every queue."""

import asyncio
from collections import Counter

from workhorse.engine import Broker, Claim, Retried, Succeeded
from workhorse.testing.conformance.chapter import Chapter, needs
from workhorse.testing.conformance.words import LEASE, QUEUE, claim, claim_all, claim_one, ids, job, publish, settle


class Claiming(Chapter):
    """At once, at most `limit`, no job twice within a lease."""

    async def test_nothing_due_is_nothing_at_once(self, broker: Broker) -> None:
        assert await claim(broker) == []

    async def test_a_claim_takes_at_most_the_limit(self, broker: Broker) -> None:
        await publish(broker, *(job() for _ in range(5)))
        assert len(await claim(broker, limit=3)) == 3
        assert len(await claim(broker, limit=3)) == 2

    async def test_a_claim_of_no_job_or_of_no_queue_takes_none(self, broker: Broker) -> None:
        await publish(broker, job("a"))
        assert await broker.claim([QUEUE], 0, LEASE) == []
        assert await broker.claim([], 10, LEASE) == []
        assert await ids(broker) == ["a"]

    async def test_a_queue_that_is_named_twice_brings_no_job_twice(self, broker: Broker) -> None:
        await publish(broker, *(job(f"{n}") for n in range(6)))
        assert await ids(broker, QUEUE, QUEUE) == [f"{n}" for n in range(6)]

    async def test_no_job_comes_twice_within_a_lease(self, broker: Broker) -> None:
        await publish(broker, job("a"))
        await claim_one(broker)
        await self.pass_time(LEASE - 5)
        assert await ids(broker) == []

    async def test_two_workers_never_hold_the_same_job(self, broker: Broker, other_broker: Broker) -> None:
        await publish(broker, *(job(f"{n:03}") for n in range(200)))
        brokers = (broker, other_broker) * 25
        found = await asyncio.gather(*(claim(each, limit=7) for each in brokers))
        assert sorted(_ids(found)) == [f"{n:03}" for n in range(200)]

    async def test_only_the_queues_asked_for_are_served(self, broker: Broker) -> None:
        await publish(broker, job("a", queue="one"), job("b", queue="two"), job("c", queue="three"))
        assert await ids(broker, "one", "three") == ["a", "c"]

    async def test_a_queue_that_never_had_a_job_is_empty(self, broker: Broker) -> None:
        await publish(broker, job("a", queue="one"))
        assert await ids(broker, "nobody") == []

    async def test_the_first_claim_knows_of_no_crashes(self, broker: Broker) -> None:
        await publish(broker, job())
        held = await claim_one(broker)
        assert (held.crashes, held.expired, held.cancel, held.job.attempt) == (0, False, False, 1)

    async def test_each_call_of_claim_has_a_token_of_its_own(self, broker: Broker) -> None:
        await publish(broker, job(), job(), job())
        tokens = {(await claim(broker, limit=1))[0].token for _ in range(3)}
        assert len(tokens) == 3

    async def test_a_job_claimed_again_has_a_new_token(self, broker: Broker) -> None:
        await publish(broker, job())
        first = await claim_one(broker)
        await settle(broker, Retried(first))
        assert (await claim_one(broker)).token != first.token

    async def test_tokens_are_random_and_not_counted(self, broker: Broker, name: str) -> None:
        """Two empty engines that do the same hand out different tokens: a counter would begin anew with a job that is made anew."""
        stranger = self.engine(f"{name}-stranger")
        await stranger.open()
        try:
            assert stranger.broker is not None
            tokens = [await _token_of_first_job(each) for each in (broker, stranger.broker)]
        finally:
            await stranger.close()
        assert tokens[0] != tokens[1]

    @needs(priorities=2)
    async def test_higher_priority_goes_first(self, broker: Broker) -> None:
        await publish(broker, job("low", priority=1), job("high", priority=3))
        assert [(await claim(broker, limit=1))[0].job.id for _ in range(2)] == ["high", "low"]

    @needs(priorities=3)
    async def test_three_levels_are_asked_in_turn(self, broker: Broker) -> None:
        await publish(broker, *(job(f"{level}", priority=level) for level in (2, 1, 3)))
        assert [(await claim(broker, limit=1))[0].job.id for _ in range(3)] == ["3", "2", "1"]

    @needs(priorities=2)
    async def test_a_level_that_does_not_fill_the_limit_leaves_room_for_the_next(self, broker: Broker) -> None:
        await publish(broker, job("high", priority=3), job("low", priority=1))
        assert await ids(broker, limit=2) == ["high", "low"]

    @needs(priorities=2)
    async def test_priority_outranks_the_order_of_queues(self, broker: Broker) -> None:
        await publish(broker, job("a", queue="first", priority=1), job("b", queue="second", priority=3))
        assert await ids(broker, "first", "second", limit=1) == ["b"]

    @needs(priorities=2)
    async def test_what_is_scheduled_above_does_not_hide_what_is_due_below(self, broker: Broker) -> None:
        await publish(broker, *(job(priority=3, delay=60) for _ in range(20)), job("due", priority=1))
        assert await ids(broker, limit=1) == ["due"]

    async def test_within_a_level_the_queues_go_in_their_order(self, broker: Broker) -> None:
        await publish(broker, job("a", queue="first"), job("b", queue="second"))
        assert await ids(broker, "second", "first", limit=1) == ["b"]

    async def test_one_queue_takes_at_most_half_while_another_has_due_jobs(self, broker: Broker) -> None:
        await publish(broker, *(job(queue="first") for _ in range(20)), *(job(queue="second") for _ in range(20)))
        queues = Counter(each.job.queue for each in await claim(broker, "first", "second", limit=8))
        assert queues == {"first": 4, "second": 4}

    async def test_one_queue_takes_all_when_the_others_are_empty(self, broker: Broker) -> None:
        await publish(broker, *(job(queue="first") for _ in range(8)))
        assert len(await claim(broker, "second", "first", limit=8)) == 8

    async def test_what_another_queue_cannot_fill_goes_to_the_rest(self, broker: Broker) -> None:
        await publish(broker, *(job(queue="first") for _ in range(20)), job(queue="second"))
        queues = Counter(each.job.queue for each in await claim_all(broker, "first", "second"))
        assert queues == {"first": 20, "second": 1}

    async def test_two_hundred_queues_are_one_claim(self, broker: Broker) -> None:
        names = [f"queue-{n}" for n in range(200)]
        await publish(broker, *(job(queue=each) for each in names))
        found = Counter(each.job.queue for each in await claim_all(broker, *names))
        assert found == dict.fromkeys(names, 1)

    async def test_a_job_past_its_life_comes_marked_expired(self, broker: Broker) -> None:
        await publish(broker, job(expires=10))
        await self.pass_time(11)
        assert (await claim_one(broker)).expired

    async def test_a_job_within_its_life_is_not_marked(self, broker: Broker) -> None:
        await publish(broker, job(expires=10))
        await self.pass_time(5)
        assert not (await claim_one(broker)).expired

    async def test_a_life_counts_from_the_acceptance_and_not_from_a_retry(self, broker: Broker) -> None:
        await publish(broker, job(expires=10))
        await settle(broker, Retried(await claim_one(broker), after=11))
        await self.pass_time(12)
        assert (await claim_one(broker)).expired

    async def test_a_life_counts_from_the_acceptance_and_not_from_the_due(self, broker: Broker) -> None:
        await publish(broker, job(delay=20, expires=10))
        await self.pass_time(21)
        assert (await claim_one(broker)).expired

    async def test_acceptance_is_the_first_one_also_after_a_retry(self, broker: Broker) -> None:
        await publish(broker, job())
        first = await claim_one(broker)
        await settle(broker, Retried(first, after=20))
        await self.pass_time(21)
        assert (await claim_one(broker)).accepted == first.accepted

    async def test_an_ended_job_never_comes_again(self, broker: Broker) -> None:
        await publish(broker, job())
        await settle(broker, Succeeded(await claim_one(broker)))
        await self.pass_time(LEASE * 3)
        assert await ids(broker) == []


def _ids(found: list[list[Claim]]) -> list[str]:
    return [each.job.id for claims in found for each in claims]


async def _token_of_first_job(broker: Broker) -> str:
    await publish(broker, job("a"))
    return (await claim_one(broker)).token
