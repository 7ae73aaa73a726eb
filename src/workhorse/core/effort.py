"""What became of one piece of work: each attempt as a value, all of them as an Effort. Nothing here tries anything."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Generic, Literal, TypeAlias, TypeVar, final

from workhorse.core.coroutines import closed

log = logging.getLogger("workhorse")

R_co = TypeVar("R_co", covariant=True)


@final
@dataclass(frozen=True, repr=False)
class Success(Generic[R_co]):
    """An attempt that went well, and its value, whose class alone its repr tells; `started`, `ended`: aware, in UTC."""

    value: R_co
    started: datetime
    ended: datetime
    successful: Literal[True] = True
    __match_args__ = ("value",)

    def __repr__(self) -> str:
        return f"Success({type(self.value).__name__})"


@final
@dataclass(frozen=True, repr=False)
class Failure:
    """An attempt that did not, and its exception, whose class alone its repr tells; `started`, `ended`: aware, in UTC."""

    value: Exception
    started: datetime
    ended: datetime
    successful: Literal[False] = False
    __match_args__ = ("value",)

    def __repr__(self) -> str:
        return f"Failure({type(self.value).__name__})"


Attempt: TypeAlias = Success[R_co] | Failure


@final
@dataclass(frozen=True, repr=False)
class Effort(Generic[R_co]):
    """All attempts at one piece of work, oldest first, at least one; `culmination` is how it ended.

    A failed culmination keeps the last real error; no other is put in its place.
    """

    attempts: tuple[Attempt[R_co], ...]
    culmination: Attempt[R_co]
    reaction_errors: tuple[Exception, ...] = ()

    def __post_init__(self) -> None:
        if not self.attempts:
            raise ValueError("an effort has at least one attempt, got none")

    @property
    def initial_attempt(self) -> Attempt[R_co]:
        """The first attempt."""
        return self.attempts[0]

    @property
    def final_attempt(self) -> Attempt[R_co]:
        """The last attempt; the first one too when there was one."""
        return self.attempts[-1]

    @property
    def retries(self) -> tuple[Attempt[R_co], ...]:
        """All attempts but the first."""
        return self.attempts[1:]

    def result(self) -> R_co:
        """The value, or raise the exception."""
        if isinstance(self.culmination, Failure):
            raise self.culmination.value
        return self.culmination.value

    def react(
        self,
        reaction: "Callable[[Effort[R_co]], object]",
        *,
        on: Literal["always", "success", "failure"] = "always",
    ) -> "Effort[R_co]":
        """Call `reaction` with this effort, always or only after a success or a failure, here and now.

        Returns the effort; what the reaction raised is logged and kept in its `reaction_errors`. ValueError for another
        `on`, TypeError for a reaction that cannot be called.
        """
        if on not in ("always", "success", "failure"):
            raise ValueError(f"on: expected 'always', 'success' or 'failure', got {on!r}")
        if not callable(reaction):
            raise TypeError(f"react: expected a function of the effort, got {type(reaction).__name__}: {reaction!r}")
        if on != "always" and self.culmination.successful != (on == "success"):
            return self
        error = _called(reaction, self)
        if error is None:
            return self
        log.warning("a reaction to %r failed: %s", self, type(error).__name__, exc_info=error)
        return replace(self, reaction_errors=(*self.reaction_errors, error))

    def __repr__(self) -> str:
        ending = "succeeded" if self.culmination.successful else "failed"
        return f"Effort({ending}, {len(self.attempts)} attempts)" if self.retries else f"Effort({ending})"


def _called(reaction: Callable[[Effort[R_co]], object], effort: Effort[R_co]) -> Exception | None:
    try:
        answer = reaction(effort)
    except Exception as error:
        return error
    if closed(answer):
        return TypeError(f"a reaction is a plain function, got the coroutine function {reaction!r}")
    return None
