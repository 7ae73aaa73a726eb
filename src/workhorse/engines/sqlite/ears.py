"""Who waits for work or for a fact, and how they are woken: by our own commits at once, by those of others through a look."""

import asyncio
import threading
from collections.abc import Callable, Collection, Generator, Mapping
from contextlib import contextmanager

from workhorse.engines.keeping import FOREVER
from workhorse.engines.sqlite.steering import Steering


class Ear:
    """One wait: rung from any thread, heard in its own loop."""

    def __init__(self, queues: Collection[str], known: Mapping[str, int]) -> None:
        self.queues, self.known = queues, known
        self.until = FOREVER  # microseconds: it wakes by itself then
        self._loop = asyncio.get_running_loop()
        self._heard = self._loop.create_future()
        self._rung = False

    def ring(self) -> None:
        """Wake it; thread safe."""
        if not self._rung:
            self._rung = True
            try:
                self._loop.call_soon_threadsafe(self._wake)
            except RuntimeError:  # its loop is closed: nobody waits any more
                pass

    async def heard(self, timeout: float, now: Callable[[], int], steering: Steering | None) -> None:
        """Return when it was rung, at `until`, or after `timeout` seconds (of the host's clock, or of the one that is steered)."""
        start = now()
        if self.until <= start:
            return
        end: Callable[[], None] | None = None
        if steering is None:
            timeout = min(timeout, (self.until - start) / 1_000_000)
        else:
            self.until = min(self.until, start + round(timeout * 1_000_000))
            end = steering.follow(lambda: self._moved(now()))
            self._moved(now())
        timer = self._loop.call_later(timeout, self._wake)
        try:
            await self._heard
        finally:
            timer.cancel()
            if end is not None:
                end()

    def _moved(self, now: int) -> None:
        if now >= self.until:
            self.ring()

    def _wake(self) -> None:
        if not self._heard.done():
            self._heard.set_result(None)


class Ears:
    """All that listen on one link."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_queue: dict[str, set[Ear]] = {}
        self._by_key: dict[str, set[Ear]] = {}

    @contextmanager
    def listening(self, queues: Collection[str] = (), known: Mapping[str, int] | None = None) -> Generator[Ear]:
        """An ear for as long as the block lasts. Whoever looks inside the block misses nothing that is committed later."""
        ear = Ear(queues, known or {})
        places = [(self._by_queue, name) for name in ear.queues] + [(self._by_key, key) for key in ear.known]
        with self._lock:
            for ears, name in places:
                ears.setdefault(name, set()).add(ear)
        try:
            yield ear
        finally:
            with self._lock:
                for ears, name in places:
                    if others := ears.get(name):
                        others.discard(ear)
                        if not others:
                            del ears[name]

    def tell(self, queues: Collection[str], keys: Collection[str]) -> None:
        """Something was committed that concerns these."""
        if not self._by_queue and not self._by_key:
            return
        with self._lock:
            found = [ear for queue in queues for ear in self._by_queue.get(queue, ())]
            found += [ear for key in keys for ear in self._by_key.get(key, ())] if self._by_key else []
        for ear in found:
            ear.ring()

    def wanted(self) -> tuple[set[str], dict[str, set[int]]]:
        """The queues that somebody listens for, and the versions known of each key."""
        with self._lock:
            known = {key: {ear.known[key] for ear in ears} for key, ears in self._by_key.items()}
            return set(self._by_queue), known

    def earlier(self, dues: Mapping[str, int]) -> None:
        """These queues have something due at these moments: wake those who would wake later by themselves."""
        with self._lock:
            found = [ear for queue, due in dues.items() for ear in self._by_queue.get(queue, ()) if due < ear.until]
        for ear in found:
            ear.ring()
