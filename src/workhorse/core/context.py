"""The running job, seen from inside. Most tasks never look, so a context is made, and its job built, for who does."""

import logging
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from contextvars import ContextVar, Token
from typing import Any, Protocol, TypeAlias

from workhorse.core.ids import new_id
from workhorse.core.job import Job
from workhorse.core.options import Priority

Report: TypeAlias = Callable[[float, str], Awaitable[None]]


class Bearer(Protocol):
    """Who can make the running job's context, should someone ask for it."""

    def bear(self) -> "Context":
        """The same one each time."""
        ...


_current: "ContextVar[Bearer | None]" = ContextVar("workhorse-context", default=None)
_log = logging.getLogger("workhorse.task")
_NO_STATE: Mapping[str, Any] = {}


class Context:
    """The running job; injected as a task's first parameter. `Context()` makes one by hand, to call a task directly."""

    __slots__ = ("_attempt", "_build", "_cancelled", "_job", "_key", "_logger", "_report", "_state")

    def __init__(
        self,
        job: Job[Any] | None = None,
        *,
        attempt: int = 1,
        state: Mapping[str, Any] | None = None,
        report: Report | None = None,
    ) -> None:
        self._job = job
        self._build: Callable[[], Job[Any]] = _by_hand
        self._attempt = attempt
        self._state = _NO_STATE if state is None else state
        self._report = report
        self._key: str | None = None
        self._cancelled = False
        self._logger: logging.LoggerAdapter[logging.Logger] | None = None

    @classmethod
    def lazily(
        cls,
        build: Callable[[], Job[Any]],
        *,
        attempt: int = 1,
        state: Mapping[str, Any] | None = None,
        report: Report | None = None,
        key: str | None = None,
    ) -> "Context":
        """A context whose job is built by `build` when someone first asks for it: most tasks never do."""
        made = cls(attempt=attempt, state=state, report=report)
        made._build, made._key = build, key
        return made

    @classmethod
    def current(cls) -> "Context | None":
        """The context of the job that this code runs for, from anywhere below its task; None outside of one."""
        bearer = _current.get()
        return None if bearer is None else bearer.bear()

    def bear(self) -> "Context":
        """This one: a context made by hand stands for itself."""
        return self

    @property
    def job(self) -> Job[Any]:
        """The job itself: id, arguments, queue, headers."""
        if self._job is None:
            self._job = self._build()
        return self._job

    @property
    def attempt(self) -> int:
        """Counted from 1."""
        return self._attempt

    @property
    def state(self) -> Mapping[str, Any]:
        """What lives as long as the worker; empty unless something was put there."""
        return self._state

    @property
    def log(self) -> logging.LoggerAdapter[logging.Logger]:
        """The logger `workhorse.task`; each record carries `job`, `task` and `attempt`."""
        if self._logger is None:
            job = self.job
            self._logger = _JobLog(_log, {"job": job.id, "task": job.task, "attempt": self._attempt})
        return self._logger

    @property
    def cancelled(self) -> bool:
        """This job is to stop: someone cancelled it, its time is over, or the worker ends."""
        return self._cancelled

    @property
    def idempotency_key(self) -> str:
        """The same for every attempt at this job, or at this step of a saga, and of no other: for the far side of a payment."""
        return self._key or self.job.id

    async def progress(self, done: float, text: str = "") -> None:
        """Say how far the job is, from 0 to 1, with a word on it; ValueError for another number."""
        if not 0 <= done <= 1:
            raise ValueError(f"progress: expected a number from 0 to 1, got {done!r}")
        if self._report is not None:
            await self._report(float(done), text)

    def __repr__(self) -> str:
        return f"Context(attempt={self._attempt})" if self._job is None else f"Context({self._job.id!r})"


def current() -> Bearer | None:
    """Who bears the context of the job that this code runs for."""
    return _current.get()


enter: Callable[[Bearer], "Token[Bearer | None]"] = _current.set
"""From here on `Context.current()` is this one's; give the token to `leave`."""

leave: Callable[["Token[Bearer | None]"], None] = _current.reset
"""What was current before is so again."""


def cancel(context: Context) -> None:
    """Tell the job that someone asked it to stop: the worker's door, since tasks can only look."""
    context._cancelled = True  # pyright: ignore[reportPrivateUsage]


class _JobLog(logging.LoggerAdapter[logging.Logger]):
    """Adds to what a call says in `extra`, where the standard adapter puts its own in place of it."""

    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, Any]]:
        kwargs["extra"] = {**(kwargs.get("extra") or {}), **(self.extra or {})}
        return msg, kwargs


def _by_hand() -> Job[Any]:
    return Job(new_id(), "by.hand", (), {}, "default", Priority.MEDIUM, {})
