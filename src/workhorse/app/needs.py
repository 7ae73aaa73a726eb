"""What an app asks of its engine: checked when it opens, so that what is missing is an error there, and not a job that waits for ever.

What nobody said is not asked for: a default that the engine cannot keep is no error, and `workhorse doctor` tells of it.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import msgspec

from workhorse.core.contract import Features
from workhorse.core.errors import DeclarationError, EngineRefused
from workhorse.core.options import Priority
from workhorse.core.retry import Exponential, Fixed, Linear, Retry


class Place(msgspec.Struct, frozen=True):
    """What there is: the broker's features, and whether a store keeps facts."""

    features: Features
    keeps: bool


def _results(ttl: float, at: Place) -> str:
    return "" if at.keeps or not ttl else "no store keeps results; give the app a store=, or say result_ttl=0"


def _crashes(most: int, at: Place) -> str:
    return "" if at.features.counts_crashes else "the engine does not count crashes; leave it out"


def _priorities(priority: Priority, at: Place) -> str:
    if at.features.priorities >= len(Priority) or priority is Priority.MEDIUM:
        return ""
    return (
        f"the engine has {at.features.priorities} level(s) of {len(Priority)}; give urgent tasks a queue of their own"
    )


def _unique(unique: object, at: Place) -> str:
    return "" if unique is None or at.features.unique else "the engine has no unique keys; give each job an id instead"


def _lanes(said: object, at: Place) -> str:
    if said is None or at.features.lanes:
        return ""
    return "the engine has no lanes; use one that has (docs/features.md), or one worker of that queue"


def _waits(retry: Retry, at: Place) -> str:
    longest, most = _longest(retry), at.features.max_delay
    return (
        ""
        if longest <= most
        else f"it waits up to {longest:g} s, the engine at most {most:g} s; say a delay with max={most:g}"
    )


def check_sagas(names: Iterable[str], at: Place) -> None:
    """DeclarationError where sagas are declared and the engine cannot run them."""
    named = ", ".join(names)
    if not named or (at.keeps and at.features.lanes):
        return
    if not at.keeps:
        raise DeclarationError(
            f"saga {named}: its journal needs a store, and this engine keeps no facts; give the app a store=, "
            f"'sqlite:///facts.db' say"
        )
    raise DeclarationError(f"saga {named}: its turns need a lane, and this engine has none; use another engine")


def _longest(retry: Retry) -> float:
    """Of a function of the user's own nothing is known before it is called."""
    if not retry.retries or not isinstance(retry.delay, Fixed | Linear | Exponential):
        return 0.0
    return max(retry.delay(1), retry.delay(retry.retries))


def _ticks(schedule: object, at: Place) -> str:
    return "" if at.keeps else "no store keeps its ticks; give the app a store='sqlite:///facts.db', say"


NEEDS: Final[Mapping[str, Callable[[Any, Place], str]]] = {
    "result_ttl": _results,
    "max_crashes": _crashes,
    "priority": _priorities,
    "retry": _waits,
    "schedule": _ticks,
    "unique": _unique,
    "limit": _lanes,
    "ordered_by": _lanes,
}
"""What is missing where this option was said, and what to do; empty: nothing."""


def check_store(keeps: bool, store: str | None) -> None:
    """EngineRefused for an engine that keeps no facts where the app does not say what it wants instead."""
    if not keeps and store is None:
        raise EngineRefused(
            "this engine keeps no facts: no results, no signs of workers. Give the app a second URL that does, "
            "store='sqlite:///facts.db' say, or store='none' to do without"
        )


def check_tasks(said: Mapping[str, Mapping[str, Any]], at: Place) -> None:
    """DeclarationError names each task, by what was said of it and of the app, and each option that asks for too much."""
    lacks = [
        f"task {task}: {option}={value!r}: {why}"
        for task, options in said.items()
        for option, value in options.items()
        if option in NEEDS and (why := NEEDS[option](value, at))
    ]
    if lacks:
        raise DeclarationError("; ".join(lacks[:5]) + (f"; and {len(lacks) - 5} more" if len(lacks) > 5 else ""))
