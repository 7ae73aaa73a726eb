"""Chapter: rates. So many in a time, charged when a job is claimed: what comes too early is put off inside the engine."""

from workhorse.engine import Broker, Claim, Envelope, Lane, Succeeded
from workhorse.testing.conformance.chapter import Chapter, needs
from workhorse.testing.conformance.words import LEASE, claim_all, claim_one, job, publish, settle

KEY = "mail/send:ada"


@needs("lanes")
class LaneRate(Chapter):
    """A rate is charged when a job is claimed: what comes too early is put off inside the engine."""

    async def test_claims_are_spaced(self, broker: Broker) -> None:
        await publish(broker, *_spaced(3, Lane(KEY, width=None, every=10)))
        for _ in range(3):
            assert len(await claim_all(broker, lease=LEASE * 10)) == 1
            await self.pass_time(10.5)

    async def test_an_early_end_does_not_hurry_the_next(self, broker: Broker) -> None:
        await publish(broker, *_spaced(2, Lane(KEY, every=10)))
        await settle(broker, Succeeded(await claim_one(broker)))
        assert await claim_all(broker) == []
        await self.pass_time(10.5)
        assert len(await claim_all(broker)) == 1

    async def test_a_burst_goes_at_once_and_then_spacing_begins(self, broker: Broker) -> None:
        await publish(broker, *_spaced(6, Lane(KEY, width=None, every=10, burst=3)))
        assert len(await claim_all(broker, lease=LEASE * 10)) == 3
        await self.pass_time(10.5)
        assert len(await claim_all(broker, lease=LEASE * 10)) == 1

    async def test_a_backlog_does_not_burst_when_workers_come_late(self, broker: Broker) -> None:
        await publish(broker, *_spaced(10, Lane(KEY, width=None, every=10)))
        await self.pass_time(200)
        assert len(await claim_all(broker)) == 1

    async def test_without_a_width_any_number_runs(self, broker: Broker) -> None:
        await publish(broker, *_spaced(5, Lane(KEY, width=None, every=1)))
        held: list[Claim] = []
        for _ in range(5):
            held += await claim_all(broker, lease=LEASE * 10)
            await self.pass_time(1.5)
        assert len({each.job.id for each in held}) == 5

    async def test_width_and_rate_hold_together(self, broker: Broker) -> None:
        await publish(broker, *_spaced(4, Lane(KEY, width=2, every=10, burst=4)))
        first = await claim_all(broker, lease=LEASE * 10)
        assert len(first) == 2
        await self.pass_time(50)
        assert await claim_all(broker) == []
        await settle(broker, *(Succeeded(each) for each in first))
        assert len(await claim_all(broker)) == 2

    async def test_what_is_put_off_is_no_crash_and_no_attempt(self, broker: Broker) -> None:
        await publish(broker, *_spaced(2, Lane(KEY, width=None, every=10)))
        await claim_all(broker, lease=LEASE * 10)
        await self.pass_time(10.5)
        (second,) = await claim_all(broker)
        assert (second.crashes, second.job.attempt) == (0, 1)

    async def test_a_rate_does_not_slow_other_keys(self, broker: Broker) -> None:
        await publish(broker, *_spaced(3, Lane(KEY, width=None, every=10)), job("free"))
        assert "free" in [each.job.id for each in await claim_all(broker)]


def _spaced(count: int, lane: Lane) -> list[Envelope]:
    return [job(lane=lane) for _ in range(count)]
