"""What a turn wants published with its settle: wake-ups, and the jobs that the saga calls. Each once, by the entry that asks."""

from collections.abc import Callable

from workhorse.core.contract import Envelope
from workhorse.core.sagas.journal import Journal
from workhorse.core.sagas.records import Sent
from workhorse.durable.sagas import jobs
from workhorse.durable.sagas.jobs import Address


class Requests:
    """`again`: what was sent is sent once more, as the one before may have died between writing that and publishing it.
    `anew`: wake-ups are sent once more under ids that end so, as those that were sent may have come while the saga could not go on."""

    def __init__(self, to: Address, journal: Journal, now: Callable[[], float], again: bool, anew: str) -> None:
        self.to, self._journal, self._now, self._again, self.anew = to, journal, now, again, anew
        self._asked: list[int] = []
        self._jobs: list[Envelope] = []
        self._orders: list[Envelope] = []
        self.wakes = 0.0
        """When the saga goes on by itself at the latest, seconds since the epoch; 0: not at all."""

    def timer(self, number: int, delay: float, since: float) -> None:
        """Wake the saga after so many seconds."""
        self.wakes = min(self.wakes or since + delay, since + delay)
        if self.anew and number in self._journal.sent:
            left = max(0.0, since + delay - self._now())
            self.order(jobs.turn(self.to, what=f"{number}{self.anew}", delay=left, number=number))
        self.job(number, jobs.turn(self.to, what=number, delay=delay))

    def job(self, number: int, *envelopes: Envelope) -> None:
        """Publish these, unless they are already."""
        if number in self._asked or (number in self._journal.sent and not self._again):
            return
        self._asked.append(number)
        self._jobs += envelopes

    def turn(self, what: int | str) -> None:
        """Wake the saga at once."""
        self._jobs.append(jobs.turn(self.to, what=what))

    @property
    def jobs(self) -> list[Envelope]:
        """All of them."""
        return [*self._jobs, *self._orders]

    def order(self, job: Envelope) -> None:
        """Publish this, whatever becomes of the turn."""
        self._orders.append(job)

    def forget(self) -> None:
        """Nothing is waited for any more."""
        self._asked, self._jobs = [], []

    def record(self, at: float) -> Sent | None:
        """For the journal."""
        return Sent(of=tuple(self._asked), at=at) if self._asked else None
