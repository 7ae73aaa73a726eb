"""The course of an action queue: what may be asked of it now, whom to call next, and what an error of theirs means.

It calls nobody and waits for nobody. Whoever drives it does, in a thread or on a loop.
"""

import logging
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum

from workhorse.core.action import Action
from workhorse.core.errors import RetryLater, WorkhorseError

log = logging.getLogger("workhorse")


class State(Enum):
    """How far a queue has come, as its errors say it."""

    ADDING = "has executed nothing yet"
    EXECUTING = "is executing"
    EXECUTED = "has executed"
    FAILED = "has executed, and failed"
    ROLLING_BACK = "is rolling back"
    OWING = "has rolled back, but for what failed"
    ROLLED_BACK = "has rolled back"


ROLLABLE = (State.EXECUTED, State.FAILED, State.OWING)


@dataclass(frozen=True)
class Budget:
    """What asking again may cost: how often for each turn, and until when; None is no limit."""

    retries: int | None
    until: float | None

    def allows(self, later: RetryLater, retry: int) -> bool:
        """Whether a turn may go on for this retry, from 1. A snooze is not counted, but it ends with the time."""
        if later.counts and self.retries is not None and retry > self.retries:
            return False
        return self.until is None or time.monotonic() + later.after <= self.until


@dataclass(eq=False)  # one action may stand in a queue twice, and is owed twice
class Debt:
    """An action that was begun and is not rolled back; `error` is what its rollback raised, when it did."""

    action: Action
    error: Exception | None = None


class Turn:
    """One action's turn, one way: what to call, how long to wait before, and whether to call it again."""

    def __init__(self, call: Callable[[], object], budget: Budget, *, forgiving: bool = False) -> None:
        self.call = call
        self.pause = 0.0
        self.error: Exception | None = None
        self._budget, self._forgiving = budget, forgiving
        self._retries = 0
        self._again = True

    def calls(self) -> Iterator["Turn"]:
        """The turn, once for each call to make."""
        while self._again:
            self._again = False
            yield self

    def survives(self, error: Exception) -> bool:
        """Whether what the call raised ends here: it is called again, or the error is kept and others go on."""
        if isinstance(error, RetryLater) and self._budget.allows(error, self._retries + 1):
            self._retries += error.counts
            self._again, self.pause = True, error.after
            return True
        self.error = error
        return self._forgiving


class Course:
    """How far a queue has come, and what it still owes."""

    def __init__(self, max_retries: int | None, deadline: float | None) -> None:
        self.state = State.ADDING
        self.actions: list[Action] = []
        self.debts: list[Debt] = []
        self._max_retries, self._deadline = max_retries, deadline

    def add(self, action: Action) -> None:
        """Append one; WorkhorseError once executing has begun."""
        self._expect("add", State.ADDING)
        self.actions.append(action)

    @contextmanager
    def executing(self) -> Generator[Iterator[Turn]]:
        """The turns of `execute`; left on an error, the queue has failed."""
        self._expect("execute", State.ADDING)
        if not self.actions:
            raise WorkhorseError("execute: expected at least one action, got none; add one first")
        with self._while(State.EXECUTING, then=State.FAILED):
            yield self._forward(self._budget())
        self.state = State.EXECUTED

    @contextmanager
    def rolling_back(self) -> Generator[Iterator[Turn]]:
        """The turns of `rollback`; left early, the queue still owes what it did not reach."""
        self._expect("rollback", *ROLLABLE)
        with self._while(State.ROLLING_BACK, then=State.OWING):
            yield self._back(self._budget())
        if not self.debts:
            self.state = State.ROLLED_BACK

    def _expect(self, verb: str, *states: State) -> None:
        if self.state not in states:
            wanted = "executed" if states == ROLLABLE else "executed nothing yet"
            raise WorkhorseError(
                f"{verb}: expected a queue that has {wanted}, got one that {self.state.value}; "
                f"a queue is executed once and rolled back once, so make another one for more"
            )

    @contextmanager
    def _while(self, state: State, then: State) -> Generator[None]:
        self.state = state
        try:
            yield
        finally:
            self.state = then

    def _budget(self) -> Budget:
        until = None if self._deadline is None else time.monotonic() + self._deadline
        return Budget(self._max_retries, until)

    def _forward(self, budget: Budget) -> Iterator[Turn]:
        for action in self.actions:
            self.debts.append(Debt(action))  # before the call: what raises half way is rolled back, too
            yield from Turn(action.execute, budget).calls()

    def _back(self, budget: Budget) -> Iterator[Turn]:
        for debt in reversed(self.debts.copy()):
            turn = Turn(debt.action.rollback, budget, forgiving=True)
            yield from turn.calls()
            debt.error = turn.error
            if turn.error is None:
                self.debts.remove(debt)
            else:
                name, error = type(debt.action).__name__, type(turn.error).__name__
                log.warning("the rollback of %s failed: %s", name, error, exc_info=turn.error)
