"""The shapes of the decorators, for type checkers: what `@app.task` makes of which function.

A function whose first parameter takes anything (Any, object, no annotation) also takes a Context: no checker can see
that it is not injected. `Anything` catches it first, and its arguments are checked when it is enqueued.
"""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Concatenate, ParamSpec, Protocol, TypeAlias, TypeVar, Unpack, final, overload

from workhorse.core.batch import Batch
from workhorse.core.context import Context
from workhorse.core.schedule import Cron, Every
from workhorse.core.task import AsyncFunction, Function
from workhorse.core.typed import TaskOptions

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")

Async: TypeAlias = Callable[P, Coroutine[Any, Any, R]]


@final
class Anything:
    """No value is of this class: only a parameter that takes anything takes it."""


class DeclareTask(Protocol):
    """`@app.task`, and `@app.task(queue="mail", ...)`."""

    @overload
    def __call__(self, fn: Async[Concatenate[Anything, ...], R], /) -> AsyncFunction[..., R, ..., R]: ...
    @overload
    def __call__(self, fn: Callable[Concatenate[Anything, ...], R], /) -> Function[..., R, ..., R]: ...
    @overload
    def __call__(self, fn: Async[Concatenate[Context, P], R], /) -> AsyncFunction[P, R, Concatenate[Context, P], R]: ...
    @overload
    def __call__(self, fn: Callable[Concatenate[Context, P], R], /) -> Function[P, R, Concatenate[Context, P], R]: ...
    @overload
    def __call__(self, fn: Async[P, R], /) -> AsyncFunction[P, R, P, R]: ...
    @overload
    def __call__(self, fn: Callable[P, R], /) -> Function[P, R, P, R]: ...
    @overload
    def __call__(self, *, schedule: Cron | Every, **options: Unpack[TaskOptions]) -> "DeclareScheduled": ...
    @overload
    def __call__(self, *, batch: Batch, **options: Unpack[TaskOptions]) -> "DeclareBatch": ...
    @overload
    def __call__(self, **options: Unpack[TaskOptions]) -> "DeclareTask": ...


class DeclareScheduled(Protocol):
    """`@app.task(schedule=...)`: nobody is there to pass arguments."""

    @overload
    def __call__(self, fn: Async[[], R], /) -> AsyncFunction[[], R, ..., R]: ...
    @overload
    def __call__(self, fn: Async[[Context], R], /) -> AsyncFunction[[], R, Concatenate[Context, ...], R]: ...
    @overload
    def __call__(self, fn: Callable[[], R], /) -> Function[[], R, ..., R]: ...
    @overload
    def __call__(self, fn: Callable[[Context], R], /) -> Function[[], R, Concatenate[Context, ...], R]: ...


class DeclareBatch(Protocol):
    """`@app.task(batch=Batch(...))`: a function of a list is a task of one of its items."""

    @overload
    def __call__(self, fn: Async[[list[T]], None], /) -> AsyncFunction[[T], None, Concatenate[list[T], ...], None]: ...
    @overload
    def __call__(
        self, fn: Async[[list[T]], Sequence[R | Exception]], /
    ) -> AsyncFunction[[T], R, Concatenate[list[T], ...], Sequence[R | Exception]]: ...
    @overload
    def __call__(
        self, fn: Async[[Context, list[T]], None], /
    ) -> AsyncFunction[[T], None, Concatenate[Context, list[T], ...], None]: ...
    @overload
    def __call__(
        self, fn: Async[[Context, list[T]], Sequence[R | Exception]], /
    ) -> AsyncFunction[[T], R, Concatenate[Context, list[T], ...], Sequence[R | Exception]]: ...
    @overload
    def __call__(self, fn: Callable[[list[T]], None], /) -> Function[[T], None, Concatenate[list[T], ...], None]: ...
    @overload
    def __call__(
        self, fn: Callable[[list[T]], Sequence[R | Exception]], /
    ) -> Function[[T], R, Concatenate[list[T], ...], Sequence[R | Exception]]: ...
    @overload
    def __call__(
        self, fn: Callable[[Context, list[T]], None], /
    ) -> Function[[T], None, Concatenate[Context, list[T], ...], None]: ...
    @overload
    def __call__(
        self, fn: Callable[[Context, list[T]], Sequence[R | Exception]], /
    ) -> Function[[T], R, Concatenate[Context, list[T], ...], Sequence[R | Exception]]: ...
