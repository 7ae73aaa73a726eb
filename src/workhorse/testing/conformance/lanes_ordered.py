"""Chapter: lanes in order. First accepted, first run; a person's orders keep a lane moving."""

import pytest

from workhorse.engine import Broker, Cancelled, Dead, Inspector, Lane, Released, Retried, Succeeded, Unique
from workhorse.testing.conformance.chapter import Chapter, needs
from workhorse.testing.conformance.words import (
    LEASE,
    claim,
    claim_all,
    claim_one,
    ids,
    job,
    only,
    publish,
    run_through,
    settle,
)

KEY = "mail/send:ada"
ONE = Lane(KEY)
ORDERED = Lane(KEY, ordered=True)


@needs("lanes")
class LaneOrder(Chapter):
    """Ordered: first accepted, first run, whatever happens to the first."""

    async def test_an_ordered_lane_runs_in_the_order_of_acceptance(self, broker: Broker) -> None:
        names = [f"{n:02}" for n in (5, 3, 8, 1, 9)]
        await publish(broker, *(job(each, lane=ORDERED) for each in names[:3]))
        await publish(broker, *(job(each, lane=ORDERED) for each in names[3:]))
        assert await run_through(broker) == names

    @needs(priorities=2)
    async def test_priority_does_not_overtake_in_an_ordered_lane(self, broker: Broker) -> None:
        await publish(broker, job("first", lane=ORDERED, priority=1), job("second", lane=ORDERED, priority=3))
        assert await run_through(broker) == ["first", "second"]

    async def test_a_delayed_first_job_holds_up_the_rest(self, broker: Broker) -> None:
        await publish(broker, job("first", lane=ORDERED, delay=20), job("second", lane=ORDERED))
        assert await ids(broker) == []
        await self.pass_time(21)
        assert await run_through(broker) == ["first", "second"]

    @pytest.mark.parametrize("outcome", [Retried, Released])
    async def test_a_job_that_is_put_off_keeps_its_place(
        self, broker: Broker, outcome: type[Retried] | type[Released]
    ) -> None:
        await publish(broker, job("first", lane=ORDERED), job("second", lane=ORDERED))
        await settle(broker, outcome(await claim_one(broker), after=20))
        assert await ids(broker) == []
        await self.pass_time(21)
        assert await run_through(broker) == ["first", "second"]

    async def test_a_crash_does_not_let_the_next_one_by(self, broker: Broker) -> None:
        await publish(broker, job("first", lane=ORDERED), job("second", lane=ORDERED))
        await claim_one(broker)
        await self.pass_time(LEASE + 1)
        assert await run_through(broker) == ["first", "second"]

    async def test_who_is_admitted_keeps_its_own_time(self, broker: Broker) -> None:
        await publish(broker, job("first", lane=ORDERED), job("second", lane=ORDERED, delay=20))
        await settle(broker, Succeeded(await claim_one(broker)))
        assert await ids(broker) == []
        await self.pass_time(21)
        assert await ids(broker) == ["second"]

    async def test_a_time_that_passed_while_parked_is_not_waited_for_again(self, broker: Broker) -> None:
        await publish(broker, job("first", lane=ORDERED), job("second", lane=ORDERED, delay=10))
        held = await claim_one(broker, lease=LEASE * 10)
        await self.pass_time(11)
        await settle(broker, Succeeded(held))
        assert await ids(broker) == ["second"]

    async def test_a_dead_first_job_makes_way(self, broker: Broker) -> None:
        await publish(broker, job("first", lane=ORDERED), job("second", lane=ORDERED))
        await settle(broker, Dead(await claim_one(broker), reason="why"))
        assert await ids(broker) == ["second"]

    async def test_an_ordered_lane_may_be_wider_than_one(self, broker: Broker) -> None:
        await publish(broker, *(job(f"{n}", lane=Lane(KEY, width=2, ordered=True)) for n in range(4)))
        assert sorted(each.job.id for each in await claim_all(broker)) == ["0", "1"]


@needs("lanes")
class LaneOrders(Chapter):
    """A person's orders, and a unique key's replacement, keep a lane moving."""

    @needs("inspectable")
    async def test_deleting_a_holder_admits_the_next(self, broker: Broker, inspector: Inspector) -> None:
        await publish(broker, job("a", lane=ONE))
        await claim_one(broker)
        await publish(broker, job("b", lane=ONE))
        await inspector.delete(only("a"))
        assert await ids(broker) == ["b"]

    @needs("inspectable")
    async def test_deleting_a_holder_that_nobody_claimed_admits_the_next(
        self, broker: Broker, inspector: Inspector
    ) -> None:
        await publish(broker, job("a", lane=ORDERED, delay=60), job("b", lane=ORDERED))
        await inspector.delete(only("a"))
        assert await ids(broker) == ["b"]

    @needs("inspectable")
    async def test_deleting_a_parked_job_leaves_the_others_in_line(self, broker: Broker, inspector: Inspector) -> None:
        await publish(broker, job("held", lane=ONE))
        held = await claim_one(broker)
        await publish(broker, job("b", lane=ONE), job("c", lane=ONE))
        await inspector.delete(only("b"))
        assert await run_through(broker, held) == ["c"]

    @needs("inspectable")
    async def test_a_dead_letter_put_back_asks_for_a_slot(self, broker: Broker, inspector: Inspector) -> None:
        await publish(broker, job("a", lane=ONE))
        await settle(broker, Dead(await claim_one(broker), reason="why"))
        await publish(broker, job("b", lane=ONE))
        held = await claim_one(broker)
        await inspector.retry(only("a"))
        assert await ids(broker) == []
        assert await run_through(broker, held) == ["a"]

    @needs("inspectable")
    async def test_a_parked_job_that_is_cancelled_needs_no_slot(self, broker: Broker, inspector: Inspector) -> None:
        await publish(broker, job("held", lane=ONE))
        await claim_one(broker)
        await publish(broker, job("parked", lane=ONE))
        await inspector.cancel(only("parked"))
        asked = await claim_one(broker)
        assert (asked.job.id, asked.cancel) == ("parked", True)

    @needs("inspectable")
    async def test_a_parked_job_that_is_cancelled_frees_no_slot(self, broker: Broker, inspector: Inspector) -> None:
        await publish(broker, job("held", lane=ONE))
        held = await claim_one(broker)
        await publish(broker, job("parked", lane=ONE), job("next", lane=ONE))
        await inspector.cancel(only("parked"))
        await settle(broker, Cancelled(await claim_one(broker)))
        assert await ids(broker) == []
        assert await run_through(broker, held) == ["next"]

    @needs("inspectable")
    async def test_cancelling_a_waiting_holder_admits_the_next_when_it_ends(
        self, broker: Broker, inspector: Inspector
    ) -> None:
        await publish(broker, job("a", lane=ORDERED, delay=60), job("b", lane=ORDERED))
        await inspector.cancel(only("a"))
        asked = next(each for each in await claim(broker) if each.job.id == "a")
        await settle(broker, Cancelled(asked))
        assert await ids(broker) == ["b"]

    @needs("unique")
    async def test_in_an_ordered_lane_a_holder_replaced_by_a_delayed_job_keeps_its_place(self, broker: Broker) -> None:
        key = Unique("digest/ada", conflict="replace")
        await publish(broker, job("a", lane=ORDERED, unique=key), job("b", lane=ORDERED))
        await broker.publish([job("c", lane=ORDERED, unique=key, delay=20)])
        assert await ids(broker) == []
        await self.pass_time(21)
        assert await run_through(broker) == ["a", "b"]

    @needs("unique")
    async def test_a_holder_replaced_by_a_delayed_job_gives_its_slot_back(self, broker: Broker) -> None:
        key = Unique("digest/ada", conflict="replace")
        await publish(broker, job("a", lane=ONE, unique=key), job("b", lane=ONE))
        await broker.publish([job("c", lane=ONE, unique=key, delay=60)])
        assert await ids(broker) == ["b"]
