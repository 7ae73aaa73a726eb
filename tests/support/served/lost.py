"""The line is cut in the middle of a verb, before or after the server has done it, at each part of it. Asking again is safe."""

from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import count

import pytest

from served.stage import Opened, Stage, again, parts, soon
from servers.proxy import Proxy, Way
from workhorse.engine import BrokerUnavailable, Put, Succeeded
from workhorse.testing.conformance.words import QUEUE, claim_one, job, publish

both_ways = pytest.mark.parametrize("way", ["up", "down"])


class LostAnswers(Stage):
    @both_ways
    async def test_publishing_again_after_any_cut_loses_and_doubles_nothing(
        self, proxy: Proxy, opened: Opened, way: Way
    ) -> None:
        broker, _, _ = parts(await opened(proxy))
        (direct, _, inspector) = parts(await opened())
        made = 0
        async for cut in cuts(proxy, way):
            made += 3
            jobs = [job(f"{cut}-{n}", queue=f"q{cut}") for n in range(3)]
            answers = await again(lambda jobs=jobs: broker.publish(jobs))  # type: ignore[misc]
            assert [answer.kind for answer in answers] == ["accepted"] * 3
            claims = await direct.claim([f"q{cut}"], 10, 30)
            assert sorted(each.job.id for each in claims) == [each.id for each in jobs]
        assert sum((await inspector.count("status"))["running"].values()) == made

    @both_ways
    async def test_settling_again_after_any_cut_is_done_once_with_all_that_goes_with_it(
        self, proxy: Proxy, opened: Opened, way: Way
    ) -> None:
        broker, _, _ = parts(await opened(proxy))
        (direct, store, inspector) = parts(await opened())
        async for cut in cuts(proxy, way, prepare=lambda cut: publish(direct, job(f"job-{cut}"))):
            claim = await again(lambda: claim_one(direct))
            follow = job(f"next-{cut}", queue=f"next{cut}")
            outcome = Succeeded(claim, writes=[Put(f"fact/{cut}", b"done")], publish=[follow])
            answers = await again(lambda outcome=outcome: broker.settle([outcome]))  # type: ignore[misc]
            assert [why for _, why in answers] in ([], ["stale"])
            row = await inspector.show(claim.job.id)
            assert row is not None
            assert row.status == "succeeded"
            assert [value for value, _ in filter(None, await store.get([f"fact/{cut}"]))] == [b"done"]
            assert [each.job.id for each in await direct.claim([f"next{cut}"], 10, 30)] == [follow.id]

    @both_ways
    async def test_a_claim_that_was_lost_on_its_way_comes_again_when_its_lease_is_over(
        self, proxy: Proxy, opened: Opened, way: Way
    ) -> None:
        broker, _, _ = parts(await opened(proxy))
        (direct, _, _) = parts(await opened())
        async for cut in cuts(proxy, way, prepare=lambda cut: publish(direct, job(f"job-{cut}"))):
            found = await self._claimed(broker.claim)
            while not found:
                await direct.wait([QUEUE], 1, 1)
                found = await direct.claim([QUEUE], 1, 30)
            assert [each.job.id for each in found] == [f"job-{cut}"]
            assert found[0].crashes <= 1
            assert await direct.settle([Succeeded(found[0])]) == []

    async def _claimed(self, claim: Callable[..., Awaitable[list[object]]]) -> list[object]:
        try:
            return await claim([QUEUE], 1, 0.3)
        except BrokerUnavailable:
            return []

    @both_ways
    async def test_a_put_that_expects_a_version_says_after_a_cut_whether_it_may_have_been_done(
        self, proxy: Proxy, opened: Opened, way: Way
    ) -> None:
        """Asked again it is refused, if it was done: its own value is there, written once."""
        _, store, _ = parts(await opened(proxy))
        async for cut in cuts(proxy, way):
            put = Put(f"key/{cut}", b"mine", 0)
            (version,) = await again(lambda put=put: store.put([put]))  # type: ignore[misc]
            ((value, there),) = await again(lambda cut=cut: store.get([f"key/{cut}"]))  # type: ignore[misc]
            assert (value, version or there) == (b"mine", there)


async def cuts(proxy: Proxy, way: Way, prepare: Callable[[int], Awaitable[object]] | None = None) -> AsyncIterator[int]:
    """0, 1, 2, …: the line is cut after so many parts have come that way; until there are no more parts in what is done in a turn.

    The line is new in each turn, so that its opening is cut too."""
    for after in count():
        if prepare is not None:
            await prepare(after)
        proxy.cut()
        await soon(lambda: not proxy.connections)
        proxy.lose(way, after)
        yield after
        if proxy.losing:
            proxy.heal()
            return
        assert after < 100
