"""`limit=` and `ordered_by=`: how many jobs of a key at once and in a time, and in which order; what both become is a lane."""

import re
import string
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, final

from workhorse.core.checks import whole
from workhorse.core.errors import DeclarationError

SPANS: Final = {"s": 1.0, "min": 60.0, "h": 3600.0, "day": 86_400.0}
RATE: Final = re.compile(r"([0-9]{1,9})/(s|min|h|day)")

CLOSEST: Final = 0.000_001
"""Seconds between two jobs: engines count in microseconds."""


@final
@dataclass(frozen=True, kw_only=True)
class Limit:
    """How many jobs of a task at once and how many in a time, over all workers, for each key.

    `concurrency`: so many run at once. `rate`: "100/min" (or s, h, day): so many begin in a time, evenly spaced. `key`:
    parameters in braces, "{to}"; without one the limit is the whole task's. DeclarationError for anything else.
    """

    concurrency: int | None = None
    rate: str | None = None
    key: str | None = None

    def __post_init__(self) -> None:
        if self.concurrency is None and self.rate is None:
            raise DeclarationError("Limit: expected a concurrency or a rate, got neither")
        if self.concurrency is not None:
            whole(self.concurrency, "Limit: concurrency", least=1)
        if self.key is not None:
            fields(self.key, "Limit: key")
        if self.rate is not None:
            spacing(self.rate)

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters whose values are the key."""
        return () if self.key is None else fields(self.key, "Limit: key")


@lru_cache(1000)
def numbers_of(limit: Limit | None, ordered: bool) -> tuple[int | None, bool, float]:
    """Width, order and spacing of the lane that they ask for."""
    every = 0.0 if limit is None or limit.rate is None else spacing(limit.rate)
    if ordered:
        return 1, True, every
    return None if limit is None else limit.concurrency, False, every


def spacing(rate: object) -> float:
    """Seconds between two jobs of a rate. DeclarationError for what is none."""
    found = RATE.fullmatch(rate) if isinstance(rate, str) else None
    count = int(found[1]) if found is not None else 0
    if found is None or not count or SPANS[found[2]] / count < CLOSEST:
        raise DeclarationError(f"Limit: rate: expected a number in a time, as '100/min' (s, min, h, day), got {rate!r}")
    return SPANS[found[2]] / count


def fields(template: object, what: str) -> tuple[str, ...]:
    """The names in the braces of a key, in their order. DeclarationError for anything but names, since a format with more
    to it would run code of the values."""
    found = _fields(template) if isinstance(template, str) else ()
    if not found:
        raise DeclarationError(f"{what}: expected parameters' names in braces, as '{{account}}', got {template!r}")
    return found


@lru_cache(1000)
def _fields(template: str) -> tuple[str, ...]:
    """Empty where there is none, or anything else in some braces."""
    try:
        found = [part for part in string.Formatter().parse(template) if part[1] is not None]
    except ValueError:
        return ()
    if any(spec or conversion or not str(name).isidentifier() for _, name, spec, conversion in found):
        return ()
    return tuple(str(name) for _, name, _, _ in found)
