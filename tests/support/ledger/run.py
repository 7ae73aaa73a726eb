"""One round: jobs are asked for and worked at while the nemesis strikes; then all is healed and drained."""

import random
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass

from account import Accepted, Asked, Refused
from ledger import workload
from ledger.crew import Crew
from ledger.journal import Reader
from ledger.nemesis import Nemesis
from ledger.stage import Stage
from ledger.workload import Piece

TURN = 0.02
FUSE = 40
"""A fuse burns at one of so many verbs."""


@dataclass(frozen=True)
class Size:
    """How large a round is. `faults`: how many of each kind; `fused`: the share of workers that kill themselves at a verb."""

    jobs: int
    rate: float
    faults: Mapping[str, int]
    workers: int = 4
    pause: tuple[float, float] = (0.1, 0.6)
    fused: float = 0.3
    patience: float = 180


@dataclass(frozen=True)
class Round:
    """What happened. `recovery`: seconds from the last fault until nothing was left to do; `left`: what was, all the same."""

    nemesis: Nemesis
    took: float
    recovery: float
    left: Mapping[str, int]


def play(stage: Stage, seed: int, pieces: list[Piece], size: Size) -> Round:
    """Chaos, healing, and the drain; then whoever is left to the end is asked for."""
    chance, among = random.Random(seed), workload.before_the_end(pieces)
    workload.save(stage.crew.plan, pieces[:among])
    nemesis = Nemesis(chance, stage.crew, stage.journal, stage.ground)
    began = time.monotonic()
    _Chaos(stage.crew, chance, nemesis, pieces[:among], size).reign()
    healed = time.monotonic()
    left = _drain(stage, size)
    ended = time.monotonic()
    if not left and among < len(pieces):
        left = _finish(stage, size, pieces, among)
    return Round(nemesis, ended - began, ended - healed, left)


def _finish(stage: Stage, size: Size, pieces: list[Piece], among: int) -> dict[str, int]:
    """No fault is left, and no job: what is asked for now finds everything free."""
    workload.save(stage.crew.plan, pieces)
    producer = stage.crew.produce(among, len(pieces)).process
    assert producer.wait(size.patience) == 0, f"the last producer failed: see {stage.crew.logs}"
    return _drain(stage, size)


def _drain(stage: Stage, size: Size) -> dict[str, int]:
    end = time.monotonic() + size.patience
    while (left := stage.office.left()) and time.monotonic() < end:
        stage.crew.bury()
        while len(stage.crew.workers) < size.workers:
            stage.crew.hire()
        time.sleep(TURN * 5)
    return left


class _Chaos:
    """The time of faults: everyone who dies is replaced, until all is asked for and all is done that was planned."""

    def __init__(self, crew: Crew, chance: random.Random, nemesis: Nemesis, pieces: list[Piece], size: Size) -> None:
        self._crew, self._chance, self._nemesis, self._pieces, self._size = crew, chance, nemesis, pieces, size
        self._faults = nemesis.plan(size.faults)
        self._next = 0.0

    def reign(self) -> None:
        """Until it is over; all is healed when this returns."""
        end = time.monotonic() + self._size.patience
        self._crew.produce(0, self._size.rate, self._fuse(1))
        while self._faults or not self._asked():
            assert time.monotonic() < end, f"the nemesis did not come to its end: {self._faults} are left"
            self._nemesis.turn()
            self._tend()
            self._strike()
            time.sleep(TURN)
        self._nemesis.heal()
        for life in self._crew.workers:
            if life.fused and life.alive:
                self._nemesis.kill(life)

    def _strike(self) -> None:
        if not self._faults or time.monotonic() < self._next:
            return
        fault = self._faults.pop()
        if self._nemesis.strike(fault):
            self._next = time.monotonic() + self._chance.uniform(*self._size.pause)
        elif fault != "producer killed" or not self._asked():
            self._faults.insert(self._chance.randint(0, len(self._faults)), fault)

    def _tend(self) -> None:
        self._crew.bury()
        while len(self._crew.workers) < self._size.workers:
            self._crew.hire(self._fuse(self._size.fused))
        producer = self._crew.producer
        if producer is not None and not (producer.alive or self._asked()):
            assert producer.process.returncode == -signal.SIGKILL, f"{producer.who} failed: see {self._crew.logs}"
            self._crew.produce(self._position(), self._size.rate, self._fuse(0.5))

    def _asked(self) -> bool:
        producer = self._crew.producer
        return producer is not None and producer.process.poll() == 0

    def _fuse(self, share: float) -> str:
        burns, verb, side = (
            self._chance.random() < share,
            self._chance.randint(1, FUSE),
            self._chance.choice(("before", "after")),
        )
        return f"{verb}:{side}" if burns else ""

    def _position(self) -> int:
        """Where the next producer goes on: with what got no answer, or after it."""
        asked, answered = set[str](), set[str]()
        for record in Reader(self._crew.journals, "p*").more():
            if isinstance(record, Asked):
                asked.add(record.job)
            elif isinstance(record, Accepted | Refused):
                answered.add(record.job)
        places = {piece.id: place for place, piece in enumerate(self._pieces)}
        after = 1 + max((places[job] for job in asked if job in places), default=-1)
        unanswered = [places[job] for job in asked - answered if job in places and places[job] > after - FUSE]
        return min(unanswered, default=after) if self._chance.random() < 0.5 else after
