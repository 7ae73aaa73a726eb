"""A saga that was enqueued, seen from outside."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol, TypeVar, cast, final

from workhorse.core.handle import Door, JobHandle

R_co = TypeVar("R_co", covariant=True)


@final
@dataclass(frozen=True)
class Entry:
    """One line of a saga's journal: a step and what became of it. `result` is None where there is none, or not yet."""

    step: str
    state: Literal["started", "done", "failed", "undone", "undo_failed"]
    attempts: int
    result: Any
    at: datetime


class SagaDoor(Protocol):
    """What the handle of a saga asks of its app beside what every handle does."""

    async def journal(self, id: str) -> Sequence[Entry]:
        """Every step so far."""
        ...

    async def signal(self, id: str, name: str, value: object) -> None:
        """Wake a wait of this name, now or later."""
        ...

    async def resume(self, id: str) -> None:
        """Go on after it stopped."""
        ...

    async def cancel(self, id: str) -> bool:
        """Undo what it did, and end; False when it had ended."""
        ...


class AppOfSagas(Door, Protocol):
    """The app that a saga belongs to."""

    @property
    def sagas(self) -> SagaDoor:
        """Its door for sagas."""
        ...


class SagaHandle(JobHandle[R_co]):
    """A saga that was enqueued. When it was compensated, `result()` raises JobFailed with the error that made it fail, or
    JobCancelled; while its code does not match its journal, SagaMismatch."""

    __slots__ = ()

    async def journal(self) -> Sequence[Entry]:
        """Every step so far, oldest first. JobNotFound once the saga is forgotten."""
        return await self._sagas.journal(self._id)

    async def signal(self, name: str, value: object = None) -> None:
        """Wake a `wait_for` of this name, now or later. Durable when it returns; kept until the saga waits for it.

        JobNotFound for a saga that nobody knows, or that has ended; EnqueueRefused for a value that cannot travel, and
        when a thousand signals wait already.
        """
        await self._sagas.signal(self._id, name, value)

    async def resume(self) -> None:
        """Go on after `compensation_failed`, or after a mismatch was fixed. JobNotFound as of `signal`."""
        await self._sagas.resume(self._id)

    async def cancel(self) -> bool:
        """Undo what it did, newest first, and end `compensated`; False when it had ended. A step that runs is told."""
        return await self._sagas.cancel(self._id)

    @property
    def _sagas(self) -> SagaDoor:
        return cast(AppOfSagas, self._door).sagas

    def __repr__(self) -> str:
        return f"SagaHandle({self._id!r})"
