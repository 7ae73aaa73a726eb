"""Waiting without polling: whoever waits lies down at the server, and whoever has news pushes to the list of the sleeper's process. A slow
poll is the last resort: the sleeper that was woken may have died just then."""

import asyncio
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Final

from hiredis import ReplyError

from workhorse.core.errors import WorkhorseError
from workhorse.engines.keeping import SECOND, micros
from workhorse.engines.redis.link import Link
from workhorse.engines.redis.listener import Ear, Listener
from workhorse.engines.redis.scripts import Script, script

FACTS: Final = 6.0
"""So many times longer than for work one sleeps for facts: of a fact all are told, not one."""

OVERSLEEP: Final = 1.0
"""Seconds for which the server takes a sleeper to live after it should have risen by itself."""

_CHUNK: Final = 500
_SLEEP: Final = script("wakes", "sleep")
_RISE: Final = script("wakes", "rise")
_WATCH: Final = script("wakes", "facts", "watch_facts")
_IGNORE: Final = script("ignore_facts")


class Waits:
    """All that wait over one link."""

    def __init__(self, link: Link, poll: float) -> None:
        self._link, self._poll = link, poll
        self._by_loop: dict[asyncio.AbstractEventLoop, Listener] = {}

    async def for_work(self, queues: Sequence[str], timeout: float) -> None:
        """Return when something may be claimed from one of these queues."""
        if not queues:
            return await asyncio.sleep(timeout)
        listener, span = self._listener(), min(timeout, self._poll)
        ear, up = listener.lend(names := tuple(dict.fromkeys(queues))), False
        try:
            due = int(await self._link.run(_SLEEP, ear.name, micros(span + OVERSLEEP), *names))
            up = due == 0 or await ear.heard(_shorter(span, due))
        finally:
            self._end(listener, ear, up, _RISE, names)

    async def for_facts(self, known: Mapping[str, int], timeout: float) -> None:
        """Return when one of these versions is no longer the known one."""
        listener, span = self._listener(), min(timeout, self._poll * FACTS)
        ear, up = listener.lend(None), False
        try:
            due = await self._watch(ear, known, micros(span + OVERSLEEP))
            up = (due == 0 or await ear.heard(_shorter(span, due))) and len(known) == 1
        finally:
            self._end(listener, ear, up, _IGNORE, tuple(known))

    async def close(self) -> None:
        """End what goes on beside those who wait in this loop; they are woken."""
        if listener := self._by_loop.pop(asyncio.get_running_loop(), None):
            await listener.close()

    def _listener(self) -> Listener:
        loop = asyncio.get_running_loop()
        if loop not in self._by_loop:
            for old in [other for other in tuple(self._by_loop) if other.is_closed()]:
                self._by_loop.pop(old, None)
            self._by_loop[loop] = Listener(self._link)
        return self._by_loop[loop]

    async def _watch(self, ear: Ear, known: Mapping[str, int], span: int) -> int:
        pairs, dues = list(known.items()), list[int]()
        for start in range(0, len(pairs), _CHUNK):
            words: list[str | int] = list(chain.from_iterable(pairs[start : start + _CHUNK]))
            due = int(await self._link.run(_WATCH, ear.name, span, *words))
            if due == 0:
                return 0
            dues += [due] if due > 0 else []
        return min(dues, default=-1)

    def _end(self, listener: Listener, ear: Ear, up: bool, script: Script, names: tuple[str, ...]) -> None:
        """`up`: the server knows that this sleeper is up."""
        if up:
            ear.owed += ear.rung
            listener.take_back(ear)
        else:
            listener.later(self._rise(listener, ear, script, names))

    async def _rise(self, listener: Listener, ear: Ear, script: Script, names: tuple[str, ...]) -> None:
        try:
            ear.owed += int(await self._link.run(script, ear.name, *names))
        except (WorkhorseError, ReplyError):  # it lapses by itself
            pass
        listener.take_back(ear)


def _shorter(span: float, due: int) -> float:
    """Until then, if anything is due by itself (microseconds)."""
    return span if due < 0 else min(span, due / SECOND)
