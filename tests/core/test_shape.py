"""What a function must look like to be a task: found when it is declared, said with what to do."""

import functools
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Annotated, Any, Optional

import pytest

from workhorse.core import context as contexts
from workhorse.core.context import Context
from workhorse.core.errors import DeclarationError
from workhorse.core.shape import shape_of


def importable(n: int) -> int:
    return n


async def plain(n: int) -> int:
    return n


def first(ctx: Context, n: int) -> None: ...
def as_text(ctx: "Context", n: "NotDefinedYet") -> None: ...  # type: ignore[name-defined]  # noqa: F821
def dotted(ctx: "contexts.Context") -> None: ...
def for_checkers_only(ctx: "workhorse.Context") -> None: ...  # type: ignore[name-defined]  # noqa: F821
def annotated(ctx: Annotated[Context, "injected"]) -> None: ...
def positional(ctx: Context, /, n: int) -> None: ...


@pytest.mark.parametrize("fn", [first, as_text, dotted, for_checkers_only, annotated, positional])
def test_a_first_parameter_annotated_context_is_injected(fn: Callable[..., Any]) -> None:
    assert shape_of(fn, None).skip == 1


def untyped(ctx, n):  # type: ignore[no-untyped-def]
    ...


def anything(ctx: Any, n: object) -> None: ...
def text(ctx: "str") -> None: ...
def nothing() -> None: ...


@pytest.mark.parametrize("fn", [untyped, anything, text, nothing, importable])
def test_no_other_first_parameter_is(fn: Callable[..., Any]) -> None:
    assert shape_of(fn, None).skip == 0


def optional(ctx: Context | None, n: int) -> None: ...
def optional_text(ctx: "Context | None") -> None: ...
def optional_old(ctx: Optional[Context]) -> None: ...  # noqa: UP045
def optional_hidden(ctx: "Optional[workhorse.Context]") -> None: ...  # type: ignore[name-defined]  # noqa: F821, UP045
def defaulted(ctx: Context = None) -> None: ...  # type: ignore[assignment]


@pytest.mark.parametrize("fn", [optional, optional_text, optional_old, optional_hidden, defaulted])
def test_an_optional_context_is_refused(fn: Callable[..., Any]) -> None:
    with pytest.raises(DeclarationError, match=r"optional Context.*write ctx: Context"):
        shape_of(fn, None)


def second(n: int, ctx: Context) -> None: ...
def second_text(n: int, ctx: "Context") -> None: ...
def by_name(*, ctx: Context) -> None: ...
def many(*ctx: Context) -> None: ...


@pytest.mark.parametrize("fn", [second, second_text, by_name, many])
def test_a_context_that_is_not_first_is_refused(fn: Callable[..., Any]) -> None:
    with pytest.raises(DeclarationError, match=r"first parameter.*'ctx'"):
        shape_of(fn, None)


def test_two_contexts_are_refused() -> None:
    def twice(ctx: Context, other: Context) -> None: ...

    with pytest.raises(DeclarationError, match="one Context, got 2"):
        shape_of(twice, None)


def test_async_functions_run_on_the_loop_and_others_in_threads_unless_said() -> None:
    class Async:
        async def __call__(self) -> None: ...

    assert shape_of(plain, None).run_in == "async"
    assert shape_of(Async(), None).run_in == "async"
    assert shape_of(functools.partial(plain, 3), None).run_in == "async"
    assert shape_of(importable, None).run_in == "thread"
    assert shape_of(importable, "thread").run_in == "thread"
    assert shape_of(importable, "process").run_in == "process"


@pytest.mark.parametrize("run_in", ["thread", "process"])
def test_run_in_on_an_async_function_is_refused(run_in: str) -> None:
    with pytest.raises(DeclarationError, match="is async"):
        shape_of(plain, run_in)


def test_what_another_process_cannot_import_does_not_run_there() -> None:
    def local(n: int) -> int:
        return n

    for fn in (local, lambda n: n, functools.partial(importable, 3)):
        with pytest.raises(DeclarationError, match="import by name"):
            shape_of(fn, "process")


def test_a_context_does_not_follow_into_a_process() -> None:
    with pytest.raises(DeclarationError, match="another process"):
        shape_of(first, "process")


class Shop:
    def method(self, n: int) -> None: ...

    @classmethod
    def of_class(cls, n: int) -> None: ...

    @staticmethod
    def static(n: int) -> int:
        return n


@pytest.mark.parametrize("fn", [Shop.method, Shop().method, Shop.of_class])
def test_a_method_is_refused(fn: Callable[..., Any]) -> None:
    with pytest.raises(DeclarationError, match="got a method"):
        shape_of(fn, None)


def test_a_static_method_is_a_function() -> None:
    assert shape_of(Shop.static, "process").place.endswith(":Shop.static")


def of_class(cls: object) -> None: ...


def generator() -> Iterator[int]:
    yield 1


async def async_generator() -> AsyncIterator[int]:
    yield 1


@pytest.mark.parametrize(
    "fn", [3, None, "resize", Shop, staticmethod(importable), classmethod(of_class), generator, async_generator]
)
def test_what_is_no_function_with_a_result_is_refused(fn: object) -> None:
    with pytest.raises(DeclarationError, match=r"expected a function|a generator"):
        shape_of(fn, None)


def test_a_wrapped_function_is_seen_through() -> None:
    @functools.wraps(first)
    def wrapper(*args: Any, **kwargs: Any) -> None:
        return first(*args, **kwargs)

    assert shape_of(wrapper, None).skip == 1
