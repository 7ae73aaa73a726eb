"""Batches: a task that gets many items at once, one a job; what its annotations say of a single one."""

import types
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Union, final, get_args, get_origin

from workhorse.core.checks import whole
from workhorse.core.durations import Duration, seconds
from workhorse.core.errors import DeclarationError
from workhorse.core.looks import is_class

LARGEST: Final = 10_000
"""Items of one batch: so many jobs are held by one worker, and charged if it dies."""


@final
@dataclass(frozen=True, kw_only=True)
class Batch:
    """Give the handler up to `size` items, or what came within `wait` (seconds, or a timedelta) after the first of them.

    DeclarationError for a size that is not from 1 to 10,000.
    """

    size: int = 100
    wait: Duration = 0.5

    def __post_init__(self) -> None:
        if whole(self.size, "Batch: size", least=1) > LARGEST:
            raise DeclarationError(f"Batch: size: expected at most {LARGEST:,}, got {self.size:,}")
        object.__setattr__(self, "wait", seconds(self.wait, "Batch: wait"))


def item_of(hint: Any, what: str) -> Any:
    """The annotation of one item, by that of the list. DeclarationError where it is no list."""
    if hint is Any:
        return Any
    if hint is list or hint is Sequence:
        return Any
    if get_origin(hint) not in (list, Sequence):
        raise DeclarationError(f"{what}: a batch is a list: expected list[...], got {hint!r}")
    return get_args(hint)[0]


def result_of(hint: Any, what: str) -> Any:
    """The annotation of one result, by that of the list: exceptions stand there for items that failed."""
    if hint is None or hint is type(None) or hint is Any:
        return hint
    item = item_of(hint, f"{what}, None or one for each item")
    if get_origin(item) not in (Union, types.UnionType):
        return item
    arms: list[Any] = [arm for arm in get_args(item) if not (is_class(arm) and issubclass(arm, BaseException))]
    made: Any = Union[tuple(arms)] if arms else type(None)  # noqa: UP007 - made of what was found
    return made
