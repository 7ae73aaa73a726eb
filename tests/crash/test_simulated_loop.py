"""What the simulation rests on: time jumps, each loop is first come, first served, and the dead have no last words."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from simulation.loop import Loop, Scheduler


def begun(loop: Loop, work: Coroutine[Any, Any, Any]) -> None:
    loop.call_soon(lambda: loop.create_task(work))


def test_an_hour_passes_at_once() -> None:
    world, said = Scheduler(1), list[float]()

    async def sleeper() -> None:
        await asyncio.sleep(3600)
        said.append(world.now)

    begun(world.loop("one"), sleeper())
    assert world.run(lambda: bool(said))
    assert said == [3600]
    world.close()


def test_one_loop_is_first_come_first_served_and_between_two_chance_decides() -> None:
    orders = set()
    for seed in range(20):
        world, said = Scheduler(seed), list[str]()
        for name in "ab":
            loop = world.loop(name)
            for number in range(3):
                loop.call_soon(said.append, f"{name}{number}")
        world.run(lambda said=said: len(said) == 6)
        assert [word for word in said if word[0] == "a"] == ["a0", "a1", "a2"]
        orders.add(tuple(said))
    assert len(orders) > 5


def test_the_dead_have_no_last_words() -> None:
    world, said = Scheduler(1), list[str]()
    other = world.loop("other")

    async def speaker() -> None:
        said.append("begun")
        try:
            await asyncio.sleep(1)
        finally:
            other.call_soon(said.append, "last words")
            await asyncio.sleep(1)
            said.append("more of them")

    loop = world.loop("one")
    begun(loop, speaker())
    world.run(lambda: bool(said))
    loop.die()
    assert not world.run(lambda: False, until=10)
    assert said == ["begun"]
    world.close()
    assert said == ["begun"]


def test_who_is_frozen_goes_on_when_its_time_has_come() -> None:
    world, said = Scheduler(1), list[float]()

    async def sleeper() -> None:
        await asyncio.sleep(1)
        said.append(world.now)

    loop = world.loop("one")
    begun(loop, sleeper())
    loop.frozen_until = 5.0
    world.run(lambda: bool(said))
    assert said == [6.0], "its task began only when it was thawed"
    world.close()


def test_what_a_task_raised_and_nobody_looked_at_is_told() -> None:
    world = Scheduler(1)

    async def failing() -> None:
        raise ValueError("nobody hears of this")

    loop = world.loop("one")
    begun(loop, failing())
    world.run(lambda: False, until=1)
    assert [str(error) for error in loop.unheard()] == ["nobody hears of this"]
    world.close()
