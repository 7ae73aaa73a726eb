"""The history, told again as lives of jobs: each publish of an id that was not there begins one, with the claims that held it."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from simulation.history import Happening, History

ENDINGS = ("Succeeded", "Dead", "Cancelled")


@dataclass(slots=True)
class Holding:
    """One claim; `until` is when its lease ends, by the engine's clock."""

    claimed: Happening
    token: str
    process: str
    until: float
    settled: Happening | None = None
    runs: list[Happening] = field(default_factory=list)
    finished: set[int] = field(default_factory=set)


@dataclass(slots=True)
class Life:
    """From its acceptance to its end."""

    id: str
    number: int
    accepted: Happening
    holdings: list[Holding] = field(default_factory=list)
    failures: int = 0
    due: float = 0.0
    """Before which it may not be claimed, unless it is to be cancelled."""
    cancel: Happening | None = None
    ended: Happening | None = None
    deleted: Happening | None = None

    @property
    def over(self) -> bool:
        return self.ended is not None or self.deleted is not None

    @property
    def held(self) -> bool:
        """Whether a claim of it was never settled."""
        return bool(self.holdings) and self.holdings[-1].settled is None

    def holding(self, token: str) -> Holding | None:
        """The one of this token."""
        return next((it for it in reversed(self.holdings) if it.token == token), None)


class Lives:
    """All of a run; `at` the moment of each happening, so that who looks on sees things as they were then."""

    def __init__(self) -> None:
        self.all: list[Life] = []
        self.current: dict[str, Life] = {}

    def follow(self, happening: Happening) -> None:
        """What it changes."""
        change = getattr(self, f"_{happening.word}", None)
        if change is not None:
            change(happening)
        elif happening.word == "cancel acked" and (life := self.current.get(happening.job)) is not None:
            life.cancel = life.cancel or happening

    def living(self) -> Iterable[Life]:
        """Those that have not ended."""
        return [life for life in self.current.values() if not life.over]

    def _accepted(self, it: Happening) -> None:
        life = self.current.get(it.job)
        if life is None or life.deleted is not None:
            life = Life(it.job, len(self.all), it, due=it.wall + it.more["delay"])
            self.all.append(life)
            self.current[it.job] = life

    def _claimed(self, it: Happening) -> None:
        if (life := self.current.get(it.job)) is not None:
            life.holdings.append(Holding(it, it.more["token"], it.process, it.wall + it.more["lease"]))

    def _extended(self, it: Happening) -> None:
        life = self.current.get(it.job)
        holding = life.holding(it.more["token"]) if life is not None else None
        if holding is not None and it.more["answer"] != "lost":
            holding.until = it.wall + it.more["lease"]

    def _started(self, it: Happening) -> None:
        if (holding := self._of_process(it)) is not None:
            holding.runs.append(it)

    def _finished(self, it: Happening) -> None:
        if (holding := self._of_process(it)) is not None:
            holding.finished.add(it.more["run"])

    def _settled(self, it: Happening) -> None:
        life = self.current.get(it.job)
        if life is None or it.more["undone"]:
            return
        if (holding := life.holding(it.more["token"])) is not None:
            holding.settled = it
        life.due = it.wall + it.more["after"]
        life.failures += it.more["kind"] == "Retried"
        if it.more["kind"] in ENDINGS:
            life.ended = life.ended or it

    def _cancelled(self, it: Happening) -> None:
        if (life := self.current.get(it.job)) is not None and not life.over:
            life.cancel = life.cancel or it

    def _deleted(self, it: Happening) -> None:
        if (life := self.current.get(it.job)) is not None:
            life.deleted = it

    def _of_process(self, it: Happening) -> Holding | None:
        """The claim that a run is under: its process' last one, also of a life that was deleted meanwhile."""
        for life in reversed(self.all):
            if life.id == it.job:
                for holding in reversed(life.holdings):
                    if holding.process == it.process and (it.word == "started" or _runs(holding, it)):
                        return holding
        return None


def _runs(holding: Holding, it: Happening) -> bool:
    return any(run.more["run"] == it.more["run"] for run in holding.runs)


def replayed(history: History) -> Lives:
    """The whole of it."""
    lives = Lives()
    for happening in history:
        lives.follow(happening)
    return lives
