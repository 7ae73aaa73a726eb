"""How long things are kept: ended jobs, the ids that were given, what a deleted job leaves behind. Times are microseconds."""

from dataclasses import dataclass
from typing import Final

from workhorse.core import ids

SECOND: Final = 1_000_000

FOREVER: Final = 1 << 62
"""The moment that never comes."""

GIVEN: Final = 86_400 * SECOND
"""An id that somebody gave is remembered for a day at least: who gave it may well give it again."""

DELETED: Final = b'{"deleted":true}'
"""The fact `result/ID` of a job that was deleted before its end."""

DELETED_TTL: Final = 3600.0
"""Seconds for which whoever waits for a deleted job's result can learn of it."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How long ended jobs are kept, in microseconds."""

    retain: int = 3600 * SECOND
    dead_retain: int = FOREVER


def micros(seconds: float) -> int:
    """Seconds as microseconds."""
    return round(seconds * SECOND)


def is_ours(id: str) -> bool:
    """Made by us, so that it does not come again."""
    return not ids.is_given(id)
