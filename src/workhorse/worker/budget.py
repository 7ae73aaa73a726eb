"""How many jobs a worker may still run: exact over all processes that share it."""

import math
from typing import Protocol


class Budget(Protocol):
    """Tickets, one a job: taken before a claim, given back for what it did not bring."""

    def take(self, wanted: int) -> int:
        """At most so many; 0 when none are left."""
        ...

    def give_back(self, unused: int) -> None:
        """These were not needed."""
        ...


class LocalBudget:
    """For one worker; without a number it is endless."""

    def __init__(self, jobs: int | None = None) -> None:
        self._left: float = math.inf if jobs is None else jobs

    def take(self, wanted: int) -> int:
        taken = int(min(wanted, self._left))
        self._left -= taken
        return taken

    def give_back(self, unused: int) -> None:
        self._left += unused
