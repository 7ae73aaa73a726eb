"""The nemesis: does to the processes of a run what a seed says, writes it down, and in the end takes it all back."""

import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Mapping

from account import Fault
from ledger import LEASE
from ledger.crew import Crew, Life
from ledger.ground import Blow, Ground
from ledger.journal import Journal, now

HOUR = 3600
JUMPED = 1.5
"""Seconds for which a clock stays wrong."""

NOBODY = ""
"""Whom a fault hits that is no excuse."""

SETTLES = 0.05
"""Seconds after which everybody who asked the time before a jump has used it."""


class Nemesis:
    """One fault after the other, each at a random time; long ones go on beside the next. `turn` is called all the while."""

    def __init__(self, chance: random.Random, crew: Crew, journal: Journal, ground: Ground) -> None:
        self._chance, self._crew, self._journal = chance, crew, journal
        self._blows, self._clock = ground.blows, ground.clock
        self._right = 0 if ground.clock is None else ground.clock.offset
        self._under_way = 0
        self._ends: list[tuple[float, Callable[[], None]]] = []
        self.done: Counter[str] = Counter()
        """Faults, by kind."""

    def plan(self, counts: Mapping[str, int]) -> list[str]:
        """So many of each kind, in a random order; those that cannot be had here are left out."""
        kinds = [kind for kind, count in counts.items() for _ in range(count) if self._can(kind)]
        self._chance.shuffle(kinds)
        return kinds

    def strike(self, kind: str) -> bool:
        """Do one of this kind; False when there is nobody just now to do it to."""
        done = {
            "kill": self._kill, "stop": self._stop, "term": self._term, "producer killed": self._kill_producer,
            "forward": lambda: self._jump(HOUR), "back": lambda: self._jump(-HOUR),
        }.get(kind, lambda: self._deal(kind))()  # fmt: skip
        self.done[kind] += done
        return done

    def kill(self, life: Life) -> None:
        """This one."""
        begins = now()
        life.process.kill()
        life.process.wait()
        self._note("kill", life.who, begins)

    def turn(self) -> None:
        """End what is over."""
        for over in [each for each in self._ends if each[0] <= time.monotonic()]:
            self._ends.remove(over)
            over[1]()

    def heal(self) -> None:
        """End everything, now. The clock goes where it was furthest: what was put off by it must not wait for an hour."""
        for over in self._ends:
            over[1]()
        self._ends.clear()
        if self._clock is not None and self._clock.offset != self._clock.furthest:
            self._set_clock(self._clock.furthest)

    def _can(self, kind: str) -> bool:
        if kind in ("forward", "back"):
            return self._clock is not None
        return kind in ("kill", "stop", "term", "producer killed") or kind in self._blows

    def _kill(self) -> bool:
        life = self._victim()
        if life is None:
            return False
        self.kill(life)
        return True

    def _stop(self) -> bool:
        """Past its lease: it wakes as one whose jobs are another's."""
        life = self._victim()
        if life is None:
            return False
        begins = now()
        life.process.send_signal(signal.SIGSTOP)
        life.thaws = time.monotonic() + LEASE * self._chance.uniform(1.2, 2.0)
        self._ends.append((life.thaws, lambda: self._thaw(life, begins)))
        return True

    def _thaw(self, life: Life, begins: float) -> None:
        life.thaws = None
        life.process.send_signal(signal.SIGCONT)
        self._note("stop", life.who, begins)

    def _term(self) -> bool:
        life = self._victim()
        if life is None:
            return False
        begins = now()
        life.told = True
        life.process.terminate()
        self._note("term", life.who, begins, lasting=30)
        return True

    def _kill_producer(self) -> bool:
        life = self._crew.producer
        if life is None or not life.alive:
            return False
        begins = now()
        life.process.kill()
        life.process.wait()
        self._note("producer killed", life.who, begins)
        return True

    def _jump(self, offset: float) -> bool:
        if self._clock is None or self._clock.offset != self._right:
            return False
        self._set_clock(self._right + offset)
        self._ends.append((time.monotonic() + JUMPED, lambda: self._set_clock(self._right)))
        return True

    def _set_clock(self, offset: float) -> None:
        assert self._clock is not None
        begins = now()
        self._clock.set(offset)
        self._note("jump", "*", begins, lasting=SETTLES)

    def _deal(self, kind: str) -> bool:
        """One at a time: a server that is frozen is not killed."""
        if self._under_way:
            return False
        blow, begins = self._blows[kind], now()
        blow.begin()
        self._under_way += 1
        self._ends.append((time.monotonic() + self._chance.uniform(*blow.lasts), lambda: self._end(kind, blow, begins)))
        return True

    def _end(self, kind: str, blow: Blow, begins: float) -> None:
        self._under_way -= 1
        blow.end()
        self._note(kind, "*" if blow.excuses else NOBODY, begins)

    def _victim(self) -> Life | None:
        at_work = self._crew.at_work()
        return self._chance.choice(at_work) if at_work else None

    def _note(self, kind: str, victim: str, begins: float, lasting: float = 0) -> None:
        who = self._journal.who
        self._journal.note(Fault(at=begins, who=who, kind=kind, victim=victim, begins=begins, ends=now() + lasting))
