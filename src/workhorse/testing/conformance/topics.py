"""Chapter: topics. An event becomes one job for each queue that is bound to its topic, and from there is a job like any other."""

import pytest

from workhorse.engine import Broker, Succeeded
from workhorse.testing.conformance.chapter import Chapter, needs
from workhorse.testing.conformance.words import claim, claim_one, ids, job, publish, settle


class Topics(Chapter):
    """`bind`: from now on, a copy `id@queue` to each bound queue."""

    async def test_each_bound_queue_gets_a_copy(self, broker: Broker) -> None:
        await broker.bind("order.paid", "mail")
        await broker.bind("order.paid", "stock")
        await publish(broker, job("e", topic="order.paid"))
        assert await ids(broker, "mail", "stock") == ["e@mail", "e@stock"]

    async def test_a_copy_carries_what_the_event_carried(self, broker: Broker) -> None:
        await broker.bind("order.paid", "mail")
        await publish(broker, job(topic="order.paid", task="on_paid", payload=b"\x00 event", headers={"k": "v"}))
        copy = (await claim_one(broker)).job
        assert (copy.task, copy.payload, dict(copy.headers), copy.queue) == (
            "on_paid",
            b"\x00 event",
            {"k": "v"},
            "mail",
        )

    async def test_an_event_that_nobody_is_bound_to_is_accepted(self, broker: Broker) -> None:
        await publish(broker, job(topic="order.paid"))

    async def test_another_topic_is_not_copied(self, broker: Broker) -> None:
        await broker.bind("order.paid", "mail")
        await publish(broker, job(topic="order.lost"))
        assert await ids(broker) == []

    async def test_a_binding_begins_when_it_is_made(self, broker: Broker) -> None:
        await publish(broker, job(topic="order.paid"))
        await broker.bind("order.paid", "mail")
        assert await ids(broker) == []

    async def test_a_binding_can_be_ended(self, broker: Broker) -> None:
        await broker.bind("order.paid", "mail")
        await broker.bind("order.paid", "mail", False)
        await publish(broker, job(topic="order.paid"))
        assert await ids(broker) == []

    async def test_ending_a_binding_that_never_was_is_fine(self, broker: Broker) -> None:
        await broker.bind("order.paid", "mail", False)

    async def test_ending_one_binding_leaves_the_others(self, broker: Broker) -> None:
        await broker.bind("order.paid", "mail")
        await broker.bind("order.paid", "stock")
        await broker.bind("order.paid", "mail", False)
        await publish(broker, job("e", topic="order.paid"))
        assert await ids(broker, "mail", "stock") == ["e@stock"]

    async def test_what_was_copied_outlives_its_binding(self, broker: Broker) -> None:
        await broker.bind("order.paid", "mail")
        await publish(broker, job("e", topic="order.paid"))
        await broker.bind("order.paid", "mail", False)
        assert await ids(broker) == ["e@mail"]

    @needs(priorities=2)
    async def test_bound_again_with_another_priority_that_one_holds_from_then_on(self, broker: Broker) -> None:
        await broker.bind("order.paid", "mail", priority=1)
        await publish(broker, job("early", topic="order.paid"))
        await broker.bind("order.paid", "mail", priority=3)
        await publish(broker, job("late", topic="order.paid"))
        assert {each.job.id: each.job.priority for each in await claim(broker)} == {"early@mail": 1, "late@mail": 3}

    async def test_bound_twice_is_one_copy(self, broker: Broker) -> None:
        await broker.bind("order.paid", "mail")
        await broker.bind("order.paid", "mail")
        await publish(broker, job("e", topic="order.paid"))
        assert await ids(broker) == ["e@mail"]

    async def test_bound_by_two_patterns_is_one_copy(self, broker: Broker) -> None:
        await broker.bind("order.*", "mail")
        await broker.bind("*.paid", "mail")
        await publish(broker, job("e", topic="order.paid"))
        assert await ids(broker) == ["e@mail"]

    @pytest.mark.parametrize("pattern", ["order.*", "*.paid", "*.*"])
    async def test_a_star_stands_for_one_part(self, broker: Broker, pattern: str) -> None:
        await broker.bind(pattern, "mail")
        await publish(broker, job("e", topic="order.paid"))
        assert await ids(broker) == ["e@mail"]

    @pytest.mark.parametrize("topic", ["order", "order.paid.late", "reorder.paid", "order-paid"])
    async def test_a_star_stands_for_no_more_and_no_less_than_one_part(self, broker: Broker, topic: str) -> None:
        await broker.bind("order.*", "mail")
        await publish(broker, job(topic=topic))
        assert await ids(broker) == []

    @pytest.mark.parametrize(
        ("bound", "topic"), [("a_b.*", "axb.c"), ("a.b", "axb"), ("a+b.*", "aab.c"), ("A.*", "a.c")]
    )
    async def test_every_other_character_stands_for_itself(self, broker: Broker, bound: str, topic: str) -> None:
        await broker.bind(bound, "mail")
        await publish(broker, job(topic=topic))
        assert await ids(broker) == []

    async def test_the_same_event_again_is_not_copied_again(self, broker: Broker) -> None:
        await broker.bind("order.paid", "mail")
        await publish(broker, job("e", topic="order.paid"))
        await publish(broker, job("e", topic="order.paid"))
        assert await ids(broker) == ["e@mail"]

    @needs(priorities=2)
    async def test_a_binding_may_give_its_copies_a_priority(self, broker: Broker) -> None:
        await broker.bind("order.paid", "mail", priority=3)
        await publish(broker, job(topic="order.paid", priority=1))
        assert (await claim_one(broker)).job.priority == 3

    @needs(priorities=2)
    async def test_without_one_the_events_own_priority_holds(self, broker: Broker) -> None:
        await broker.bind("order.paid", "mail")
        await publish(broker, job(topic="order.paid", priority=1))
        assert (await claim_one(broker)).job.priority == 1

    async def test_a_binding_may_give_its_copies_a_life(self, broker: Broker) -> None:
        await broker.bind("order.paid", "mail", expires=10)
        await publish(broker, job(topic="order.paid"))
        await self.pass_time(11)
        assert (await claim_one(broker)).expired

    async def test_a_delayed_event_arrives_delayed(self, broker: Broker) -> None:
        await broker.bind("order.paid", "mail")
        await publish(broker, job("e", topic="order.paid", delay=20))
        assert await ids(broker) == []
        await self.pass_time(21)
        assert await ids(broker) == ["e@mail"]

    async def test_an_outcome_may_publish_an_event(self, broker: Broker) -> None:
        await broker.bind("order.paid", "stock")
        await publish(broker, job("a"))
        await settle(broker, Succeeded(await claim_one(broker), publish=[job("a~1~0", topic="order.paid")]))
        assert await ids(broker, "stock") == ["a~1~0@stock"]

    async def test_a_binding_holds_for_every_worker(self, broker: Broker, other_broker: Broker) -> None:
        await broker.bind("order.paid", "mail")
        await publish(other_broker, job("e", topic="order.paid"))
        assert await ids(broker) == ["e@mail"]

    async def test_a_hundred_queues_are_one_publish(self, broker: Broker) -> None:
        for n in range(100):
            await broker.bind("order.paid", f"queue-{n}")
        await publish(broker, job("e", topic="order.paid"))
        found = await ids(broker, *(f"queue-{n}" for n in range(100)))
        assert found == sorted(f"e@queue-{n}" for n in range(100))
