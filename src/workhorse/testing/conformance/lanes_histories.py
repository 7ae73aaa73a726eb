"""Chapter: lanes through any history. Random lives of one lane, seeded: its width is never exceeded, and nothing is stuck at the end."""

import random
from collections.abc import Awaitable, Callable

import pytest

from workhorse.engine import Broker, Cancelled, Claim, Dead, Inspector, Lane, Outcome, Released, Retried, Succeeded
from workhorse.testing.conformance.chapter import Chapter, needs
from workhorse.testing.conformance.words import LEASE, QUEUE, claim, job, only, publish, reasons

KEY = "mail/send:ada"
STEPS = 80
LANES = [
    Lane(KEY),
    Lane(KEY, width=3),
    Lane(KEY, ordered=True),
    Lane(KEY, width=2, ordered=True),
    Lane(KEY, width=2, every=1),
]


@needs("lanes", "inspectable")
class LaneHistories(Chapter):
    """Publishes, claims, all outcomes, crashes, cancels, deletes and dead letters put back, in any order."""

    @pytest.mark.parametrize("seed", range(6))
    @pytest.mark.parametrize("lane", LANES, ids=["one", "three", "ordered", "ordered-two", "rated"])
    async def test_any_history_keeps_the_width_and_leaves_nothing_stuck(
        self, broker: Broker, inspector: Inspector, lane: Lane, seed: int
    ) -> None:
        history = History(broker, inspector, lane, random.Random(seed), self.pass_time)
        for _ in range(STEPS):
            await history.step()
        await history.drain()
        counts = (await inspector.count("queue")).get(QUEUE, {})
        assert {status for status, count in counts.items() if count} <= {"succeeded", "cancelled", "dead"}


class History:
    """One random life of a lane, and what its workers hold meanwhile."""

    def __init__(
        self,
        broker: Broker,
        inspector: Inspector,
        lane: Lane,
        random: random.Random,
        pass_time: Callable[[float], Awaitable[None]],
    ) -> None:
        self._broker, self._inspector, self._lane = broker, inspector, lane
        self._random, self._pass_time = random, pass_time
        self._now = 0.0
        self._ids: list[str] = []
        self._held: dict[str, tuple[Claim, float]] = {}

    async def step(self) -> None:
        """Whatever comes."""
        steps = [self._publish] * 4 + [self._claim] * 5 + [self._settle] * 4 + [self._wait] * 2 + [self._order]
        await self._random.choice(steps)()

    async def drain(self) -> None:
        """Let every lease end, and run what comes until nothing does, for longer than any delay here."""
        await self._advance(LEASE + 1)
        for _ in range(100):
            claims = await claim(self._broker)
            await self._broker.settle([_end(each) for each in claims])
            await self._advance(2)

    async def _publish(self) -> None:
        id = f"{len(self._ids):03}"
        self._ids.append(id)
        delay = self._random.choice([0, 0, 0, 5, 40])
        await publish(self._broker, job(id, lane=self._lane, delay=delay, priority=self._random.randint(1, 3)))

    async def _claim(self) -> None:
        for each in await claim(self._broker, limit=self._random.randint(1, 5)):
            self._held[each.job.id] = (each, self._now + LEASE)
        running = [each for each, end in self._held.values() if end > self._now and not each.cancel]
        assert len(running) <= (self._lane.width or len(running)), [each.job.id for each in running]

    async def _settle(self) -> None:
        if not self._held:
            return
        held, _ = self._held.pop(self._random.choice(sorted(self._held)))
        after = self._random.choice([0, 5, 40])
        outcomes: list[Outcome] = [Retried(held, after=after), Released(held, after=after), Dead(held, reason="why")]
        outcome = self._random.choice([*outcomes, Succeeded(held), Succeeded(held)])
        await self._broker.settle([Cancelled(held) if held.cancel else outcome])

    async def _wait(self) -> None:
        await self._advance(self._random.choice([1, 5, 20, LEASE + 1]))

    async def _order(self) -> None:
        """A person's, for two jobs; whoever still runs a deleted one holds nothing any more."""
        chosen = self._random.sample(self._ids, min(2, len(self._ids))) or ["nobody"]
        order = self._random.choice([self._inspector.cancel, self._inspector.retry, self._inspector.delete])
        await order(only(*chosen))
        for id in chosen:
            if id in self._held and await self._inspector.show(id) is None:
                zombie, _ = self._held.pop(id)
                assert reasons(await self._broker.settle([_end(zombie)])) == ["stale"]

    async def _advance(self, seconds: float) -> None:
        await self._pass_time(seconds)
        self._now += seconds


def _end(held: Claim) -> Outcome:
    return Cancelled(held) if held.cancel else Succeeded(held)
