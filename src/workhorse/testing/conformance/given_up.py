"""Chapter: given up. A caller that is cancelled while its verb is in flight: the verb was done whole or not at all, and nothing is lost."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from workhorse.engine import Broker, Claim, Put, Store, Succeeded
from workhorse.testing.conformance.chapter import Chapter, needs
from workhorse.testing.conformance.words import (
    LEASE,
    QUEUE,
    claim,
    claim_all,
    claim_one,
    ids,
    job,
    publish,
    refused,
    value,
)

moments = pytest.mark.parametrize("turns", [1, 2, 3, 5, 8, 20, 100])
"""Turns of the loop after which the caller is cancelled: before the verb was sent, under way, after it was done."""


class GivenUp(Chapter):
    """A caller ought to wait for the answer; where it cannot, the answer is unknown, and no worse."""

    @moments
    async def test_a_publish_that_was_given_up_may_be_sent_again(self, broker: Broker, turns: int) -> None:
        jobs = [job(each) for each in ("a", "b", "c")]
        await _given_up(broker.publish(jobs), turns)
        await publish(broker, *jobs)
        assert await ids(broker) == ["a", "b", "c"]

    @moments
    async def test_what_a_publish_that_was_given_up_brought_is_whole(self, broker: Broker, turns: int) -> None:
        large = b"x" * 100_000
        await _given_up(broker.publish([job(payload=large, headers={"k": "v"}) for _ in range(20)]), turns)
        for came in await claim(broker):
            assert (came.job.payload, dict(came.job.headers)) == (large, {"k": "v"})

    @moments
    async def test_what_a_claim_that_was_given_up_took_comes_after_its_lease(self, broker: Broker, turns: int) -> None:
        await publish(broker, *(job(f"{n}") for n in range(5)))
        await _given_up(broker.claim([QUEUE], 3, LEASE), turns)
        found: dict[str, Claim] = {}
        for _ in range(2):  # it may take effect while time passes: then its lease begins there
            await self.pass_time(LEASE + 1)
            found = {each.job.id: each for each in await claim_all(broker)} | found
        assert sorted(found) == [f"{n}" for n in range(5)]
        assert {each.job.attempt for each in found.values()} == {1}
        assert {each.crashes for each in found.values()} <= {0, 1}

    @moments
    async def test_a_claim_that_was_given_up_takes_nothing_from_who_holds_it(
        self, broker: Broker, other_broker: Broker, turns: int
    ) -> None:
        await publish(broker, *(job(f"{n}") for n in range(10)))
        _, found = await asyncio.gather(_given_up(broker.claim([QUEUE], 5, LEASE), turns), claim(other_broker))
        assert await other_broker.extend(found, LEASE * 10) == ["kept"] * len(found)
        rest = set[str]()
        for _ in range(2):  # as above
            await self.pass_time(LEASE + 1)
            rest |= {each.job.id for each in await claim_all(broker)}
        assert rest == {f"{n}" for n in range(10)} - {each.job.id for each in found}

    @needs("store")
    @moments
    async def test_a_settle_that_was_given_up_may_be_sent_again(self, broker: Broker, store: Store, turns: int) -> None:
        await publish(broker, job("a"))
        outcome = Succeeded(
            await claim_one(broker), writes=[Put("result/a", b"42")], publish=[job("next", queue="then")]
        )
        await _given_up(broker.settle([outcome]), turns)
        assert await refused(broker, outcome) in ([], ["stale"])
        assert await value(store, "result/a") == b"42"
        assert await ids(broker, "then") == ["next"]
        await self.pass_time(LEASE + 1)
        assert await ids(broker) == []

    @needs("store", "transactions")
    @moments
    async def test_a_settle_that_was_given_up_is_done_whole_or_not_at_all(
        self, broker: Broker, store: Store, turns: int
    ) -> None:
        await publish(broker, job("a"))
        held = await claim_one(broker)
        outcome = Succeeded(held, writes=[Put("result/a", b"42")], publish=[job("next", queue="then")])
        await _given_up(broker.settle([outcome]), turns)
        (ours,) = await broker.extend([held], LEASE)
        done = (await value(store, "result/a"), await ids(broker, "then"))
        assert done == ((None, []) if ours == "kept" else (b"42", ["next"]))

    @needs("store")
    @moments
    async def test_a_put_that_was_given_up_may_be_sent_again(self, store: Store, turns: int) -> None:
        puts = [Put(f"{n}", b"1") for n in range(20)]
        await _given_up(store.put(puts), turns)
        assert None not in await store.put(puts)
        assert [await value(store, f"{n}") for n in range(20)] == [b"1"] * 20

    @moments
    async def test_who_is_given_up_takes_no_neighbour_with_it(self, broker: Broker, turns: int) -> None:
        """Verbs that are called at once may be done together."""
        jobs = [job(f"{n:02}") for n in range(20)]
        gone = [_given_up(broker.publish([each]), turns) for each in jobs[::2]]
        await asyncio.gather(*gone, *(publish(broker, each) for each in jobs[1::2]))
        there = {each.job.id for each in await claim(broker)}
        assert there >= {each.id for each in jobs[1::2]}
        await publish(broker, *jobs)
        assert sorted([*there, *await ids(broker)]) == [each.id for each in jobs]

    @moments
    async def test_of_claims_at_once_some_given_up_no_job_is_lost_or_held_twice(
        self, broker: Broker, turns: int
    ) -> None:
        await publish(broker, *(job(f"{n:02}") for n in range(40)))
        gone = [_given_up(broker.claim([QUEUE], 4, LEASE), turns) for _ in range(5)]
        found = await asyncio.gather(*(claim(broker, limit=4) for _ in range(5)), *gone)
        held = [each for claims in found for each in claims or ()]
        assert await broker.extend(held, LEASE * 10) == ["kept"] * len(held)
        await self.pass_time(LEASE + 1)
        rest = await claim_all(broker)
        assert sorted(each.job.id for each in (*held, *rest)) == [f"{n:02}" for n in range(40)]


async def _given_up(verb: Coroutine[Any, Any, Any], turns: int) -> None:
    """Call it, and lose patience after so many turns of the loop."""
    calling = asyncio.ensure_future(verb)
    for _ in range(turns):
        await asyncio.sleep(0)
    calling.cancel()
    await asyncio.gather(calling, return_exceptions=True)
