"""The shape of the decorator `@app.on(...)`, for type checkers."""

from collections.abc import Callable
from typing import Concatenate, Protocol, TypeVar, overload

from workhorse.core.context import Context
from workhorse.core.declare import Async
from workhorse.core.task import AsyncFunction, Function

E = TypeVar("E")
R = TypeVar("R")


class DeclareSubscription(Protocol[E]):
    """What it makes of which function, or object with a `__call__`."""

    @overload
    def __call__(self, fn: Async[[E], R], /) -> AsyncFunction[[E], R, Concatenate[E, ...], R]: ...
    @overload
    def __call__(self, fn: Async[[Context, E], R], /) -> AsyncFunction[[E], R, Concatenate[Context, E, ...], R]: ...
    @overload
    def __call__(self, fn: Callable[[E], R], /) -> Function[[E], R, Concatenate[E, ...], R]: ...
    @overload
    def __call__(self, fn: Callable[[Context, E], R], /) -> Function[[E], R, Concatenate[Context, E, ...], R]: ...
