"""Chapter: waiting. Both waits end when there is something to see; neither is a poll, and a time-out is only the last resort."""

import asyncio
from collections.abc import Awaitable

from workhorse.engine import ABSENT, Broker, Inspector, Lane, Put, Released, Retried, Store, Succeeded
from workhorse.testing.conformance.chapter import Chapter, needs
from workhorse.testing.conformance.words import (
    LEASE,
    QUEUE,
    begun,
    claim_one,
    ids,
    job,
    only,
    promptly,
    publish,
    put,
    settle,
)

LONG = 3600.0
"""A time-out that no test lives to see: who returns was woken."""


def _until_work(broker: Broker, *queues: str) -> Awaitable[None]:
    return broker.wait(queues or (QUEUE,), 10, LONG)


class WaitingForWork(Chapter):
    """`broker.wait`: returns when `claim` may find work."""

    async def test_a_wait_for_work_returns_at_once_when_something_is_due(self, broker: Broker) -> None:
        await publish(broker, job())
        await promptly(_until_work(broker))

    async def test_a_publish_wakes_who_waits_for_work(self, broker: Broker) -> None:
        waiting = await begun(_until_work(broker))
        await publish(broker, job("a"))
        await promptly(waiting)
        assert await ids(broker) == ["a"]

    async def test_a_publish_by_another_worker_wakes_who_waits_for_work(
        self, broker: Broker, other_broker: Broker
    ) -> None:
        waiting = await begun(_until_work(broker))
        await publish(other_broker, job("a"))
        await promptly(waiting)
        assert await ids(broker) == ["a"]

    async def test_a_wait_for_work_hears_of_all_its_queues(self, broker: Broker) -> None:
        waiting = await begun(_until_work(broker, "one", "two", "three"))
        await publish(broker, job(queue="two"))
        await promptly(waiting)

    async def test_a_due_time_that_comes_wakes_who_waits_for_work(self, broker: Broker) -> None:
        await publish(broker, job("a", delay=5))
        waiting = await begun(_until_work(broker))
        await self.pass_time(5.5)
        await promptly(waiting)
        assert await ids(broker) == ["a"]

    async def test_an_earlier_due_time_published_meanwhile_wakes_who_waits_for_work(self, broker: Broker) -> None:
        await publish(broker, job("late", delay=600))
        waiting = await begun(_until_work(broker))
        await publish(broker, job("soon", delay=5))
        await self.pass_time(5.5)
        await promptly(waiting)
        assert await ids(broker) == ["soon"]

    async def test_a_retry_that_comes_due_wakes_who_waits_for_work(self, broker: Broker) -> None:
        await publish(broker, job())
        await settle(broker, Retried(await claim_one(broker), after=5))
        waiting = await begun(_until_work(broker))
        await self.pass_time(5.5)
        await promptly(waiting)

    async def test_a_hand_back_wakes_who_waits_for_work(self, broker: Broker, other_broker: Broker) -> None:
        await publish(broker, job("a"))
        held = await claim_one(broker)
        waiting = await begun(_until_work(other_broker))
        await settle(broker, Released(held))
        await promptly(waiting)
        assert await ids(other_broker) == ["a"]

    async def test_a_lease_that_runs_out_wakes_who_waits_for_work(self, broker: Broker, other_broker: Broker) -> None:
        await publish(broker, job("a"))
        await claim_one(broker, lease=5)
        waiting = await begun(_until_work(other_broker))
        await self.pass_time(5.5)
        await promptly(waiting)
        assert await ids(other_broker) == ["a"]

    async def test_a_follow_up_wakes_who_waits_for_work(self, broker: Broker, other_broker: Broker) -> None:
        await publish(broker, job("a"))
        held = await claim_one(broker)
        waiting = await begun(_until_work(other_broker))
        await settle(broker, Succeeded(held, publish=[job("a~1~0")]))
        await promptly(waiting)
        assert await ids(other_broker) == ["a~1~0"]

    @needs("lanes")
    async def test_a_slot_that_becomes_free_wakes_who_waits_for_work(
        self, broker: Broker, other_broker: Broker
    ) -> None:
        await publish(broker, job("a", lane=Lane("mail/send:ada")))
        held = await claim_one(broker)
        await publish(broker, job("b", lane=Lane("mail/send:ada")))
        waiting = await begun(_until_work(other_broker))
        await settle(broker, Succeeded(held))
        await promptly(waiting)
        assert await ids(other_broker) == ["b"]

    @needs("inspectable")
    async def test_a_cancelled_job_that_nobody_holds_wakes_who_waits_for_work(
        self, broker: Broker, inspector: Inspector
    ) -> None:
        await publish(broker, job("a", delay=600))
        waiting = await begun(_until_work(broker))
        await inspector.cancel(only("a"))
        await promptly(waiting)
        assert await ids(broker) == ["a"]

    @needs("inspectable")
    async def test_a_dead_letter_put_back_wakes_who_waits_for_work(self, broker: Broker, inspector: Inspector) -> None:
        await publish(broker, job("a", dead="it failed elsewhere"))
        waiting = await begun(_until_work(broker))
        await inspector.retry(only("a"))
        await promptly(waiting)

    @needs("inspectable")
    async def test_a_queue_that_is_resumed_wakes_who_waits_for_work(self, broker: Broker, inspector: Inspector) -> None:
        await inspector.pause(QUEUE)
        await publish(broker, job("a"))
        waiting = await begun(_until_work(broker))
        await inspector.resume(QUEUE)
        await promptly(waiting)
        assert await ids(broker) == ["a"]

    async def test_a_copy_of_an_event_wakes_who_waits_for_work(self, broker: Broker) -> None:
        await broker.bind("order.paid", QUEUE)
        waiting = await begun(_until_work(broker))
        await publish(broker, job(topic="order.paid"))
        await promptly(waiting)

    async def test_many_that_wait_are_all_served_in_the_end(self, broker: Broker, other_broker: Broker) -> None:
        async def worker(own: Broker) -> str:
            while True:
                if claims := await own.claim([QUEUE], 1, LEASE):
                    return claims[0].job.id
                await own.wait([QUEUE], 1, LONG)

        workers = [asyncio.create_task(worker(each)) for each in (broker, other_broker) * 3]
        for n in range(6):
            await publish(broker, job(f"{n}"))
        assert sorted(await promptly(asyncio.gather(*workers))) == [f"{n}" for n in range(6)]

    async def test_no_wake_up_for_work_is_lost(self, broker: Broker, other_broker: Broker) -> None:
        for n in range(30):
            waiting = asyncio.ensure_future(_until_work(broker))
            await publish(other_broker, job(f"{n}"))
            await promptly(waiting)
            await settle(broker, Succeeded(await claim_one(broker)))

    async def test_a_time_out_ends_a_wait_for_work(self, broker: Broker) -> None:
        waiting = await begun(broker.wait([QUEUE], 1, 0.05))
        await self.pass_time(0.05)
        await promptly(waiting)

    async def test_a_wait_for_work_may_be_cancelled(self, broker: Broker) -> None:
        waiting = await begun(_until_work(broker))
        waiting.cancel()
        assert await promptly(asyncio.gather(waiting, return_exceptions=True))
        await publish(broker, job("a"))
        await promptly(_until_work(broker))
        assert await ids(broker) == ["a"]


@needs("store")
class WaitingForFacts(Chapter):
    """`store.wait`: returns when a version is no longer the known one."""

    async def test_a_wait_for_facts_returns_at_once_when_the_version_is_another(self, store: Store) -> None:
        old = await put(store, "result/a")
        await put(store, "result/a")
        await promptly(store.wait({"result/a": old}, LONG))

    async def test_a_wait_for_facts_returns_at_once_when_the_fact_is_there_already(self, store: Store) -> None:
        await put(store, "result/a")
        await promptly(store.wait({"result/a": ABSENT}, LONG))

    async def test_a_wait_for_facts_returns_at_once_when_the_fact_is_gone(self, store: Store) -> None:
        old = await put(store, "result/a")
        await store.delete({"result/a": None})
        await promptly(store.wait({"result/a": old}, LONG))

    async def test_a_first_put_wakes_who_waits_for_facts(self, store: Store) -> None:
        waiting = await begun(store.wait({"result/a": ABSENT}, LONG))
        await put(store, "result/a")
        await promptly(waiting)

    async def test_a_put_by_another_worker_wakes_who_waits_for_facts(self, store: Store, other_store: Store) -> None:
        waiting = await begun(store.wait({"result/a": ABSENT}, LONG))
        await put(other_store, "result/a")
        await promptly(waiting)

    async def test_a_delete_wakes_who_waits_for_facts(self, store: Store, other_store: Store) -> None:
        version = await put(store, "result/a")
        waiting = await begun(store.wait({"result/a": version}, LONG))
        await other_store.delete({"result/a": None})
        await promptly(waiting)

    async def test_a_settle_that_writes_wakes_who_waits_for_facts(self, broker: Broker, store: Store) -> None:
        await publish(broker, job("a"))
        held = await claim_one(broker)
        waiting = await begun(store.wait({"result/a": ABSENT}, LONG))
        await settle(broker, Succeeded(held, writes=[Put("result/a", b"42")]))
        await promptly(waiting)

    async def test_a_fact_whose_life_ends_wakes_who_waits_for_facts(self, store: Store) -> None:
        version = await put(store, "presence/1", ttl=5)
        waiting = await begun(store.wait({"presence/1": version}, LONG))
        await self.pass_time(5.5)
        await promptly(waiting)

    async def test_any_one_of_many_keys_wakes_who_waits_for_facts(self, store: Store) -> None:
        known = {f"result/{n}": await put(store, f"result/{n}") for n in range(50)}
        waiting = await begun(store.wait(known, LONG))
        await put(store, "result/37")
        await promptly(waiting)

    async def test_a_thousand_may_wait_at_once(self, store: Store) -> None:
        waits = [await begun(store.wait({f"result/{n}": ABSENT}, LONG)) for n in range(1000)]
        await store.put([Put(f"result/{n}", b"1") for n in range(1000)])
        await promptly(asyncio.gather(*waits))

    async def test_no_wake_up_is_lost_between_looking_and_waiting(self, store: Store, other_store: Store) -> None:
        """Whoever waits on the version that it saw cannot miss the change that came in between."""
        known = await put(store, "counter")
        for _ in range(50):
            waiting = asyncio.ensure_future(store.wait({"counter": known}, LONG))
            known = await put(other_store, "counter")
            await promptly(waiting)

    async def test_a_time_out_ends_a_wait_for_facts(self, store: Store) -> None:
        waiting = await begun(store.wait({"result/a": ABSENT}, 0.05))
        await self.pass_time(0.05)
        await promptly(waiting)

    async def test_a_wait_for_facts_may_be_cancelled(self, store: Store) -> None:
        waiting = await begun(store.wait({"result/a": ABSENT}, LONG))
        waiting.cancel()
        assert await promptly(asyncio.gather(waiting, return_exceptions=True))
        await put(store, "result/a")
        await promptly(store.wait({"result/a": ABSENT}, LONG))
