"""A step: a function that a saga journals. Outside of a saga it is just that function, awaited."""

import asyncio
import inspect
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, TypeAlias, TypeVar, cast, overload

from msgspec import Raw

from workhorse.core import names
from workhorse.core.coroutines import makes_coroutines
from workhorse.core.durations import Duration, seconds
from workhorse.core.errors import DeclarationError
from workhorse.core.options import SHORTEST
from workhorse.core.retry import Retry
from workhorse.core.sagas import telling
from workhorse.core.sagas.telling import Call, Effort
from workhorse.core.sagas.undo import Undo, undo_of
from workhorse.core.schema import Schema
from workhorse.core.shape import Shape, place_of, shape_of

P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S")
Async: TypeAlias = Callable[P, Coroutine[Any, Any, R]]

TIMEOUT = 600.0
"""Seconds that one attempt at a step, or at its undo, may take unless it says otherwise."""

RETRY = Retry()


class UndoOf(Generic[P, R]):
    """`@create_user.undo(retry=...)`."""

    def __init__(self, take: Callable[[Any], Any]) -> None:
        self._take = take

    @overload
    def __call__(self, fn: Callable[P, S], /) -> Callable[P, S]: ...
    @overload
    def __call__(self, fn: Callable[Concatenate[R | None, P], S], /) -> Callable[Concatenate[R | None, P], S]: ...
    def __call__(self, fn: Any, /) -> Any:
        return self._take(fn)


class Step(Generic[P, R]):
    """A function that a saga journals; outside a saga it is just that function, awaited."""

    def __init__(self, fn: Callable[..., Any], name: str | None, effort: Effort) -> None:
        shape = _shape_of(fn)
        self.fn, self.effort = fn, effort
        self.name = names.name(name or getattr(fn, "__name__", None), f"step {shape.place}: name")
        self.on_loop = shape.run_in == "async"
        self.schema = Schema(fn, self.name)
        self.undoing: Undo | None = None

    async def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        teller = telling.current.get()
        if teller is not None:
            return cast(R, await teller.perform(StepDeed(self, args, kwargs)))
        if self.on_loop:
            return cast(R, await self.fn(*args, **kwargs))
        return cast(R, await asyncio.to_thread(self.fn, *args, **kwargs))

    @overload
    def undo(self, fn: Callable[P, S], /) -> Callable[P, S]: ...
    @overload
    def undo(self, fn: Callable[Concatenate[R | None, P], S], /) -> Callable[Concatenate[R | None, P], S]: ...
    @overload
    def undo(self, *, retry: Retry = ..., timeout: Duration | None = ...) -> UndoOf[P, R]: ...
    def undo(self, fn: Any = None, *, retry: Retry = RETRY, timeout: Duration | None = TIMEOUT) -> Any:
        """How to take it back: a function of the step's arguments, or of its result (None: unknown) and those.

        `retry`, `timeout`: its own, as of a step. DeclarationError for another signature, and for a second undo.
        """
        effort = effort_of(retry, timeout, f"step {self.name}: undo")
        if fn is None:
            return UndoOf[P, R](partial(self._taken_back_by, effort=effort))
        return self._taken_back_by(fn, effort)

    def _taken_back_by(self, fn: Any, effort: Effort) -> Any:
        if self.undoing is not None:
            raise DeclarationError(f"step {self.name}: undo: it has one already, {place_of(self.undoing.fn)}")
        self.undoing = undo_of(fn, self.fn, self.name, effort)
        return fn

    def __repr__(self) -> str:
        return f"Step({self.name!r})"


class StepDeed:
    """One call of a step."""

    kind = "step"

    def __init__(self, step: Step[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self._step, self._args, self._kwargs = step, args, kwargs
        self.name, self.doing = step.name, step.effort

    @property
    def undoing(self) -> Effort:
        """Its undo's."""
        return self._step.effort if self._step.undoing is None else self._step.undoing.effort

    def written(self) -> tuple[bytes, bytes]:
        """By the annotations of its parameters."""
        return self._step.schema.encode(self._args, self._kwargs)

    def same(self, args: Raw, kwargs: Raw) -> bool:
        """By their bytes, or, as equal sets may be written in another order, by their values."""
        texts = self.written()
        if texts == (bytes(args), bytes(kwargs)):
            return True
        decode = self._step.schema.decode
        return decode(args, kwargs, False) == decode(Raw(texts[0]), Raw(texts[1]), False)

    def do(self, args: Raw, kwargs: Raw, state: Raw | None) -> Call:
        """With the journalled arguments, whatever the code says now."""
        return Call(self._step.fn, *self._step.schema.decode(args, kwargs, False), self._step.on_loop)

    def result(self, value: Any) -> bytes:
        """By its return annotation."""
        return self._step.schema.encode_result(value)

    def value(self, result: Raw) -> Any:
        """By its return annotation."""
        return self._step.schema.decode_result(bytes(result))

    def state(self) -> bytes | None:
        """A function keeps nothing."""
        return None

    def undo(self, args: Raw, kwargs: Raw, result: Raw | None, state: Raw | None) -> Call | None:
        """The arguments by position where they can be, as an undo's parameters may have other names."""
        undo = self._step.undoing
        if undo is None:
            return None
        found, named = self._step.schema.decode(args, kwargs, False)
        bound = inspect.signature(self._step.fn).bind(*found, **named)
        first = ((None if result is None else self.value(result)),) if undo.takes_result else ()
        return Call(undo.fn, (*first, *bound.args), bound.kwargs, makes_coroutines(undo.fn))


def _shape_of(fn: object) -> Shape:
    try:
        shape = shape_of(fn, None)
    except DeclarationError as error:
        raise DeclarationError(f"step {str(error).removeprefix('task ')}") from None
    if shape.skip:
        raise DeclarationError(f"step {shape.place}: a step is given no Context; ask Context.current() for it")
    return shape


def effort_of(retry: object, timeout: Duration | None, what: str) -> Effort:
    """DeclarationError for what is no Retry or no duration."""
    if not isinstance(retry, Retry):
        raise DeclarationError(
            f"{what}: retry: expected a Retry, got {retry!r}; a number of retries is Retry({retry!r})"
        )
    return Effort(retry, None if timeout is None else seconds(timeout, f"{what}: timeout", least=SHORTEST))


class DeclareStep(Protocol):
    """`@step(retry=...)`."""

    @overload
    def __call__(self, fn: Async[P, R], /) -> Step[P, R]: ...
    @overload
    def __call__(self, fn: Callable[P, R], /) -> Step[P, R]: ...


@overload
def step(
    fn: Async[P, R],
    /,
    *,
    undo: Callable[P, object] | Callable[Concatenate[R | None, P], object] | None = None,
    retry: Retry = ...,
    timeout: Duration | None = ...,
    name: str | None = None,
) -> Step[P, R]: ...
@overload
def step(
    fn: Callable[P, R],
    /,
    *,
    undo: Callable[P, object] | Callable[Concatenate[R | None, P], object] | None = None,
    retry: Retry = ...,
    timeout: Duration | None = ...,
    name: str | None = None,
) -> Step[P, R]: ...
@overload
def step(*, retry: Retry = ..., timeout: Duration | None = ..., name: str | None = None) -> DeclareStep: ...
def step(
    fn: Any = None,
    /,
    *,
    undo: Any = None,
    retry: Retry = RETRY,
    timeout: Duration | None = TIMEOUT,
    name: str | None = None,
) -> Any:
    """Make a function a step of sagas: `@step`, `@step(retry=...)`, or inline `step(fn, undo=...)`.

    `retry`: how it is tried again, by default as a task (3 retries); `timeout`: seconds or a timedelta for one attempt,
    600 by default, None for no limit; `name`: the function's own unless given, and what its journal calls it. A sync
    function runs in a thread. DeclarationError for what cannot be a step, and for an undo of another signature.
    """
    if fn is None:
        return partial(step, retry=retry, timeout=timeout, name=name)
    made = Step[..., Any](fn, name, effort_of(retry, timeout, "step"))
    if undo is not None:
        made._taken_back_by(undo, made.effort)  # pyright: ignore[reportPrivateUsage]
    return made
