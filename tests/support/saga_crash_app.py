"""Sagas of six steps whose workers die or freeze at a point: what each step does outside is counted in a database of its own."""

import asyncio
import sys
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final

import crashing
import crashing_on
import forge
from crash_app import LEASE
from effects import Effects
from workhorse import Context, Fixed, Retry, Saga, SagaHandle, Workhorse
from workhorse.core.action import Action
from workhorse.core.sagas.step import Step, step

PATHS: Final = ("forward", "back", "waits")
"""All goes well; the last step fails; between the steps it waits for time, for others, and for another job."""

STEPS: Final = ("one", "two", "three", "four", "five", "six")

HEARD: Final = "go"
"""The signal that `waits` waits for."""


class Deeds:
    """The steps, as they are in one process."""

    def __init__(self, effects: Effects) -> None:
        self._effects = effects

    def __call__(self, name: str, *, threaded: bool = False, fails: int = 0, last: bool = False) -> Step[..., str]:
        """One step. It fails so often, or, the last of all, always, and for good."""

        def act(key: str) -> str:
            self.do(name, key)
            context = Context.current()
            if last or (context is not None and context.attempt <= fails):
                raise ValueError(f"{name} fails")
            return name

        async def acting(key: str) -> str:
            return act(key)

        def undo(result: str | None, key: str) -> None:
            self.undo(name, key)

        retry = Retry(fails, Fixed(0))
        return step(act if threaded else acting, undo=undo, name=name, retry=retry)

    def do(self, name: str, key: str) -> None:
        """In the world outside; with a point before and one after."""
        crashing.cross("step.before")
        self._effects.add("do", name, key)
        crashing.cross("step.after")

    def undo(self, name: str, key: str) -> None:
        """It is taken back there."""
        crashing.cross("undo.before")
        self._effects.add("undo", name, key)
        crashing.cross("undo.after")


@dataclass
class Four(Action):
    """The fourth step of each is an action."""

    key: str
    done: bool = False

    def execute(self) -> None:
        _deeds[0].do("four", self.key)
        self.done = True

    def rollback(self) -> None:
        _deeds[0].undo("four", self.key)


_deeds: list[Deeds] = []
"""Of the app that was made last: an action's fields are its state, and this is none of it."""


def make(url: str, effects: str, store: str | None = None) -> Workhorse:
    """The app; every process makes its own."""
    app = Workhorse(url, name="crash", store=store)
    deeds = Deeds(Effects(effects))
    _deeds[:] = [deeds]
    one, two, three, five, six = (
        deeds("one"), deeds("two"), deeds("three", fails=1), deeds("five", threaded=True), deeds("six"),
    )  # fmt: skip

    @app.task(name="child")
    async def child(word: str) -> str:
        return word * 2

    @app.saga(name="forward")
    async def forward(saga: Saga) -> str:
        said = [await each(saga.idempotency_key) for each in (one, two, three)]
        await saga.do(Four(saga.idempotency_key))
        return "".join(said) + await five(saga.idempotency_key) + await six(saga.idempotency_key)

    @app.saga(name="back")
    async def back(saga: Saga) -> str:
        for each in (one, two, three):
            await each(saga.idempotency_key)
        await saga.do(Four(saga.idempotency_key))
        await five(saga.idempotency_key)
        return await deeds("six", last=True)(saga.idempotency_key)

    @app.saga(name="waits")
    async def waits(saga: Saga) -> str:
        await one(saga.idempotency_key)
        await saga.sleep(0)
        both = await saga.gather(two(saga.idempotency_key), three(saga.idempotency_key))
        word = await saga.call(child, "".join(both))
        await saga.do(Four(saga.idempotency_key))
        heard = await saga.wait_for(HEARD, int)
        await five(saga.idempotency_key)
        late = await saga.wait_for("nobody", int, timeout=0)
        return f"{word} {heard} {late} {await six(saga.idempotency_key)}"

    return app


async def work(app: Workhorse) -> None:
    """All that is due, one job at a time: so that the points come in one order."""
    await app.worker(concurrency=1, burst=True, lease=LEASE, signals=()).run()


async def hear(app: Workhorse, handle: SagaHandle[Any]) -> None:
    """The signal that it waits for."""
    await handle.signal(HEARD, 5)


async def within(url: str, effects: str, store: str | None) -> None:
    """The same, in an app of its own."""
    async with make(url, effects, store) as app:
        await work(app)


def main(url: str, effects: str, store: str = "") -> None:
    """Work until death, or until all is done."""
    crashing_on.install(url)
    asyncio.run(within(url, effects, store or None))


if __name__ == "__main__":
    import saga_crash_app  # under its own name, as who imports it knows it

    for engine in sys.argv[1:]:
        import_module(f"crashing_on.{engine}")  # once, here, and not in each child
    forge.serve(saga_crash_app.main)
    sys.exit(0)
