"""Chapter: unique keys. At most one job of a key, for as long as it says; the caller learns which job stands."""

import asyncio

import pytest

from workhorse.engine import Broker, Cancelled, Dead, Inspector, Lane, Outcome, Retried, Succeeded, Unique
from workhorse.testing.conformance.chapter import Chapter, needs
from workhorse.testing.conformance.words import A_YEAR, LEASE, claim, claim_one, ids, job, only, publish, settle

KEY = "report/ada"
UNTIL_CLAIMED = Unique(KEY, until="claimed")
UNTIL_SETTLED = Unique(KEY)
UNTIL_DROPPED = Unique(KEY, until="kept")


async def _second(broker: Broker, unique: Unique) -> str:
    """What becomes of another job with this key."""
    (answer,) = await broker.publish([job(unique=unique)])
    return answer.kind


@needs("unique")
class UniqueKeys(Chapter):
    """One job of a key: until it is claimed, settled, or no longer kept."""

    async def test_a_second_job_of_the_key_is_a_duplicate_of_the_first(self, broker: Broker) -> None:
        await publish(broker, job("a", unique=UNTIL_SETTLED))
        (answer,) = await broker.publish([job("b", unique=UNTIL_SETTLED)])
        assert (answer.kind, answer.of) == ("duplicate", "a")
        assert await ids(broker) == ["a"]

    async def test_the_same_id_with_its_own_key_is_accepted(self, broker: Broker) -> None:
        await publish(broker, job("a", unique=UNTIL_SETTLED))
        await publish(broker, job("a", unique=UNTIL_SETTLED))
        assert await ids(broker) == ["a"]

    async def test_a_key_holds_within_one_call(self, broker: Broker) -> None:
        answers = await broker.publish([job("a", unique=UNTIL_SETTLED), job("b", unique=UNTIL_SETTLED)])
        assert [(answer.kind, answer.of) for answer in answers] == [("accepted", ""), ("duplicate", "a")]

    async def test_another_key_is_another_job(self, broker: Broker) -> None:
        await publish(broker, job("a", unique=Unique("report/ada")), job("b", unique=Unique("report/grace")))
        assert await ids(broker) == ["a", "b"]

    async def test_concurrent_publishes_of_a_key_accept_one(self, broker: Broker, other_broker: Broker) -> None:
        found = await asyncio.gather(*(_second(each, UNTIL_SETTLED) for each in (broker, other_broker) * 10))
        assert sorted(found) == ["accepted"] + ["duplicate"] * 19

    async def test_a_duplicate_changes_nothing(self, broker: Broker) -> None:
        await publish(broker, job(payload=b"first", unique=UNTIL_SETTLED))
        await broker.publish([job(payload=b"second", unique=UNTIL_SETTLED)])
        assert (await claim_one(broker)).job.payload == b"first"

    async def test_until_settled_a_running_job_keeps_its_key(self, broker: Broker) -> None:
        await publish(broker, job(unique=UNTIL_SETTLED))
        await claim_one(broker)
        assert await _second(broker, UNTIL_SETTLED) == "duplicate"

    @pytest.mark.parametrize("outcome", [Succeeded, Cancelled, Dead])
    async def test_until_settled_an_end_frees_the_key(self, broker: Broker, outcome: type[Outcome]) -> None:
        await publish(broker, job(unique=UNTIL_SETTLED))
        await settle(broker, outcome(await claim_one(broker)))
        assert await _second(broker, UNTIL_SETTLED) == "accepted"

    async def test_until_claimed_a_claim_frees_the_key(self, broker: Broker) -> None:
        await publish(broker, job(unique=UNTIL_CLAIMED))
        assert await _second(broker, UNTIL_CLAIMED) == "duplicate"
        await claim_one(broker)
        assert await _second(broker, UNTIL_CLAIMED) == "accepted"

    @needs("inspectable")
    async def test_until_kept_the_key_is_held_while_the_job_can_be_shown(
        self, broker: Broker, inspector: Inspector
    ) -> None:
        await publish(broker, job("a", unique=UNTIL_DROPPED))
        await settle(broker, Dead(await claim_one(broker), reason="why"))
        assert await _second(broker, UNTIL_DROPPED) == "duplicate"
        await inspector.delete(only("a"))
        assert await _second(broker, UNTIL_DROPPED) == "accepted"

    @needs("inspectable")
    async def test_deleting_a_waiting_job_frees_its_key(self, broker: Broker, inspector: Inspector) -> None:
        await publish(broker, job("a", unique=UNTIL_SETTLED))
        await inspector.delete(only("a"))
        assert await _second(broker, UNTIL_SETTLED) == "accepted"

    @needs("inspectable")
    async def test_a_cancelled_job_frees_its_key_when_it_ends(self, broker: Broker, inspector: Inspector) -> None:
        await publish(broker, job("a", unique=UNTIL_SETTLED))
        await inspector.cancel(only("a"))
        await settle(broker, Cancelled(await claim_one(broker)))
        assert await _second(broker, UNTIL_SETTLED) == "accepted"

    async def test_the_key_of_a_crashed_workers_job_is_still_held(self, broker: Broker) -> None:
        await publish(broker, job(unique=UNTIL_SETTLED))
        await claim_one(broker)
        await self.pass_time(LEASE + 1)
        assert await _second(broker, UNTIL_SETTLED) == "duplicate"


@needs("unique")
class UniqueFreed(Chapter):
    """A freed key is not taken again by a retry, a lost lease or a dead letter put back."""

    async def test_a_retry_does_not_take_a_freed_key_again(self, broker: Broker) -> None:
        await publish(broker, job("a", unique=UNTIL_CLAIMED))
        await settle(broker, Retried(await claim_one(broker)))
        assert await _second(broker, UNTIL_CLAIMED) == "accepted"
        assert len(await claim(broker)) == 2

    async def test_a_lost_lease_does_not_take_a_freed_key_again(self, broker: Broker) -> None:
        await publish(broker, job("a", unique=UNTIL_CLAIMED))
        await claim_one(broker)
        await self.pass_time(LEASE + 1)
        assert await _second(broker, UNTIL_CLAIMED) == "accepted"
        assert len(await claim(broker)) == 2

    @needs("inspectable")
    async def test_a_dead_letter_put_back_does_not_take_a_freed_key_again(
        self, broker: Broker, inspector: Inspector
    ) -> None:
        await publish(broker, job("a", unique=UNTIL_SETTLED))
        await settle(broker, Dead(await claim_one(broker), reason="why"))
        assert await inspector.retry(only("a")) == 1
        assert await _second(broker, UNTIL_SETTLED) == "accepted"
        assert len(await claim(broker)) == 2

    async def test_an_old_job_does_not_free_the_key_of_a_newer_one(self, broker: Broker) -> None:
        await publish(broker, job("a", unique=UNTIL_CLAIMED))
        old = await claim_one(broker)
        await publish(broker, job("b", unique=UNTIL_CLAIMED))
        await settle(broker, Succeeded(old))
        assert await _second(broker, UNTIL_CLAIMED) == "duplicate"


@needs("unique")
class UniqueWithin(Chapter):
    """`within`: for no less than so many seconds from its acceptance."""

    WITHIN = Unique(KEY, within=60)

    async def test_within_holds_after_the_end(self, broker: Broker) -> None:
        await publish(broker, job(unique=self.WITHIN))
        await settle(broker, Succeeded(await claim_one(broker)))
        await self.pass_time(50)
        assert await _second(broker, self.WITHIN) == "duplicate"

    async def test_within_ends(self, broker: Broker) -> None:
        await publish(broker, job(unique=self.WITHIN))
        await settle(broker, Succeeded(await claim_one(broker)))
        await self.pass_time(61)
        assert await _second(broker, self.WITHIN) == "accepted"

    async def test_within_holds_after_a_claim_that_frees_the_key(self, broker: Broker) -> None:
        unique = Unique(KEY, until="claimed", within=60)
        await publish(broker, job(unique=unique))
        await claim_one(broker, lease=LEASE * 10)
        await self.pass_time(50)
        assert await _second(broker, unique) == "duplicate"
        await self.pass_time(11)
        assert await _second(broker, unique) == "accepted"

    async def test_within_counts_from_the_acceptance(self, broker: Broker) -> None:
        await publish(broker, job(unique=self.WITHIN))
        held = await claim_one(broker, lease=LEASE * 10)
        await self.pass_time(50)
        await settle(broker, Succeeded(held))
        await self.pass_time(11)
        assert await _second(broker, self.WITHIN) == "accepted"

    async def test_within_holds_when_the_job_itself_is_forgotten(self, broker: Broker) -> None:
        forgotten = broker.features.remembers + 60
        if forgotten > A_YEAR:
            pytest.skip(f"not promised: forgetting (this engine remembers an ended job for {forgotten - 60:g} s)")
        unique = Unique(KEY, within=forgotten + 600)
        await publish(broker, job(unique=unique))
        await settle(broker, Succeeded(await claim_one(broker)))
        await self.pass_time(forgotten)
        assert await _second(broker, unique) == "duplicate"
        await self.pass_time(610)
        assert await _second(broker, unique) == "accepted"

    async def test_a_job_that_waits_longer_keeps_its_key(self, broker: Broker) -> None:
        await publish(broker, job(unique=self.WITHIN))
        await self.pass_time(61)
        assert await _second(broker, self.WITHIN) == "duplicate"


@needs("unique")
class UniqueReplace(Chapter):
    """`conflict="replace"`: a waiting one takes the newer payload and due, and stays itself."""

    REPLACE = Unique(KEY, conflict="replace")

    async def test_a_replaced_job_takes_the_new_payload(self, broker: Broker) -> None:
        await publish(broker, job("a", payload=b"old", unique=self.REPLACE))
        (answer,) = await broker.publish([job("b", payload=b"new", unique=self.REPLACE)])
        assert (answer.kind, answer.of) == ("replaced", "a")
        came = (await claim_one(broker)).job
        assert (came.id, came.payload) == ("a", b"new")

    async def test_a_replaced_job_takes_the_new_time(self, broker: Broker) -> None:
        await publish(broker, job("a", unique=self.REPLACE))
        await broker.publish([job("b", unique=self.REPLACE, delay=20)])
        assert await ids(broker) == []
        await self.pass_time(21)
        assert await ids(broker) == ["a"]

    async def test_a_replaced_job_may_be_brought_forward(self, broker: Broker) -> None:
        await publish(broker, job("a", unique=self.REPLACE, delay=60))
        await broker.publish([job("b", unique=self.REPLACE)])
        assert await ids(broker) == ["a"]

    @needs(priorities=2)
    async def test_a_replaced_job_keeps_its_priority(self, broker: Broker) -> None:
        await publish(broker, job("a", unique=self.REPLACE, priority=1))
        await broker.publish([job("b", unique=self.REPLACE, priority=3)])
        assert (await claim_one(broker)).job.priority == 1

    async def test_a_job_that_waits_for_its_retry_may_be_replaced(self, broker: Broker) -> None:
        await publish(broker, job("a", payload=b"old", unique=self.REPLACE))
        await settle(broker, Retried(await claim_one(broker), after=60))
        (answer,) = await broker.publish([job("b", payload=b"new", unique=self.REPLACE)])
        assert (answer.kind, answer.of) == ("replaced", "a")
        came = (await claim_one(broker)).job
        assert (came.id, came.payload, came.attempt) == ("a", b"new", 2)

    @needs("lanes")
    async def test_a_replaced_job_keeps_its_lane_and_its_place_in_it(self, broker: Broker) -> None:
        lane = Lane("mail/send:ada", ordered=True)
        await publish(broker, job("first", lane=lane), job("a", payload=b"old", lane=lane, unique=self.REPLACE))
        (answer,) = await broker.publish([job("b", payload=b"new", unique=self.REPLACE)])
        assert (answer.kind, answer.of) == ("replaced", "a")
        held = await claim_one(broker)
        assert held.job.id == "first"
        await settle(broker, Succeeded(held))
        assert (await claim_one(broker)).job.payload == b"new"

    async def test_a_running_job_is_not_replaced(self, broker: Broker) -> None:
        await publish(broker, job("a", payload=b"old", unique=self.REPLACE))
        held = await claim_one(broker)
        (answer,) = await broker.publish([job("b", payload=b"new", unique=self.REPLACE)])
        assert (answer.kind, answer.of) == ("duplicate", "a")
        await settle(broker, Retried(held))
        assert (await claim_one(broker)).job.payload == b"old"

    async def test_the_same_id_again_replaces_nothing(self, broker: Broker) -> None:
        await publish(broker, job("a", payload=b"old", unique=self.REPLACE))
        await publish(broker, job("a", payload=b"new", unique=self.REPLACE))
        assert (await claim_one(broker)).job.payload == b"old"
