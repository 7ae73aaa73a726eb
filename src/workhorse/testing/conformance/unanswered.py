"""Chapter: unanswered. Whoever lost an answer calls again: what was done is not done a second time, and the caller learns as much."""

import pytest

from workhorse.engine import (
    ABSENT,
    Broker,
    Cancelled,
    Dead,
    Inspector,
    Lane,
    Outcome,
    Put,
    Released,
    Retried,
    Store,
    Succeeded,
    Unique,
)
from workhorse.testing.conformance.chapter import needs
from workhorse.testing.conformance.deaf import Deaf, unanswered
from workhorse.testing.conformance.words import (
    LEASE,
    QUEUE,
    claim,
    claim_all,
    claim_one,
    ids,
    job,
    only,
    publish,
    put,
    refused,
    run_through,
    settle,
    value,
)

KEY = "mail/send:ada"
DONE: tuple[list[str], list[str]] = ([], ["stale"])
"""What may be said of an outcome that is settled again: nothing, or that it is not ours any more."""


class UnansweredPublish(Deaf):
    """The same jobs again are accepted, and each runs once."""

    async def test_a_job_published_again_for_want_of_an_answer_runs_once(self, broker: Broker, deaf: Broker) -> None:
        await unanswered(deaf.publish([job("a")]))
        await publish(broker, job("a"))
        assert await ids(broker) == ["a"]

    async def test_of_a_batch_published_again_each_job_runs_once(self, broker: Broker, deaf: Broker) -> None:
        await unanswered(deaf.publish([job("a"), job("b")]))
        await publish(broker, job("a"), job("c"), job("b"))
        assert await ids(broker) == ["a", "b", "c"]

    async def test_a_job_that_is_held_by_then_is_accepted_and_not_run_beside_itself(
        self, broker: Broker, deaf: Broker
    ) -> None:
        await unanswered(deaf.publish([job("a")]))
        held = await claim_one(broker)
        await publish(broker, job("a"))
        assert await ids(broker) == []
        await settle(broker, Succeeded(held))

    @needs(remembers=1)
    async def test_a_job_that_has_ended_by_then_is_accepted_and_not_run_again(
        self, broker: Broker, deaf: Broker
    ) -> None:
        await unanswered(deaf.publish([job("a")]))
        await settle(broker, Succeeded(await claim_one(broker)))
        await publish(broker, job("a"))
        assert await ids(broker) == []

    async def test_a_delay_counts_from_the_publish_that_was_not_answered(self, broker: Broker, deaf: Broker) -> None:
        await unanswered(deaf.publish([job("a", delay=20)]))
        await self.pass_time(15)
        await publish(broker, job("a", delay=20))
        await self.pass_time(6)
        assert await ids(broker) == ["a"]

    @needs("unique")
    async def test_a_job_published_again_is_no_duplicate_of_itself(self, broker: Broker, deaf: Broker) -> None:
        await unanswered(deaf.publish([job("a", unique=Unique(KEY))]))
        await publish(broker, job("a", unique=Unique(KEY)))
        assert await ids(broker) == ["a"]

    @needs("unique")
    async def test_a_replacement_published_again_replaces_the_same_job(self, broker: Broker, deaf: Broker) -> None:
        unique = Unique(KEY, conflict="replace")
        await publish(broker, job("a", payload=b"old", unique=unique))
        newer = job("b", payload=b"new", unique=unique)
        await unanswered(deaf.publish([newer]))
        (answer,) = await broker.publish([newer])
        assert (answer.kind, answer.of) == ("replaced", "a")
        came = (await claim_one(broker)).job
        assert (came.id, came.payload) == ("a", b"new")

    @needs("lanes")
    async def test_a_job_published_again_has_one_place_in_its_lane(self, broker: Broker, deaf: Broker) -> None:
        lane = Lane(KEY, ordered=True)
        await unanswered(deaf.publish([job("first", lane=lane)]))
        await publish(broker, job("second", lane=lane))
        await publish(broker, job("first", lane=lane))
        assert await run_through(broker) == ["first", "second"]

    async def test_an_event_published_again_is_copied_once(self, broker: Broker, deaf: Broker) -> None:
        await unanswered(deaf.bind("order.*", QUEUE))
        await broker.bind("order.*", QUEUE)
        await unanswered(deaf.publish([job("e", topic="order.paid")]))
        await publish(broker, job("e", topic="order.paid"))
        assert await ids(broker) == ["e@mail"]


class UnansweredSettle(Deaf):
    """The same outcome again is done once, whatever goes with it; at most it is called stale."""

    @pytest.mark.parametrize("outcome", [Succeeded, Cancelled, Dead, Retried, Released])
    async def test_an_outcome_settled_again_publishes_once(
        self, broker: Broker, deaf: Broker, outcome: type[Succeeded]
    ) -> None:
        await publish(broker, job("a"))
        settled = outcome(await claim_one(broker), publish=[job("next", queue="then")])
        await unanswered(deaf.settle([settled]))
        await settle(broker, Succeeded(await claim_one(broker, "then")))
        assert await refused(broker, settled) in DONE
        if broker.features.remembers:
            assert await ids(broker, "then") == []

    @needs("store")
    @pytest.mark.parametrize("outcome", [Succeeded, Cancelled, Dead, Retried, Released])
    async def test_an_outcome_settled_again_does_not_write_over_what_came_after(
        self, broker: Broker, store: Store, deaf: Broker, outcome: type[Succeeded]
    ) -> None:
        await publish(broker, job("a"))
        settled = outcome(await claim_one(broker), writes=[Put("mark", b"1")])
        await unanswered(deaf.settle([settled]))
        await put(store, "mark", b"2")
        assert await refused(broker, settled) in DONE
        assert await value(store, "mark") == b"2"

    @needs("store", "transactions")
    async def test_an_outcome_settled_again_is_no_conflict_with_itself(
        self, broker: Broker, store: Store, deaf: Broker
    ) -> None:
        """Whoever is told of a conflict believes that somebody else was first."""
        await publish(broker, job("a"))
        settled = Succeeded(await claim_one(broker), writes=[Put("journal/1", b"mine", ABSENT)])
        await unanswered(deaf.settle([settled]))
        assert await refused(broker, settled) in DONE
        assert await value(store, "journal/1") == b"mine"

    @pytest.mark.parametrize(("outcome", "attempt"), [(Retried, 2), (Released, 1)])
    async def test_an_attempt_settled_again_is_counted_once(
        self, broker: Broker, deaf: Broker, outcome: type[Retried] | type[Released], attempt: int
    ) -> None:
        await publish(broker, job("a"))
        settled = outcome(await claim_one(broker))
        await unanswered(deaf.settle([settled]))
        assert await refused(broker, settled) in DONE
        assert (await claim_one(broker)).job.attempt == attempt

    async def test_a_retry_settled_again_leaves_the_successor_alone(
        self, broker: Broker, other_broker: Broker, deaf: Broker
    ) -> None:
        await publish(broker, job("a"))
        settled = Retried(await claim_one(broker))
        await unanswered(deaf.settle([settled]))
        successor = await claim_one(other_broker)
        assert await refused(broker, settled) == ["stale"]
        assert await other_broker.extend([successor], LEASE) == ["kept"]

    async def test_what_is_new_among_outcomes_settled_again_is_done(self, broker: Broker, deaf: Broker) -> None:
        await publish(broker, *(job(f"{n}") for n in range(4)))
        outcomes: list[Outcome] = [Succeeded(each) for each in await claim(broker)]
        await unanswered(deaf.settle(outcomes[:2]))
        assert set(await refused(broker, *outcomes)) <= {"stale"}
        assert await broker.extend([each.claim for each in outcomes], LEASE) == ["lost"] * 4

    @needs("lanes")
    async def test_an_outcome_settled_again_admits_one(self, broker: Broker, deaf: Broker) -> None:
        await publish(broker, job("a", lane=Lane(KEY)))
        settled = Succeeded(await claim_one(broker))
        await publish(broker, job("b", lane=Lane(KEY)), job("c", lane=Lane(KEY)))
        await unanswered(deaf.settle([settled]))
        assert await refused(broker, settled) in DONE
        assert len(await claim_all(broker)) == 1

    @needs("unique")
    async def test_an_outcome_settled_again_does_not_free_the_key_of_a_newer_job(
        self, broker: Broker, deaf: Broker
    ) -> None:
        await publish(broker, job("a", unique=Unique(KEY)))
        settled = Succeeded(await claim_one(broker))
        await unanswered(deaf.settle([settled]))
        await publish(broker, job("b", unique=Unique(KEY)))
        assert await refused(broker, settled) in DONE
        (answer,) = await broker.publish([job("c", unique=Unique(KEY))])
        assert (answer.kind, answer.of) == ("duplicate", "b")

    @needs("inspectable")
    async def test_an_outcome_settled_again_does_not_end_a_dead_letter_that_was_put_back(
        self, broker: Broker, inspector: Inspector, deaf: Broker
    ) -> None:
        await publish(broker, job("a"))
        settled = Dead(await claim_one(broker), reason="why")
        await unanswered(deaf.settle([settled]))
        assert await inspector.retry(only("a")) == 1
        assert await refused(broker, settled) in DONE
        assert await ids(broker) == ["a"]


class UnansweredExtend(Deaf):
    """The same claims again are kept, from now on."""

    async def test_what_is_extended_again_is_kept_from_then_on(self, broker: Broker, deaf: Broker) -> None:
        await publish(broker, job("a"))
        held = await claim_one(broker)
        await unanswered(deaf.extend([held], LEASE))
        await self.pass_time(LEASE - 10)
        assert await broker.extend([held], LEASE) == ["kept"]
        await self.pass_time(LEASE - 10)
        assert await ids(broker) == []


@needs("store")
class UnansweredFacts(Deaf):
    """A put again is safe, and what stands tells whose it is."""

    async def test_a_put_without_an_expectation_may_be_sent_again(self, store: Store, deaf_store: Store) -> None:
        await unanswered(deaf_store.put([Put("a", b"1"), Put("b", b"2")]))
        assert None not in await store.put([Put("a", b"1"), Put("b", b"2")])
        assert [await value(store, key) for key in ("a", "b")] == [b"1", b"2"]

    async def test_a_put_that_expects_absent_is_refused_when_sent_again_and_stands(
        self, store: Store, deaf_store: Store
    ) -> None:
        await unanswered(deaf_store.put([Put("a", b"mine", ABSENT)]))
        assert await store.put([Put("a", b"mine", ABSENT)]) == [None]
        assert await value(store, "a") == b"mine"

    async def test_a_put_that_expects_a_version_is_refused_when_sent_again_and_stands(
        self, store: Store, deaf_store: Store
    ) -> None:
        version = await put(store, "a", b"theirs")
        await unanswered(deaf_store.put([Put("a", b"mine", version)]))
        assert await store.put([Put("a", b"mine", version)]) == [None]
        assert await value(store, "a") == b"mine"

    async def test_a_delete_sent_again_does_not_delete_what_came_after(self, store: Store, deaf_store: Store) -> None:
        version = await put(store, "a", b"old")
        await unanswered(deaf_store.delete({"a": version}))
        await put(store, "a", b"new")
        assert await store.delete({"a": version}) == [False]
        assert await value(store, "a") == b"new"


@needs("inspectable")
class UnansweredOrders(Deaf):
    """A person who gives the same order again gets what was asked for, once."""

    async def test_a_dead_letter_put_back_again_is_put_back_once(
        self, broker: Broker, inspector: Inspector, deaf_inspector: Inspector
    ) -> None:
        await publish(broker, job("a", dead="why", attempt=3))
        await unanswered(deaf_inspector.retry(only("a")))
        assert await inspector.retry(only("a")) == 0
        assert (await claim_one(broker)).job.attempt == 4

    async def test_a_job_deleted_again_is_gone(
        self, broker: Broker, inspector: Inspector, deaf_inspector: Inspector
    ) -> None:
        await publish(broker, job("a"), job("b"))
        await unanswered(deaf_inspector.delete(only("a")))
        assert await inspector.delete(only("a")) == 0
        assert await ids(broker) == ["b"]

    async def test_a_job_cancelled_again_comes_marked_once(
        self, broker: Broker, inspector: Inspector, deaf_inspector: Inspector
    ) -> None:
        await publish(broker, job("a", delay=60))
        await unanswered(deaf_inspector.cancel(only("a")))
        await inspector.cancel(only("a"))
        assert [(each.job.id, each.cancel) for each in await claim_all(broker)] == [("a", True)]

    async def test_a_pause_that_was_not_answered_holds_and_one_resume_ends_it(
        self, broker: Broker, inspector: Inspector, deaf_inspector: Inspector
    ) -> None:
        await publish(broker, job("a"))
        await unanswered(deaf_inspector.pause(QUEUE))
        await inspector.pause(QUEUE)
        assert await ids(broker) == []
        await unanswered(deaf_inspector.resume(QUEUE))
        assert await ids(broker) == ["a"]
