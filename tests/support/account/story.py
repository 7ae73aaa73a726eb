"""The story of one job, out of the records of all processes: its claims, its runs, how it was settled, how it stands."""

from bisect import insort
from collections.abc import Iterable
from dataclasses import dataclass, field

from account.records import (
    Accepted,
    Asked,
    CancelAcknowledged,
    Claimed,
    Cut,
    Extended,
    Failed,
    Final,
    Finished,
    Record,
    Refused,
    Settled,
    Settling,
    Started,
    Wish,
)

ENDINGS = ("Succeeded", "Cancelled", "Dead")
ENDED = ("succeeded", "cancelled", "dead")


@dataclass
class Run:
    """One call of the task's code, under a claim of its process."""

    start: Started
    claim: Claimed | None
    end: Finished | Failed | Cut | None = None


@dataclass
class Story:
    """All that is known of one job."""

    job: str
    wish: Wish = field(default_factory=Wish)
    asked: list[float] = field(default_factory=list[float])
    accepted: list[float] = field(default_factory=list[float])
    refusals: list[Refused] = field(default_factory=list[Refused])
    cancelled: float | None = None
    claims: list[Claimed] = field(
        default_factory=list[Claimed]
    )  # as they began; which took effect first may be unknown
    extended: list[Extended] = field(default_factory=list[Extended])
    settling: list[Settling] = field(default_factory=list[Settling])
    settled: list[Settled] = field(default_factory=list[Settled])
    runs: list[Run] = field(default_factory=list[Run])
    row: Final | None = None

    @property
    def status(self) -> str:
        """Where it stands; empty: nothing is known of it."""
        return "" if self.row is None else self.row.status

    @property
    def refused(self) -> bool:
        """Somebody who asked for it was told no."""
        return bool(self.refusals)

    @property
    def seen(self) -> bool:
        """There was a job of this id."""
        return self.row is not None or bool(self.claims)

    @property
    def finished(self) -> bool:
        """Some run of it went well to its end."""
        return any(isinstance(run.end, Finished) for run in self.runs)

    @property
    def failures(self) -> int:
        """Runs that raised."""
        return sum(isinstance(run.end, Failed) for run in self.runs)

    @property
    def end(self) -> float | None:
        """The earliest moment at which it may have ended by a settle: until then it was live."""
        return min((it.at for it in self.settling if it.kind in ENDINGS), default=None)

    def superseded(self, claim: Claimed) -> Claimed | None:
        """The next claim."""
        after = self.claims.index(claim) + 1
        return self.claims[after] if after < len(self.claims) else None

    def add(self, record: Record) -> None:
        """Take in what comes next."""
        match record:
            case Asked():
                self.wish = record.wish
                self.asked.append(record.at)
            case Accepted():
                self.accepted.append(record.at)
            case Refused():
                self.refusals.append(record)
            case CancelAcknowledged():
                self.cancelled = record.at if self.cancelled is None else self.cancelled
            case Claimed():
                insort(self.claims, record, key=lambda claim: claim.since)
            case Extended():
                self.extended.append(record)
            case Settling():
                self.settling.append(record)
            case Settled():
                self.settled.append(record)
            case Started():
                self.runs.append(Run(record, self._held_by(record.who)))
            case Finished() | Failed() | Cut():
                self._close(record)
            case _:
                pass

    def _held_by(self, who: str) -> Claimed | None:
        """The newest claim of this process under which nothing was run yet; else the newest."""
        its, run = [claim for claim in reversed(self.claims) if claim.who == who], [run.claim for run in self.runs]
        return next((claim for claim in its if claim not in run), its[0] if its else None)

    def _close(self, end: Finished | Failed | Cut) -> None:
        for run in self.runs:
            if run.end is None and (run.start.who, run.start.run) == (end.who, end.run):
                run.end = end
                return


def stories(records: Iterable[Record], rows: Iterable[Final]) -> dict[str, Story]:
    """By job, of all jobs that anybody speaks of."""
    told: dict[str, Story] = {}
    for record in records:
        if job := getattr(record, "job", ""):
            told.setdefault(job, Story(job)).add(record)
        for follower in getattr(record, "follows", ()):
            _follows(told.setdefault(follower, Story(follower)), record)
    for row in rows:
        told.setdefault(row.job, Story(row.job)).row = row
    return told


def _follows(follower: Story, record: Record) -> None:
    """Who is published by the settle of another is asked for by it, and accepted when it is answered."""
    match record:
        case Settling():
            follower.asked.append(record.at)
        case Settled(answer=""):
            follower.accepted.append(record.at)
        case _:
            pass
