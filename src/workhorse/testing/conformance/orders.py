"""Chapter: orders. A person puts dead letters back, deletes, pauses and resumes."""

from workhorse.core.trail import load
from workhorse.engine import ABSENT, Broker, Dead, Envelope, Filter, Inspector, Put, Retried, Store, Succeeded
from workhorse.testing.conformance.chapter import Chapter, needs
from workhorse.testing.conformance.words import (
    LEASE,
    QUEUE,
    begun,
    claim,
    claim_one,
    ids,
    job,
    only,
    promptly,
    publish,
    refused,
    settle,
    value,
)


@needs("inspectable")
class Orders(Chapter):
    """`retry`, `delete`, `pause` and `resume`."""

    async def test_a_dead_letter_put_back_is_claimed(self, broker: Broker, inspector: Inspector) -> None:
        await _die(broker, job("a", payload=b"the bytes"))
        assert await inspector.retry(only("a")) == 1
        again = await claim_one(broker)
        assert (again.job.id, again.job.payload) == ("a", b"the bytes")

    async def test_a_dead_letter_put_back_goes_on_counting_attempts(self, broker: Broker, inspector: Inspector) -> None:
        await _die(broker, job("a", attempt=3))
        await inspector.retry(only("a"))
        assert (await claim_one(broker)).job.attempt == 4

    async def test_a_dead_letter_put_back_has_a_fresh_budget(self, broker: Broker, inspector: Inspector) -> None:
        await _die(broker, job("a", attempt=3))
        await inspector.retry(only("a"))
        assert load((await claim_one(broker)).job.trail).budget == 3

    @needs("counts_crashes")
    async def test_a_dead_letter_put_back_has_no_crashes(self, broker: Broker, inspector: Inspector) -> None:
        await publish(broker, job("a"))
        await claim_one(broker)
        await self.pass_time(LEASE + 1)
        await settle(broker, Dead(await claim_one(broker), reason="its worker died twice"))
        await inspector.retry(only("a"))
        assert (await claim_one(broker)).crashes == 0

    async def test_only_dead_ones_are_put_back(self, broker: Broker, inspector: Inspector) -> None:
        await publish(broker, job("a"), job("b", delay=60))
        assert await inspector.retry(Filter()) == 0
        assert await ids(broker) == ["a"]

    async def test_all_dead_ones_of_a_task_are_put_back(self, broker: Broker, inspector: Inspector) -> None:
        await _die(broker, job("a", task="one"), job("b", task="one"), job("c", task="two"))
        assert await inspector.retry(Filter(task="one")) == 2
        assert await ids(broker) == ["a", "b"]

    async def test_a_deleted_job_is_never_claimed(self, broker: Broker, inspector: Inspector) -> None:
        await publish(broker, job("a"), job("b"))
        assert await inspector.delete(only("a")) == 1
        assert await inspector.show("a") is None
        assert await ids(broker) == ["b"]

    @needs("store")
    async def test_a_delete_is_told_to_who_waits_for_the_result(
        self, broker: Broker, inspector: Inspector, store: Store
    ) -> None:
        await publish(broker, job("a"))
        waiting = await begun(store.wait({"result/a": ABSENT}, 3600))
        await inspector.delete(only("a"))
        await promptly(waiting)
        assert await value(store, "result/a") is not None

    @needs("store")
    async def test_a_delete_of_what_has_ended_leaves_its_result(
        self, broker: Broker, inspector: Inspector, store: Store
    ) -> None:
        await publish(broker, job("a"))
        await settle(broker, Succeeded(await claim_one(broker), writes=[Put("result/a", b"42")]))
        await inspector.delete(only("a"))
        assert await value(store, "result/a") == b"42"

    async def test_dead_ones_can_be_deleted_together(self, broker: Broker, inspector: Inspector) -> None:
        await publish(broker, job("a", dead="why"), job("b", dead="why"), job("c"))
        assert await inspector.delete(Filter(status="dead")) == 2
        assert [row.job.id for row in await inspector.list(Filter())] == ["c"]

    async def test_deleting_what_never_was_deletes_nothing(self, inspector: Inspector) -> None:
        assert await inspector.delete(only("never-was")) == 0

    async def test_a_paused_queue_is_not_claimed_from(self, broker: Broker, inspector: Inspector) -> None:
        await publish(broker, job("a"), job("b", queue="other"))
        await inspector.pause(QUEUE)
        assert await ids(broker, QUEUE, "other") == ["b"]

    async def test_a_paused_queue_accepts_jobs(self, broker: Broker, inspector: Inspector) -> None:
        await inspector.pause(QUEUE)
        await publish(broker, job("a"))
        assert await ids(broker) == []

    async def test_a_pause_holds_for_every_worker(
        self, broker: Broker, inspector: Inspector, other_broker: Broker
    ) -> None:
        await publish(broker, job("a"))
        await inspector.pause(QUEUE)
        assert await ids(other_broker) == []

    async def test_what_is_held_goes_on_while_its_queue_is_paused(self, broker: Broker, inspector: Inspector) -> None:
        await publish(broker, job("a"))
        held = await claim_one(broker)
        await inspector.pause(QUEUE)
        assert await broker.extend([held], LEASE) == ["kept"]
        await settle(broker, Succeeded(held))

    async def test_a_resumed_queue_is_claimed_from(self, broker: Broker, inspector: Inspector) -> None:
        await inspector.pause(QUEUE)
        await publish(broker, job("a"))
        await inspector.resume(QUEUE)
        assert await ids(broker) == ["a"]

    async def test_resuming_what_is_not_paused_is_fine(self, broker: Broker, inspector: Inspector) -> None:
        await inspector.resume(QUEUE)
        await publish(broker, job("a"))
        assert await ids(broker) == ["a"]

    async def test_pausing_twice_is_resumed_once(self, broker: Broker, inspector: Inspector) -> None:
        await inspector.pause(QUEUE)
        await inspector.pause(QUEUE)
        await inspector.resume(QUEUE)
        await publish(broker, job("a"))
        assert await ids(broker) == ["a"]

    async def test_a_deleted_job_that_is_held_cannot_come_back(self, broker: Broker, inspector: Inspector) -> None:
        await publish(broker, job("a"))
        held = await claim_one(broker)
        await inspector.delete(only("a"))
        assert await refused(broker, Retried(held)) == ["stale"]
        await self.pass_time(LEASE + 1)
        assert await ids(broker) == []


async def _die(broker: Broker, *jobs: Envelope) -> None:
    """Publish them, claim them, settle them dead."""
    await publish(broker, *jobs)
    await settle(broker, *(Dead(each, reason="why") for each in await claim(broker)))
