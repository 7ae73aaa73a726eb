"""An engine's Features in words: what each is, how much of it there is, and what its lack means."""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from workhorse.cli.times import span
from workhorse.core.contract import Features

FOREVER: Final = 3_200_000_000.0
"""Seconds from which on a duration is no limit: a century."""


class Ability(msgspec.Struct, frozen=True):
    """One field of Features. `without` is what is so where the engine has nothing of it."""

    field: str
    about: str
    without: str
    words: Callable[[Any], str] = lambda has: "yes" if has else "no"
    enough: Callable[[Any], bool] = bool


class Told(msgspec.Struct, frozen=True):
    """What an engine has of one ability; `without` is empty where it has it."""

    about: str
    much: str
    without: str


def _seconds(most: float) -> str:
    return "without limit" if most >= FOREVER else span(most)


ABILITIES: Final = (
    Ability(
        "transactions",
        "a job's end, its facts and the jobs that follow are one transaction",
        "a result may be there of a job that runs again, after a crash between the two",
    ),
    Ability(
        "remembers",
        "an id is known after its job's end for",
        "the same id enqueued again after its job's end is a new job",
        lambda most: _seconds(most) if most else "no",
    ),
    Ability("lanes", "lanes: limits, rates and order", "tasks with a limit, a rate or an order are refused"),
    Ability("unique", "unique keys", "tasks with a unique key are refused"),
    Ability(
        "priorities", "levels of priority", "priorities other than MEDIUM are refused", str, lambda levels: levels >= 3
    ),
    Ability(
        "max_delay",
        "the longest delay",
        "a longer delay or retry is refused",
        _seconds,
        lambda most: most >= FOREVER,
    ),
    Ability("max_size", "the largest job", "", lambda most: f"{most:,} bytes"),
    Ability(
        "fenced",
        "a stale claim settles nothing",
        "a worker judges its lease by its own clock, and stops for a job when it is over",
    ),
    Ability("counts_crashes", "crashes of workers are counted", "a job that kills its workers is tried without end"),
    Ability("inspectable", "jobs can be listed, shown, cancelled, put back", "only the jobs that one holds are seen"),
    Ability("statements", "enqueue in your own transaction", "connection= and ctx.transaction() are refused"),
)


def told(features: Features) -> list[Told]:
    """Every ability of an engine, in words."""
    return [_told(each, getattr(features, each.field)) for each in ABILITIES]


def _told(ability: Ability, has: Any) -> Told:
    return Told(ability.about, ability.words(has), "" if ability.enough(has) else ability.without)
