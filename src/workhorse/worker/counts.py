"""What a worker did, counted by outcome."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from workhorse.core.contract import Cancelled, Dead, Released, Retried, Succeeded
from workhorse.worker.running import Running


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
        self._by_kind = Counter[type[object]]()
        self.by_queue = Counter[str]()

    def add(self, these: Sequence[Running]) -> None:
        """Their outcomes are settled."""
        self._by_kind.update([type(it.outcome) for it in these])
        self.by_queue.update([it.claim.job.queue for it in these])

    @property
    def total(self) -> int:
        """All of them."""
        return self._by_kind.total()

    def counts(self) -> Counts:
        """As a value."""
        kinds = self._by_kind
        return Counts(kinds[Succeeded], kinds[Retried], kinds[Released], kinds[Dead], kinds[Cancelled])
