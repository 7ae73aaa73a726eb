"""Two workers with schedules, in one thread, on a clock that jumps: whatever is done to one of them, each tick comes once."""

from collections.abc import Callable, Iterable, Iterator
from unittest.mock import patch

import pytest

from simulation.nemesis import Fault, Peace
from simulation.ticking import Ticking, Told, each_await
from workhorse.core import ids
from workhorse.worker.scheduler import Scheduler

Say = Callable[[str], None]


def test_each_tick_comes_once_though_one_of_two_is_killed_or_frozen_at_any_await(say: Say) -> None:
    accounted(each_await(("kill", "freeze")), say, "kill, freeze")


@pytest.mark.proof
@pytest.mark.timeout(900)
def test_each_tick_comes_once_though_any_call_of_one_fails_or_is_late(say: Say) -> None:
    accounted(each_await(("unavailable", "lost", "stall")), say, "unavailable, lost, stall")


@pytest.mark.parametrize("workers", [1, 5])
def test_each_tick_comes_once_with_any_number_of_workers(workers: int) -> None:
    told = [Ticking(Peace(), workers, seed).go() for seed in range(5)]
    assert [(it.wrong, it.ticks > 8) for it in told] == [([], True)] * 5


def test_a_mark_that_moves_before_its_ticks_are_published_loses_some() -> None:
    moved, published = Scheduler._move, Scheduler._publish

    async def publish_after(self: Scheduler, jobs: list[object]) -> None:
        self.later = jobs  # type: ignore[attr-defined]

    async def move_first(self: Scheduler, *args: object) -> None:
        await moved(self, *args)  # type: ignore[arg-type]
        await published(self, self.__dict__.pop("later", []))

    with patch.object(Scheduler, "_publish", publish_after), patch.object(Scheduler, "_move", move_first):
        assert any("never came" in line for line in found(("kill",)))


def test_ids_that_are_forgotten_with_their_jobs_let_ticks_come_twice() -> None:
    with patch.object(ids, "is_given", lambda id: "~" not in id and not ids.is_ours(id)):
        assert any("came 2 times" in line for line in found(("freeze",)))


def accounted(told: Iterable[tuple[str, Told]], say: Say, what: str) -> None:
    runs, ticks = 0, 0
    for point, it in told:
        assert not it.wrong, f"{point}: {it.wrong}\n{it.history}"
        runs, ticks = runs + 1, ticks + it.ticks
    assert runs > 100
    say(f"ticks: {what} at each await: {runs} runs, {ticks} ticks, each once")


def found(faults: tuple[Fault, ...]) -> Iterator[str]:
    for _, it in each_await(faults):
        yield from it.wrong
