"""Chapter: crash. A worker that vanishes between any two verbs costs one lease and one crash, and undoes nothing that was done."""

import pytest

from workhorse.engine import Broker, Inspector, Lane, Put, Retried, Store, Succeeded, Unique
from workhorse.testing.conformance.chapter import needs
from workhorse.testing.conformance.deaf import Deaf, unanswered
from workhorse.testing.conformance.words import LEASE, QUEUE, claim, claim_one, ids, job, only, publish, value

KEY = "mail/send:ada"


class Vanished(Deaf):
    """Its last verb was done, and it did not live to hear the answer."""

    async def test_a_job_whose_publisher_vanished_is_there(self, broker: Broker, deaf: Broker) -> None:
        await unanswered(deaf.publish([job("a")]))
        assert await ids(broker) == ["a"]

    async def test_a_claim_that_nobody_heard_of_is_held_until_its_lease_ends(
        self, broker: Broker, deaf: Broker
    ) -> None:
        await publish(broker, job("a"))
        await _claimed_unheard(deaf)
        await self.pass_time(LEASE - 5)
        assert await ids(broker) == []
        await self.pass_time(6)
        assert await ids(broker) == ["a"]

    @needs("counts_crashes")
    async def test_a_claim_that_nobody_heard_of_is_one_crash_and_no_attempt(self, broker: Broker, deaf: Broker) -> None:
        await publish(broker, job("a"))
        await _claimed_unheard(deaf)
        await self.pass_time(LEASE + 1)
        again = await claim_one(broker)
        assert (again.crashes, again.job.attempt) == (1, 1)

    async def test_who_claims_again_after_a_lost_answer_gets_what_is_left(self, broker: Broker, deaf: Broker) -> None:
        await publish(broker, *(job(f"{n}") for n in range(5)))
        await _claimed_unheard(deaf, limit=2)
        left = await claim(broker)
        assert len(left) == 3
        await self.pass_time(LEASE - 5)
        assert await broker.extend(left, LEASE) == ["kept"] * 3
        await self.pass_time(6)
        lost = await ids(broker)
        assert sorted([*lost, *(each.job.id for each in left)]) == [f"{n}" for n in range(5)]

    @needs("lanes")
    async def test_a_claim_that_nobody_heard_of_keeps_its_slot(self, broker: Broker, deaf: Broker) -> None:
        await publish(broker, job("a", lane=Lane(KEY)))
        await _claimed_unheard(deaf)
        await publish(broker, job("b", lane=Lane(KEY)))
        assert await ids(broker) == []
        await self.pass_time(LEASE + 1)
        assert await ids(broker) == ["a"]

    @needs("unique")
    @pytest.mark.parametrize(("until", "kind"), [("claimed", "accepted"), ("settled", "duplicate")])
    async def test_a_claim_that_nobody_heard_of_frees_a_key_as_any_other_claim(
        self, broker: Broker, deaf: Broker, until: str, kind: str
    ) -> None:
        unique = Unique(KEY, until="claimed" if until == "claimed" else "settled")
        await publish(broker, job("a", unique=unique))
        await _claimed_unheard(deaf)
        (answer,) = await broker.publish([job("b", unique=unique)])
        assert answer.kind == kind

    async def test_who_vanishes_after_an_extend_holds_its_jobs_for_that_lease(
        self, broker: Broker, deaf: Broker
    ) -> None:
        await publish(broker, job("a"))
        held = await claim_one(broker)
        await self.pass_time(LEASE - 10)
        await unanswered(deaf.extend([held], LEASE))
        await self.pass_time(LEASE - 5)
        assert await ids(broker) == []
        await self.pass_time(6)
        assert await ids(broker) == ["a"]

    async def test_who_vanishes_after_its_settle_leaves_nothing_to_do(self, broker: Broker, deaf: Broker) -> None:
        await publish(broker, job("a"))
        await unanswered(deaf.settle([Succeeded(await claim_one(broker), publish=[job("next", queue="then")])]))
        assert await ids(broker, "then") == ["next"]
        await self.pass_time(LEASE * 3)
        assert await ids(broker) == []

    @needs("store")
    async def test_what_was_settled_unheard_is_written(self, broker: Broker, store: Store, deaf: Broker) -> None:
        await publish(broker, job("a"))
        await unanswered(deaf.settle([Succeeded(await claim_one(broker), writes=[Put("result/a", b"42")])]))
        assert await value(store, "result/a") == b"42"

    @needs("counts_crashes")
    async def test_who_vanishes_after_a_retry_leaves_the_next_attempt_without_a_crash(
        self, broker: Broker, deaf: Broker
    ) -> None:
        await publish(broker, job("a"))
        await unanswered(deaf.settle([Retried(await claim_one(broker), after=20)]))
        await self.pass_time(21)
        again = await claim_one(broker)
        assert (again.crashes, again.job.attempt) == (0, 2)

    async def test_a_worker_that_vanishes_with_many_claims_loses_none_of_its_jobs(
        self, broker: Broker, deaf: Broker
    ) -> None:
        await publish(broker, *(job(f"{n:03}") for n in range(100)))
        for _ in range(5):
            await _claimed_unheard(deaf, limit=10)
        claims = await claim(broker)
        assert len(claims) == 50
        await broker.settle([Succeeded(each) for each in claims])
        await self.pass_time(LEASE + 1)
        rest = await ids(broker)
        assert sorted([*rest, *(each.job.id for each in claims)]) == [f"{n:03}" for n in range(100)]

    @needs("inspectable")
    async def test_a_cancel_reaches_a_job_whose_claim_nobody_heard_of(
        self, broker: Broker, inspector: Inspector, deaf: Broker
    ) -> None:
        await publish(broker, job("a"))
        await _claimed_unheard(deaf)
        await inspector.cancel(only("a"))
        await self.pass_time(LEASE + 1)
        assert (await claim_one(broker)).cancel


async def _claimed_unheard(deaf: Broker, limit: int = 100) -> None:
    await unanswered(deaf.claim([QUEUE], limit, LEASE))
