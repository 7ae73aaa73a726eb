"""Chapter: lease. Who holds a job keeps it by extending; who dies is charged one crash; who wakes late has nothing to say."""

from workhorse.engine import Broker, Claim, Dead, Inspector, Put, Released, Retried, Store, Succeeded
from workhorse.testing.conformance.chapter import Chapter, needs
from workhorse.testing.conformance.words import LEASE, claim, claim_one, ids, job, only, publish, refused, settle, value


class Leases(Chapter):
    """`extend`: one answer a claim, in order."""

    async def test_an_extended_job_stays_with_its_worker(self, broker: Broker) -> None:
        await publish(broker, job())
        held = await claim_one(broker)
        for _ in range(3):
            await self.pass_time(LEASE - 10)
            assert await broker.extend([held], LEASE) == ["kept"]
            assert await ids(broker) == []

    async def test_an_extended_lease_runs_out_too(self, broker: Broker) -> None:
        await publish(broker, job("a"))
        held = await claim_one(broker)
        await self.pass_time(LEASE - 10)
        await broker.extend([held], LEASE)
        await self.pass_time(LEASE + 1)
        assert await ids(broker) == ["a"]

    async def test_extending_nothing_answers_nothing(self, broker: Broker) -> None:
        assert await broker.extend([], LEASE) == []

    async def test_there_is_one_answer_a_claim_in_order(self, broker: Broker) -> None:
        await publish(broker, *(job(f"{n}") for n in range(4)))
        claims = sorted(await claim(broker), key=lambda each: each.job.id)
        await settle(broker, Succeeded(claims[0]), Succeeded(claims[2]))
        assert await broker.extend(claims, LEASE) == ["lost", "kept", "lost", "kept"]

    async def test_many_are_extended_in_one_call(self, broker: Broker) -> None:
        await publish(broker, *(job(f"{n:05}") for n in range(1500)))
        assert await broker.extend(await claim(broker, limit=1500), LEASE) == ["kept"] * 1500

    async def test_a_claim_that_another_took_over_is_lost(self, broker: Broker) -> None:
        await publish(broker, job())
        zombie, _ = await self._taken_over(broker)
        assert await broker.extend([zombie], LEASE) == ["lost"]

    async def test_extending_a_lost_claim_does_not_touch_its_successor(self, broker: Broker) -> None:
        await publish(broker, job("a"))
        zombie, _ = await self._taken_over(broker)
        await broker.extend([zombie], LEASE * 10)
        await self.pass_time(LEASE + 1)
        assert await ids(broker) == ["a"]

    async def test_a_job_that_waits_for_its_retry_cannot_be_extended(self, broker: Broker) -> None:
        await publish(broker, job("a"))
        held = await claim_one(broker)
        await settle(broker, Retried(held))
        assert await broker.extend([held], LEASE) == ["lost"]
        assert await ids(broker) == ["a"]

    @needs("fenced")
    async def test_a_lease_that_ran_out_unclaimed_can_be_extended(self, broker: Broker) -> None:
        await publish(broker, job())
        held = await claim_one(broker)
        await self.pass_time(LEASE + 1)
        assert await broker.extend([held], LEASE) == ["kept"]
        assert await ids(broker) == []

    @needs("inspectable")
    async def test_a_deleted_job_is_lost(self, broker: Broker, inspector: Inspector) -> None:
        await publish(broker, job("a"))
        held = await claim_one(broker)
        await inspector.delete(only("a"))
        assert await broker.extend([held], LEASE) == ["lost"]

    async def _taken_over(self, broker: Broker) -> tuple[Claim, Claim]:
        """The claim of a worker that froze, and its successor's."""
        zombie = await claim_one(broker)
        await self.pass_time(LEASE + 1)
        return zombie, await claim_one(broker)


class Crashes(Chapter):
    """A death costs one lease, and is charged to what its worker held; nothing else counts as one."""

    async def test_the_job_of_a_dead_worker_comes_back_after_its_lease(self, broker: Broker) -> None:
        await publish(broker, job("a"))
        await claim_one(broker)
        await self.pass_time(LEASE + 1)
        assert await ids(broker) == ["a"]

    async def test_the_job_of_a_dead_worker_comes_back_as_the_same_attempt(self, broker: Broker) -> None:
        await publish(broker, job())
        await claim_one(broker)
        await self.pass_time(LEASE + 1)
        assert (await claim_one(broker)).job.attempt == 1

    @needs("counts_crashes")
    async def test_each_death_is_counted(self, broker: Broker) -> None:
        await publish(broker, job())
        for deaths in range(4):
            assert (await claim_one(broker)).crashes == deaths
            await self.pass_time(LEASE + 1)

    @needs("counts_crashes")
    async def test_all_that_a_dead_worker_held_is_charged(self, broker: Broker) -> None:
        await publish(broker, *(job() for _ in range(5)))
        await claim(broker)
        await self.pass_time(LEASE + 1)
        assert [each.crashes for each in await claim(broker)] == [1] * 5

    @needs("counts_crashes")
    async def test_a_hand_back_is_not_a_crash(self, broker: Broker) -> None:
        await publish(broker, job())
        for _ in range(5):
            await settle(broker, Released(await claim_one(broker)))
        again = await claim_one(broker)
        assert (again.crashes, again.job.attempt) == (0, 1)

    @needs("counts_crashes")
    async def test_a_hand_back_does_not_wipe_out_earlier_crashes(self, broker: Broker) -> None:
        await publish(broker, job())
        await claim_one(broker)
        await self.pass_time(LEASE + 1)
        await settle(broker, Released(await claim_one(broker)))
        assert (await claim_one(broker)).crashes == 1

    @needs("counts_crashes")
    async def test_an_extended_lease_is_one_crash_when_its_worker_dies(self, broker: Broker) -> None:
        await publish(broker, job())
        held = await claim_one(broker)
        for _ in range(3):
            await broker.extend([held], LEASE)
        await self.pass_time(LEASE + 1)
        assert (await claim_one(broker)).crashes == 1

    @needs("counts_crashes")
    async def test_the_next_attempt_begins_without_crashes(self, broker: Broker) -> None:
        await publish(broker, job())
        await claim_one(broker)
        await self.pass_time(LEASE + 1)
        await settle(broker, Retried(await claim_one(broker)))
        again = await claim_one(broker)
        assert (again.crashes, again.job.attempt) == (0, 2)

    @needs("counts_crashes")
    async def test_a_job_that_was_never_claimed_has_no_crashes_however_long_it_waits(self, broker: Broker) -> None:
        await publish(broker, job())
        await self.pass_time(LEASE * 10)
        assert (await claim_one(broker)).crashes == 0


class Zombies(Chapter):
    """A worker that wakes late does not settle, publish or overwrite, whatever became of its job meanwhile."""

    async def test_a_zombie_does_not_end_its_successors_job(self, broker: Broker) -> None:
        await publish(broker, job("a"))
        zombie = await claim_one(broker)
        await self.pass_time(LEASE + 1)
        successor = await claim_one(broker)
        assert await refused(broker, Dead(zombie, reason="late")) == ["stale"]
        assert await broker.extend([successor], LEASE) == ["kept"]
        await settle(broker, Succeeded(successor))

    async def test_a_zombie_does_not_reschedule_its_successors_job(self, broker: Broker) -> None:
        await publish(broker, job("a"))
        zombie = await claim_one(broker)
        await self.pass_time(LEASE + 1)
        await claim_one(broker)
        assert await refused(broker, Retried(zombie)) == ["stale"]
        assert await ids(broker) == []

    async def test_a_zombie_does_not_settle_a_job_that_was_handed_back(self, broker: Broker) -> None:
        await publish(broker, job("a"))
        held = await claim_one(broker)
        await settle(broker, Released(held))
        assert await refused(broker, Succeeded(held)) == ["stale"]
        assert await ids(broker) == ["a"]

    @needs("store")
    async def test_a_zombie_does_not_overwrite_a_result(self, broker: Broker, store: Store) -> None:
        await publish(broker, job("a"))
        zombie = await claim_one(broker)
        await self.pass_time(LEASE + 1)
        await settle(broker, Succeeded(await claim_one(broker), writes=[Put("result/a", b"good")]))
        assert await refused(broker, Succeeded(zombie, writes=[Put("result/a", b"late")])) == ["stale"]
        assert await value(store, "result/a") == b"good"

    @needs("inspectable")
    async def test_a_token_of_an_earlier_life_settles_nothing(self, broker: Broker, inspector: Inspector) -> None:
        """An id deleted and made anew: the zombie of the first one must not end the second."""
        await publish(broker, job("a"))
        zombie = await claim_one(broker)
        await inspector.delete(only("a"))
        await publish(broker, job("a"))
        held = await claim(broker)
        assert await refused(broker, Succeeded(zombie)) == ["stale"]
        assert await broker.extend(held, LEASE) == ["kept"] * len(held)

    @needs("inspectable")
    async def test_a_deleted_job_cannot_be_settled(self, broker: Broker, inspector: Inspector) -> None:
        await publish(broker, job("a"))
        held = await claim_one(broker)
        await inspector.delete(only("a"))
        assert await refused(broker, Retried(held)) == ["stale"]
        assert await ids(broker) == []
