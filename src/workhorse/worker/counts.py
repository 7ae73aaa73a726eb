"""What a worker did, counted by outcome."""

from dataclasses import dataclass
from typing import final

from workhorse.core.contract import Cancelled, Dead, Outcome, Released, Retried, Succeeded


@final
@dataclass(frozen=True)
class Counts:
    """How many jobs a worker settled, by what became of them; a job that was retried twice counts three times."""

    succeeded: int = 0
    retried: int = 0
    released: int = 0
    dead: int = 0
    cancelled: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.succeeded + other.succeeded,
            self.retried + other.retried,
            self.released + other.released,
            self.dead + other.dead,
            self.cancelled + other.cancelled,
        )


class Tally:
    """Counts while they grow; also by queue, for the rates that people see."""

    def __init__(self) -> None:
        self._by_kind: dict[type[Outcome], int] = dict.fromkeys((Succeeded, Retried, Released, Dead, Cancelled), 0)
        self.by_queue: dict[str, int] = {}

    def add(self, outcome: Outcome) -> None:
        """One more."""
        self._by_kind[type(outcome)] += 1
        queue = outcome.claim.job.queue
        self.by_queue[queue] = self.by_queue.get(queue, 0) + 1

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self._by_kind.values())

    def counts(self) -> Counts:
        """As a value."""
        kinds = self._by_kind
        return Counts(kinds[Succeeded], kinds[Retried], kinds[Released], kinds[Dead], kinds[Cancelled])
