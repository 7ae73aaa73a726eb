"""Who waits for work or for a fact, and how they are woken: by name, by a look at the tables, or by themselves when their time comes."""

import asyncio
from collections.abc import Collection, Generator, Iterable, Mapping
from contextlib import contextmanager


class Ear:
    """One wait: it ends when it is rung, when it fails, or when its own time has come."""

    def __init__(self, queues: Collection[str], known: Mapping[str, int]) -> None:
        self.queues, self.known = queues, known
        self._loop = asyncio.get_running_loop()
        self._heard = self._loop.create_future()
        self._timer: asyncio.TimerHandle | None = None

    def ring(self) -> None:
        """End the wait."""
        if not self._heard.done():
            self._heard.set_result(None)

    def fail(self, error: Exception) -> None:
        """End it with an error."""
        if not self._heard.done():
            self._heard.set_exception(error)

    def within(self, seconds: float) -> None:
        """End it in so many seconds, if it does not end before."""
        when = self._loop.time() + seconds
        if self._timer is None or when < self._timer.when():
            self.stop()
            self._timer = self._loop.call_at(when, self.ring)

    def stop(self) -> None:
        """Nobody waits any more."""
        if self._timer is not None:
            self._timer.cancel()

    async def heard(self) -> None:
        """Return when it has ended."""
        await self._heard


class Ears:
    """All that listen on one link."""

    def __init__(self) -> None:
        self._by_queue: dict[str, set[Ear]] = {}
        self._by_key: dict[str, set[Ear]] = {}
        self._all: set[Ear] = set()

    @contextmanager
    def listening(
        self, timeout: float, queues: Collection[str] = (), known: Mapping[str, int] | None = None
    ) -> Generator[Ear]:
        """An ear for as long as the block lasts; it ends after `timeout` seconds at the latest."""
        ear = Ear(queues, known or {})
        places = [(self._by_queue, name) for name in ear.queues] + [(self._by_key, key) for key in ear.known]
        self._all.add(ear)
        for ears, name in places:
            ears.setdefault(name, set()).add(ear)
        ear.within(timeout)
        try:
            yield ear
        finally:
            ear.stop()
            self._all.discard(ear)
            for ears, name in places:
                ears[name].discard(ear)
                if not ears[name]:
                    del ears[name]

    def tell(self, queues: Iterable[str], keys: Iterable[str]) -> None:
        """Something was committed that concerns these."""
        if not self._all:
            return
        for ears, names in ((self._by_queue, queues), (self._by_key, keys)):
            if ears:
                for ear in [ear for name in names for ear in ears.get(name, ())]:
                    ear.ring()

    def all(self) -> list[Ear]:
        """Those who wait now."""
        return list(self._all)
