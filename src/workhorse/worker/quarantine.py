"""Keeps a suspect, a job on its last chance, apart from all others on theirs: its death must not be charged to them."""

import asyncio
from collections.abc import Callable


class Quarantine:
    """One suspect at a time in a process. Before it starts, nothing is being claimed, whatever waited for a slot is handed
    back, and the hand-backs are settled; while it runs, nothing new is claimed. What runs beside it has chances left.

    It lasts for at most a lease: a suspect that has lived so long is probably innocent, and the worker must go on.
    """

    def __init__(
        self, lasting: float, hand_back: Callable[[], None], unsettled: Callable[[], bool], lifted: Callable[[], None]
    ) -> None:
        self._lasting, self._hand_back, self._unsettled, self._lifted = lasting, hand_back, unsettled, lifted
        self._changed = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._claiming = False
        self.occupied = False
        """A suspect runs, or is about to."""
        self.closed = False
        """Nothing may be claimed."""

    def claiming(self, begins: bool) -> None:
        """A claim begins, or has come back and its jobs were accepted."""
        self._claiming = begins
        self.changed()

    def changed(self) -> None:
        """Something was settled."""
        self._changed.set()

    async def enter(self) -> None:
        """Return when the suspect may start."""
        self.occupied = self.closed = True
        self._hand_back()
        while self._claiming or self._unsettled():
            self._changed.clear()
            await self._changed.wait()
            self._hand_back()  # what a claim brought that was under way
        self._timer = asyncio.get_running_loop().call_later(self._lasting, self._lift)

    def leave(self) -> None:
        """The suspect has ended, and its outcome is known."""
        self.occupied = False
        if self._timer is not None:
            self._timer.cancel()
        self._lift()

    def _lift(self) -> None:
        self.closed = False
        self._lifted()
