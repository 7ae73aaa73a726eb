"""Who a saga's code asks: whoever runs its turn. Steps find him by a context variable, so that they may be called from anywhere."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import ContextVar
from typing import Any, NamedTuple, Protocol

from msgspec import Raw

from workhorse.core.retry import Retry
from workhorse.core.task import Task


class Call(NamedTuple):
    """A function and what to call it with; `on_loop`: it is a coroutine function."""

    fn: Callable[..., Any]
    args: Sequence[Any]
    kwargs: Mapping[str, Any]
    on_loop: bool


class Effort(NamedTuple):
    """How often something is tried, and how long once, in seconds (None: no limit)."""

    retry: Retry
    timeout: float | None


class Deed(Protocol):
    """Something that a saga journals, does and may take back."""

    @property
    def name(self) -> str:
        """What the journal calls it."""
        ...

    @property
    def kind(self) -> Any:
        """Of `records.Kind`."""
        ...

    @property
    def doing(self) -> Effort:
        """How it is tried."""
        ...

    @property
    def undoing(self) -> Effort:
        """How taking it back is tried."""
        ...

    def written(self) -> tuple[bytes, bytes]:
        """Its arguments, a JSON array and an object. Unfit for what cannot travel."""
        ...

    def same(self, args: Raw, kwargs: Raw) -> bool:
        """Whether these journalled arguments are its own."""
        ...

    def do(self, args: Raw, kwargs: Raw, state: Raw | None) -> Call:
        """The call, with the journalled arguments, or from where the last attempt left it."""
        ...

    def result(self, value: Any) -> bytes:
        """What is journalled of what the call returned. Unfit for what cannot travel."""
        ...

    def value(self, result: Raw) -> Any:
        """What the saga gets for it. Unfit for what does not fit any more."""
        ...

    def state(self) -> bytes | None:
        """What a failed attempt left on it."""
        ...

    def undo(self, args: Raw, kwargs: Raw, result: Raw | None, state: Raw | None) -> Call | None:
        """The call that takes it back; None where there is none. `result` is None where it is not known."""
        ...


class Teller(Protocol):
    """Runs a saga's turn."""

    @property
    def id(self) -> str:
        """The saga's."""
        ...

    async def perform(self, deed: Deed) -> Any:
        """Its value, journalled: done now, or told again. JobFailed when it failed for good."""
        ...

    async def call(self, task: Task[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """The result of another job."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Until so much time has passed."""
        ...

    async def wait_for(self, name: str, hint: Any, timeout: float | None) -> Any:
        """The next signal of this name; None when the time is over."""
        ...

    async def gather(self, awaitables: Sequence[Awaitable[Any]]) -> list[Any]:
        """All of them side by side."""
        ...

    def now(self) -> float:
        """Seconds since the epoch, the same on every replay."""
        ...

    def draw(self) -> bytes:
        """32 bytes that nobody could foretell, the same on every replay."""
        ...


current: "ContextVar[Teller | None]" = ContextVar("workhorse-saga", default=None)
"""Whose code runs here; None inside a step, where another step is a plain call."""
