"""Chapter: settle with writes and jobs. What goes with an outcome is done in one piece with it, or not at all."""

import pytest

from workhorse.engine import ABSENT, Broker, Cancelled, Dead, Lane, Put, Released, Retried, Store, Succeeded, Unique
from workhorse.testing.conformance.chapter import Chapter, needs
from workhorse.testing.conformance.words import (
    LEASE,
    claim,
    claim_one,
    ids,
    job,
    publish,
    put,
    refused,
    settle,
    too_large,
    value,
)

KEY = "mail/send:ada"


class SettleTogether(Chapter):
    """What goes with an outcome: facts and follow-up jobs, in one piece with it."""

    @needs("store")
    async def test_facts_are_written_with_the_outcome(self, broker: Broker, store: Store) -> None:
        await publish(broker, job())
        await settle(broker, Succeeded(await claim_one(broker), writes=[Put("result/a", b"42"), Put("mark", b"7")]))
        assert (await value(store, "result/a"), await value(store, "mark")) == (b"42", b"7")

    async def test_follow_ups_are_published_with_the_outcome(self, broker: Broker) -> None:
        await publish(broker, job("a"))
        await settle(broker, Succeeded(await claim_one(broker), publish=[job("a~1~0"), job("a~1~1")]))
        assert await ids(broker) == ["a~1~0", "a~1~1"]

    @pytest.mark.parametrize("outcome", [Succeeded, Cancelled, Dead, Retried, Released])
    async def test_each_kind_of_outcome_publishes(self, broker: Broker, outcome: type[Succeeded]) -> None:
        await publish(broker, job("a"))
        await settle(broker, outcome(await claim_one(broker), publish=[job("next", queue="then")]))
        assert await ids(broker, "then") == ["next"]

    @needs("store")
    @pytest.mark.parametrize("outcome", [Succeeded, Cancelled, Dead, Retried, Released])
    async def test_each_kind_of_outcome_writes(self, broker: Broker, store: Store, outcome: type[Succeeded]) -> None:
        await publish(broker, job("a"))
        await settle(broker, outcome(await claim_one(broker), writes=[Put("fact", b"1")]))
        assert await value(store, "fact") == b"1"

    async def test_a_follow_up_waits_for_its_own_delay(self, broker: Broker) -> None:
        await publish(broker, job("a"))
        await settle(broker, Succeeded(await claim_one(broker), publish=[job("later", delay=20)]))
        assert await ids(broker) == []
        await self.pass_time(21)
        assert await ids(broker) == ["later"]

    async def test_a_follow_up_that_is_known_is_not_run_beside_itself(self, broker: Broker) -> None:
        await publish(broker, job("a"))
        held = await claim_one(broker)
        await publish(broker, job("a~1~0"))
        await settle(broker, Succeeded(held, publish=[job("a~1~0")]))
        assert await ids(broker) == ["a~1~0"]

    async def test_a_stale_outcome_publishes_nothing(self, broker: Broker) -> None:
        await publish(broker, job("a"))
        zombie = await claim_one(broker)
        await self.pass_time(LEASE + 1)
        await claim_one(broker)
        assert await refused(broker, Succeeded(zombie, publish=[job("follow-up")])) == ["stale"]
        assert await ids(broker) == []

    @needs("store")
    async def test_a_stale_outcome_writes_nothing(self, broker: Broker, store: Store) -> None:
        await publish(broker, job("a"))
        zombie = await claim_one(broker)
        await self.pass_time(LEASE + 1)
        await claim_one(broker)
        assert await refused(broker, Succeeded(zombie, writes=[Put("result/a", b"late")])) == ["stale"]
        assert await value(store, "result/a") is None

    @needs("store")
    async def test_an_outcome_settled_twice_writes_once(self, broker: Broker, store: Store) -> None:
        await publish(broker, job("a"))
        outcome = Succeeded(await claim_one(broker), writes=[Put("result/a", b"42")])
        await settle(broker, outcome)
        before = await store.get(["result/a"])
        await broker.settle([outcome])
        assert await store.get(["result/a"]) == before

    @needs("store", "transactions")
    async def test_a_conflict_leaves_the_whole_outcome_undone(self, broker: Broker, store: Store) -> None:
        await put(store, "journal/1", b"theirs")
        await publish(broker, job("a"))
        held = await claim_one(broker)
        mine = [Put("before", b"1"), Put("journal/1", b"mine", ABSENT), Put("after", b"1")]
        assert await refused(broker, Succeeded(held, writes=mine, publish=[job("follow-up")])) == ["conflict"]
        assert await store.get(["before", "after"]) == [None, None]
        assert await value(store, "journal/1") == b"theirs"
        assert await ids(broker) == []

    @needs("store", "transactions")
    async def test_after_a_conflict_the_claim_is_still_held(self, broker: Broker, store: Store) -> None:
        await put(store, "journal/1", b"theirs")
        await publish(broker, job("a"))
        held = await claim_one(broker)
        await refused(broker, Succeeded(held, writes=[Put("journal/1", b"mine", ABSENT)]))
        await settle(broker, Retried(held))
        assert (await claim_one(broker)).job.attempt == 2

    @needs("store", "transactions")
    async def test_a_conflict_does_not_touch_the_other_outcomes(self, broker: Broker, store: Store) -> None:
        await put(store, "taken")
        await publish(broker, job("a"), job("b"))
        one, two = await claim(broker)
        lost = Succeeded(one, writes=[Put("taken", b"2", ABSENT)])
        assert await broker.settle([lost, Succeeded(two, writes=[Put("free", b"2", ABSENT)])]) == [(lost, "conflict")]
        assert await value(store, "free") == b"2"

    @needs("store", "transactions")
    async def test_of_two_outcomes_with_one_fact_one_conflicts(self, broker: Broker, store: Store) -> None:
        await publish(broker, job("a"), job("b"))
        rivals = [Succeeded(each, writes=[Put("first", each.job.id.encode(), ABSENT)]) for each in await claim(broker)]
        assert await refused(broker, *rivals) == ["conflict"]
        assert await value(store, "first") in (b"a", b"b")

    @needs("store", "transactions", "lanes")
    async def test_a_conflict_admits_nobody_to_the_lane(self, broker: Broker, store: Store) -> None:
        await put(store, "taken")
        await publish(broker, job("a", lane=Lane(KEY)))
        held = await claim_one(broker)
        await publish(broker, job("b", lane=Lane(KEY)))
        assert await refused(broker, Succeeded(held, writes=[Put("taken", b"2", ABSENT)])) == ["conflict"]
        assert await ids(broker) == []

    @needs("store", "transactions", "unique")
    async def test_a_conflict_frees_no_key(self, broker: Broker, store: Store) -> None:
        await put(store, "taken")
        await publish(broker, job("a", unique=Unique(KEY)))
        held = await claim_one(broker)
        assert await refused(broker, Succeeded(held, writes=[Put("taken", b"2", ABSENT)])) == ["conflict"]
        (answer,) = await broker.publish([job("b", unique=Unique(KEY))])
        assert (answer.kind, answer.of) == ("duplicate", "a")

    @needs("unique")
    async def test_a_follow_up_whose_key_is_taken_is_no_reason_to_refuse(self, broker: Broker) -> None:
        await publish(broker, job("a"))
        held = await claim_one(broker)
        await publish(broker, job("standing", unique=Unique(KEY)))
        await settle(broker, Succeeded(held, publish=[job("a~1~0", unique=Unique(KEY)), job("a~1~1")]))
        assert await ids(broker) == ["a~1~1", "standing"]

    @needs("store", "transactions")
    async def test_a_version_that_is_expected_and_there_is_no_conflict(self, broker: Broker, store: Store) -> None:
        version = await put(store, "mark", b"1")
        await publish(broker, job())
        await settle(broker, Succeeded(await claim_one(broker), writes=[Put("mark", b"2", version)]))
        assert await value(store, "mark") == b"2"

    @needs("transactions")
    async def test_a_refused_follow_up_leaves_the_whole_outcome_undone(self, broker: Broker) -> None:
        await publish(broker, job("a"))
        held = await claim_one(broker)
        await refused(broker, Succeeded(held, publish=[job("fits"), too_large(broker)]))
        assert await ids(broker) == []
        await settle(broker, Retried(held))
        assert await ids(broker) == ["a"]

    @needs("store")
    async def test_a_fact_may_have_a_life(self, broker: Broker, store: Store) -> None:
        await publish(broker, job())
        await settle(broker, Succeeded(await claim_one(broker), writes=[Put("result/a", b"42", ttl=20)]))
        assert await value(store, "result/a") == b"42"
        await self.pass_time(21)
        assert await value(store, "result/a") is None
