"""Chapter: cancel. A job asked to end is told so, wherever it is, and has the last word on how."""

import pytest

from workhorse.engine import Broker, Cancelled, Filter, Inspector, Released, Retried, Succeeded
from workhorse.testing.conformance.chapter import Chapter, needs
from workhorse.testing.conformance.words import LEASE, claim, claim_one, ids, job, only, publish, settle


@needs("inspectable")
class Cancel(Chapter):
    """Marked; due at once if nobody holds it, told by `extend` if somebody does."""

    async def test_a_waiting_job_that_is_cancelled_comes_marked(self, broker: Broker, inspector: Inspector) -> None:
        await publish(broker, job())
        await inspector.cancel(Filter())
        assert (await claim_one(broker)).cancel

    async def test_a_job_that_nobody_asked_to_end_is_not_marked(self, broker: Broker, inspector: Inspector) -> None:
        await publish(broker, job("a"), job("b"))
        await inspector.cancel(only("a"))
        assert {each.job.id: each.cancel for each in await claim(broker)} == {"a": True, "b": False}

    async def test_a_delayed_job_that_is_cancelled_is_due_at_once(self, broker: Broker, inspector: Inspector) -> None:
        await publish(broker, job("a", delay=3 * 86400))
        await inspector.cancel(only("a"))
        assert (await claim_one(broker)).cancel

    async def test_a_retry_that_is_cancelled_is_due_at_once(self, broker: Broker, inspector: Inspector) -> None:
        await publish(broker, job("a"))
        await settle(broker, Retried(await claim_one(broker), after=600))
        await inspector.cancel(only("a"))
        assert (await claim_one(broker)).cancel

    async def test_a_held_job_that_is_cancelled_is_not_claimed_a_second_time(
        self, broker: Broker, inspector: Inspector
    ) -> None:
        await publish(broker, job("a"))
        await claim_one(broker)
        await inspector.cancel(only("a"))
        assert await ids(broker) == []

    async def test_who_holds_a_cancelled_job_is_told_by_extend(self, broker: Broker, inspector: Inspector) -> None:
        await publish(broker, job("a"), job("b"))
        claims = sorted(await claim(broker), key=lambda each: each.job.id)
        await inspector.cancel(only("a"))
        assert await broker.extend(claims, LEASE) == ["cancel", "kept"]

    async def test_who_is_told_still_holds_the_cancelled_job(self, broker: Broker, inspector: Inspector) -> None:
        await publish(broker, job("a"))
        held = await claim_one(broker)
        await inspector.cancel(only("a"))
        await self.pass_time(LEASE - 10)
        assert await broker.extend([held], LEASE) == ["cancel"]
        await self.pass_time(LEASE - 10)
        assert await ids(broker) == []
        await settle(broker, Cancelled(held))

    @pytest.mark.parametrize("outcome", [Retried, Released])
    async def test_a_cancelled_job_that_is_put_off_is_due_at_once_and_marked(
        self, broker: Broker, inspector: Inspector, outcome: type[Retried] | type[Released]
    ) -> None:
        await publish(broker, job("a"))
        held = await claim_one(broker)
        await inspector.cancel(only("a"))
        await settle(broker, outcome(held, after=600))
        assert (await claim_one(broker)).cancel

    async def test_a_success_of_a_cancelled_job_still_counts(self, broker: Broker, inspector: Inspector) -> None:
        await publish(broker, job("a"))
        held = await claim_one(broker)
        await inspector.cancel(only("a"))
        await settle(broker, Succeeded(held))
        assert await ids(broker) == []

    async def test_the_mark_of_a_cancel_outlives_the_worker_that_was_told(
        self, broker: Broker, inspector: Inspector
    ) -> None:
        await publish(broker, job("a"))
        await claim_one(broker)
        await inspector.cancel(only("a"))
        await self.pass_time(LEASE + 1)
        assert (await claim_one(broker)).cancel

    async def test_an_ended_job_is_not_asked_to_cancel(self, broker: Broker, inspector: Inspector) -> None:
        await publish(broker, job("a", dead="it failed elsewhere"), job("b"))
        await settle(broker, Succeeded(await claim_one(broker)))
        assert await inspector.cancel(only("a", "b", "never-was")) == 0
        assert await ids(broker) == []

    async def test_a_cancel_says_how_many_it_asked(self, broker: Broker, inspector: Inspector) -> None:
        await publish(broker, job("a"), job("b", delay=60), job("c"))
        assert await inspector.cancel(only("a", "b")) == 2

    async def test_a_whole_queue_can_be_cancelled(self, broker: Broker, inspector: Inspector) -> None:
        await publish(broker, job("a", queue="one"), job("b", queue="one"), job("c", queue="two"))
        await inspector.cancel(Filter(queue="one"))
        found = {each.job.id: each.cancel for each in await claim(broker, "one", "two")}
        assert found == {"a": True, "b": True, "c": False}

    async def test_the_mark_of_a_cancel_is_shown(self, broker: Broker, inspector: Inspector) -> None:
        await publish(broker, job("a"))
        await inspector.cancel(only("a"))
        row = await inspector.show("a")
        assert row is not None
        assert row.cancel
