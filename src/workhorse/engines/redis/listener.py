"""The listener: in one loop, pops this process' wake list on a wire of its own, and rings the ears that its messages name."""

import asyncio
import secrets
from collections.abc import Coroutine, Hashable
from typing import Any, Final

from hiredis import ReplyError

from workhorse.core.errors import WorkhorseError
from workhorse.engines.redis.link import Link

BLOCKED: Final = 10
"""Seconds for which one pop blocks."""

LOST: Final = 60
"""Seconds after which a message does not come any more: the server's list is gone by then."""

MANY: Final = 1000
_WIRE: Final = "wakes"


class Ear:
    """One wait, which the server knows as a sleeper."""

    def __init__(self, name: str, kind: Hashable) -> None:
        self.name, self.kind = name, kind
        self.owed = 0  # messages that the server has sent for it and that did not come yet
        self.rung = False
        self._heard: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def heard(self, seconds: float) -> bool:
        """Return when it was rung, or after so many seconds; whether it was rung."""
        timer = asyncio.get_running_loop().call_later(seconds, self.wake)
        try:
            await self._heard
        finally:
            timer.cancel()
        return self.rung

    def ring(self) -> None:
        """A message came for it."""
        self.rung = True
        self.owed -= 1
        self.wake()

    def wake(self) -> None:
        """End its wait."""
        if not self._heard.done():
            self._heard.set_result(None)


class Listener:
    """Lends ears. The name of one goes to the next that waits for the same, so that the server's sets of sleepers do not grow; not before
    every message for it has come, which would wake the next in vain."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._name = secrets.token_hex(8)
        self._list = link.key(f"wake:{self._name}")
        self._ears: dict[str, Ear] = {}
        self._over: set[str] = set()
        self._free: dict[Hashable, list[str]] = {}
        self._named = 0
        self._popping: asyncio.Task[None] | None = None
        self._loose: set[asyncio.Task[None]] = set()

    def lend(self, kind: Hashable) -> Ear:
        """An ear for a wait of this kind."""
        free = self._free.get(kind)
        self._named += not free
        ear = Ear(free.pop() if free else f"{self._name}/{self._named}", kind)
        self._ears[ear.name] = ear
        if self._popping is None or self._popping.done():
            self._popping = asyncio.create_task(self._pop())
        return ear

    def take_back(self, ear: Ear) -> None:
        """Its wait is over."""
        self._over.add(ear.name)
        if ear.owed > 0:
            asyncio.get_running_loop().call_later(LOST, self._forgive, ear)
        self._release(ear)

    def later(self, work: Coroutine[Any, Any, None]) -> None:
        """Do this beside whoever waits, who may be cancelled."""
        task = asyncio.create_task(work)
        self._loose.add(task)
        task.add_done_callback(self._loose.discard)

    async def close(self) -> None:
        """Whoever waits is woken."""
        tasks = [*self._loose, *([self._popping] if self._popping else [])]
        for task in tasks:
            task.cancel()
        self._wake_all()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _pop(self) -> None:
        try:
            while self._anybody_listens():
                popped = await self._link.ask("BLPOP", self._list, BLOCKED, on=_WIRE, patience=BLOCKED)
                self._ring(popped[1:] if popped else [])
                if popped and self._anybody_listens():  # else the claim of who was rung goes first
                    self._ring(await self._link.ask("LPOP", self._list, MANY, on=_WIRE) or [])
        except (WorkhorseError, ReplyError):  # whoever waits asks again, and is told then
            self._wake_all()

    def _anybody_listens(self) -> bool:
        return any(not ear.rung and name not in self._over for name, ear in self._ears.items())

    def _wake_all(self) -> None:
        for ear in self._ears.values():
            ear.wake()

    def _ring(self, numbers: list[bytes]) -> None:
        for number in numbers:
            if ear := self._ears.get(f"{self._name}/{number.decode()}"):
                ear.ring()
                self._release(ear)

    def _forgive(self, ear: Ear) -> None:
        ear.owed = 0
        self._release(ear)

    def _release(self, ear: Ear) -> None:
        if ear.owed <= 0 and ear.name in self._over:
            self._over.discard(ear.name)
            del self._ears[ear.name]
            self._free.setdefault(ear.kind, []).append(ear.name)
