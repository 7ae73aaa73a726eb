"""What an engine may offer beyond the contract, for people: facts about itself, problems with their fixes, which queues are
paused. Who asks looks first whether it is there."""

import inspect
from collections.abc import Awaitable, Iterable, Sequence
from typing import Any, Protocol, TypeAlias, cast, runtime_checkable

Pairs: TypeAlias = Iterable[object]


@runtime_checkable
class Describing(Protocol):
    """An engine that can tell of itself: facts as (about, text)."""

    def describe(self) -> "Pairs | Awaitable[Pairs]":
        """What is so."""
        ...


@runtime_checkable
class Checking(Protocol):
    """An engine that can look for problems: each as (problem, fix)."""

    def check(self) -> "Pairs | Awaitable[Pairs]":
        """What should not be so."""
        ...


@runtime_checkable
class Pausing(Protocol):
    """An inspector that tells which queues are paused."""

    async def paused(self) -> Sequence[str]:
        """Their names."""
        ...


async def described(engine: object) -> list[tuple[str, str]]:
    """What the engine tells of itself, if it does."""
    return await _told(engine.describe()) if isinstance(engine, Describing) else []


async def problems(engine: object) -> list[tuple[str, str]]:
    """What the engine finds wrong, if it looks."""
    return await _told(engine.check()) if isinstance(engine, Checking) else []


async def paused(inspector: object) -> Sequence[str]:
    """The queues that are paused, if the inspector tells."""
    return await inspector.paused() if isinstance(inspector, Pausing) else ()


async def _told(answer: Any) -> list[tuple[str, str]]:
    return [_pair(each) for each in cast("Pairs", await answer if inspect.isawaitable(answer) else answer)]


def _pair(each: object) -> tuple[str, str]:
    if isinstance(each, tuple | list):
        first, *rest = [str(part) for part in cast("list[object]", each)]
        return first, "; ".join(rest)
    return str(each), ""
