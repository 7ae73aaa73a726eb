"""Sagas for tests: steps that say what they do, and may be told to fail."""

from collections import Counter
from typing import Any

from workhorse import Retry, SagaHandle
from workhorse.core.sagas.step import Step, step
from workhorse.testing import Bench

ONCE = Retry(0)


class Stage:
    """What happened, in order; `fails` counts down how often a step, or an undo, of this name raises."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.fails: Counter[str] = Counter()

    def say(self, what: str) -> None:
        """It was done, or tried."""
        self.told.append(what)
        if self.fails[what.partition(" ")[0]] > 0:
            self.fails[what.partition(" ")[0]] -= 1
            raise ValueError(f"{what} failed")

    def step(self, name: str, retry: Retry = ONCE) -> Step[[int], int]:
        """Says `name`, returns its number times ten; its undo says `un-name` and the result."""

        async def do(number: int) -> int:
            self.say(f"{name} {number}")
            return number * 10

        async def undo(result: int | None, number: int) -> None:
            self.say(f"un-{name} {number} {result}")

        return step(do, undo=undo, retry=retry, name=name)


async def drained(bench: Bench, handle: SagaHandle[Any]) -> str:
    """Its status once nothing is due."""
    await bench.drain()
    return await handle.status()


async def until_over(bench: Bench, handle: SagaHandle[Any], pause: float = 60.0, most: int = 50) -> str:
    """Its status once it has ended or is stuck, with the clock moved on as often as that takes."""
    for _ in range(most):
        status = await drained(bench, handle)
        if status in ("succeeded", "compensated", "compensation_failed", "mismatched"):
            return status
        bench.clock.advance(pause)
    raise AssertionError(f"still {status}")
