"""Who does harm, and when: at chance, at one given point, or never."""

import random
from typing import Final, Literal, Protocol, cast

Side = Literal["before", "after"]
Fault = Literal["kill", "freeze", "unavailable", "lost", "stall"]

_CHOICE: Final[dict[Side, tuple[Fault, ...]]] = {
    "before": ("kill", "freeze", "freeze", "unavailable", "stall"),
    "after": ("kill", "kill", "freeze", "lost", "stall"),
}


class Nemesis(Protocol):
    def choose(self, process: str, number: int, side: Side) -> Fault | None:
        """What happens at the await before or after the effect of the run's n-th verb."""
        ...


class Peace:
    """Nothing happens; `met` are the points where something could have."""

    def __init__(self) -> None:
        self.met: list[tuple[int, Side]] = []

    def choose(self, process: str, number: int, side: Side) -> Fault | None:
        self.met.append((number, side))
        return None

    def __str__(self) -> str:
        return "none"


class Chance:
    """Something, now and then."""

    def __init__(self, chance: random.Random, rate: float) -> None:
        self._chance, self._rate = chance, rate

    def choose(self, process: str, number: int, side: Side) -> Fault | None:
        return self._chance.choice(_CHOICE[side]) if self._chance.random() < self._rate else None


class At:
    """One fault, at one point."""

    def __init__(self, number: int, side: Side, fault: Fault) -> None:
        self._point, self._fault = (number, side), fault

    def choose(self, process: str, number: int, side: Side) -> Fault | None:
        return self._fault if (number, side) == self._point else None

    def __str__(self) -> str:
        return f"{self._fault}:{self._point[0]}:{self._point[1]}"


def named(text: str) -> At | Peace:
    """From what `str` made of it."""
    if text == "none":
        return Peace()
    fault, number, side = text.split(":")
    return At(int(number), cast(Side, side), cast(Fault, fault))
