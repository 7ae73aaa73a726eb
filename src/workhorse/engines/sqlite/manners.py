"""Manners at the write lock: turns among our own kind, and chances for the user's own connection, which takes no turns."""

import sqlite3
import time
from typing import Final

from workhorse.engines.sqlite.turnstile import Turnstile

_LEAST: Final = 0.0005
_SHARE: Final = 0.5
"""Under load the turn is kept for half as long again as the work took, with the write lock free. SQLite's waiting is a lottery:
who tries now and then needs to find it free now and then."""

_CHANCE: Final = 0.1
"""The same where nobody else was seen: a stranger's first insert must come through well before its time-out, and be seen."""

_GAP: Final = 0.25
_POLITE: Final = 60.0
"""For so many seconds after a stranger's commit, load is also what left the lock free for less than a quarter of the work before it.
With no stranger there it would cost a third of the speed for nothing."""

_WAITED: Final = 0.0001
_LOOK: Final = 0.005
"""Seconds between two looks for strangers: each costs as much as a small commit."""


class Manners:
    """One link's, around each of its write transactions."""

    def __init__(self, turnstile: Turnstile) -> None:
        self._turnstile = turnstile
        self._asked = self._began = self._left = self._polite = 0.0
        self._looked = 0.0
        self._version: int = -1
        self._turns: int = -1
        self._met = False  # others of our kind have committed since the last look

    def enter(self) -> None:
        """Wait for the turn."""
        self._asked = time.perf_counter()
        self._turnstile.enter()
        self._began = time.perf_counter()

    def look_round(self, con: sqlite3.Connection) -> None:
        """With the write lock: has a stranger been here? Then the data changed, and none of us had a turn."""
        if self._began - self._looked < _LOOK:
            return
        version, turns = con.execute("pragma data_version").fetchone()[0], self._turnstile.turns()
        if version != self._version and turns == self._turns and not self._met:
            self._polite = self._began + _POLITE
        self._looked, self._version, self._turns, self._met = self._began, version, turns, False

    def wrote(self, concerns_others: bool) -> None:
        """After a commit."""
        before, self._turns = self._turns, self._turnstile.count()
        self._met |= self._turns != before + 1
        if concerns_others:
            self._turnstile.ring()

    def rest(self, idle: bool) -> None:
        """Leave the write lock alone for a moment, if there is load."""
        work = time.perf_counter() - self._began
        waited = self._began - self._asked > _WAITED
        polite = self._began < self._polite and (not idle or self._asked - self._left < _GAP * work)
        if waited or polite or not idle:
            time.sleep(max(_LEAST, (_SHARE if waited or polite else _CHANCE) * work))

    def leave(self) -> None:
        """The next one's turn."""
        self._turnstile.leave()
        self._left = time.perf_counter()
