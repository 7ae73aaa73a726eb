"""The queue of actions that a caller holds: it drives their course, in this thread or on this loop, in this process only."""

import asyncio
import inspect
import time
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Self

from workhorse.core.action import Action, checked, is_asynchronous
from workhorse.core.checks import whole
from workhorse.core.coroutines import closed
from workhorse.core.course import Course, State, Turn
from workhorse.core.durations import Duration, seconds
from workhorse.core.errors import DeclarationError


class ActionQueue:
    """Actions, executed in order and rolled back newest first; all in memory, in the caller's thread or on its loop.

    `max_retries`: how often each action may ask, by RetryLater, to be called again, each way anew. `deadline`: seconds,
    or a timedelta, from the beginning of `execute` or `rollback`, after which none is called again; a snooze (RetryLater
    with `counts=False`) ends by that alone. None, the default of both, sets no limit: the actions count by themselves.
    When a limit is reached, the RetryLater itself is that action's error.

    `with` (or `async with`) rolls back by itself when an error leaves the block, and also when `execute` failed in it;
    the error goes on, with a note of the rollbacks that failed. One queue is executed once and rolled back once, by one
    thread; WorkhorseError for any other order. DeclarationError for what is no action, no number, no duration.
    """

    def __init__(
        self, actions: Iterable[Action] = (), *, max_retries: int | None = None, deadline: Duration | None = None
    ) -> None:
        self._course = Course(
            None if max_retries is None else whole(max_retries, "ActionQueue: max_retries"),
            None if deadline is None else seconds(deadline, "ActionQueue: deadline"),
        )
        for action in _several(actions):
            self.add(action)

    @property
    def rollback_errors(self) -> tuple[Exception, ...]:
        """What the rollbacks raised that have not succeeded since, in the order in which they ran."""
        return tuple(debt.error for debt in reversed(self._course.debts) if debt.error is not None)

    def add(self, action: Action) -> Self:
        """Append an action; returns the queue. WorkhorseError once `execute` was called, also from inside an action."""
        self._course.add(checked(action, "add"))
        return self

    def execute(self) -> None:
        """Execute all that was added, in order, once; the first error propagates as it is, and no later action is begun.

        RetryLater: the same action again, after its wait, which this thread sleeps. TypeError, before any action is
        begun, when one of them is asynchronous. WorkhorseError for an empty queue, or one that was executed before.
        """
        _refuse_asynchronous("execute", self._course.actions)
        with self._course.executing() as turns:
            _drive(turns)

    def rollback(self) -> None:
        """Roll back what was executed and what raised, newest first, never what was not begun.

        A rollback that fails does not stop the others: its error is kept in `rollback_errors`, and a second call tries
        those that failed, and no other. KeyboardInterrupt and SystemExit go through at once; a second call goes on from
        there. TypeError, before anything is rolled back, when an action is asynchronous. WorkhorseError before `execute`,
        and when nothing is left to roll back.
        """
        _refuse_asynchronous("rollback", (debt.action for debt in self._course.debts))
        with self._course.rolling_back() as turns:
            _drive(turns)

    async def execute_async(self) -> None:
        """The same, awaiting what is asynchronous; other actions run on the loop. A cancellation passes through."""
        with self._course.executing() as turns:
            await _drive_async(turns)

    async def rollback_async(self) -> None:
        """The same, awaiting what is asynchronous. A cancellation passes through; a second call goes on from there."""
        with self._course.rolling_back() as turns:
            await _drive_async(turns)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._is_to_be_undone(error):
            self.rollback()
            self._note_on(error)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._is_to_be_undone(error):
            await self.rollback_async()
            self._note_on(error)

    def __repr__(self) -> str:
        return f"ActionQueue({len(self._course.actions)} actions, {self._course.state.value})"

    def _is_to_be_undone(self, error: BaseException | None) -> bool:
        state = self._course.state
        return state is State.FAILED or (state is State.EXECUTED and error is not None)

    def _note_on(self, error: BaseException | None) -> None:
        if error is not None:
            for debt in reversed(self._course.debts):
                error.add_note(f"and the rollback of {type(debt.action).__name__} raised {debt.error!r}")


def _several(actions: Iterable[Action]) -> Iterator[Action]:
    try:
        return iter(actions)
    except TypeError:
        text = f"ActionQueue: expected several actions, got {actions!r}; one is ActionQueue([action])"
        raise DeclarationError(text) from None


def _refuse_asynchronous(verb: str, actions: Iterable[Action]) -> None:
    found = next(filter(is_asynchronous, actions), None)
    if found is not None:
        raise TypeError(f"{verb}: expected plain actions, got the asynchronous {found!r}; await {verb}_async()")


def _drive(turns: Iterator[Turn]) -> None:
    for turn in turns:
        try:
            if turn.pause:
                time.sleep(turn.pause)
            _expect_plain(turn.call())
        except Exception as error:
            if not turn.survives(error):
                raise


async def _drive_async(turns: Iterator[Turn]) -> None:
    for turn in turns:
        try:
            if turn.pause:
                await asyncio.sleep(turn.pause)
            answer = turn.call()
            if inspect.isawaitable(answer):
                await answer
        except Exception as error:
            if not turn.survives(error):
                raise


def _expect_plain(answer: object) -> None:
    if closed(answer):
        raise TypeError(
            "expected a plain action, and it returned a coroutine; await execute_async() and rollback_async()"
        )
