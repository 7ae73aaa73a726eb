"""Steps and their undos are checked where they are declared."""

from collections.abc import Callable
from typing import Any

import pytest

from workhorse import Context, Retry, Saga, Workhorse, step
from workhorse.core.sagas.step import Step
from workhorse.errors import DeclarationError


@pytest.fixture
def create() -> Step[..., int]:
    @step
    async def create(email: str, *, key: str = "") -> int:
        return 1

    return create


def by_arguments(mail: str, *, key: str) -> None: ...
def by_result(user: int | None, mail: str, *, key: str = "") -> None: ...
def with_more(user: int | None, mail: str, *, key: str, more: int = 0) -> None: ...
def without_key(mail: str) -> None: ...
def too_many(user: int, mail: str, extra: str, *, key: str) -> None: ...
def needs_more(user: int, mail: str, *, key: str, more: int) -> None: ...
def open_end(*args: str, key: str) -> None: ...
def generator(mail: str, *, key: str) -> Any:
    yield


@pytest.mark.parametrize(("undo", "takes_result"), [(by_arguments, False), (by_result, True), (with_more, True)])
def test_an_undo_takes_the_arguments_or_the_result_and_these(
    create: Step[..., int], undo: Callable[..., Any], takes_result: bool
) -> None:
    assert create.undo(undo) is undo
    assert create.undoing is not None
    assert create.undoing.takes_result is takes_result


@pytest.mark.parametrize("undo", [without_key, too_many, needs_more, open_end, generator, int, "undo"])
def test_any_other_is_an_error_that_names_both(create: Step[..., int], undo: Any) -> None:
    with pytest.raises(DeclarationError, match="step create: undo: expected"):
        create.undo(undo)


def test_an_argument_that_may_be_left_out_may_be_left_out_of_the_undo_too() -> None:
    def free(room: int, nights: int) -> None: ...

    @step(retry=Retry(0))
    async def block(room: int, nights: int = 1) -> int:
        return room

    with pytest.raises(DeclarationError):
        block.undo(free)


def test_a_step_has_one_undo(create: Step[..., int]) -> None:
    create.undo(by_arguments)
    with pytest.raises(DeclarationError, match="it has one already"):
        create.undo(by_result)


@pytest.mark.parametrize(
    ("declare", "why"),
    [
        (lambda: step(3), "expected a function, got 3"),  # type: ignore[call-overload]
        (lambda: step(lambda: 1), "name: expected"),
        (lambda: step(generator), "a generator has no result"),
        (lambda: step(by_arguments, retry=3), "a number of retries is Retry.3."),  # type: ignore[call-overload]
        (lambda: step(by_arguments, timeout=-1), "timeout: expected"),
        (lambda: step(by_arguments, name="two words"), "name: expected"),
        (lambda: step(with_context), "is given no Context"),
    ],
)
def test_what_cannot_be_a_step_is_an_error(declare: Callable[[], object], why: str) -> None:
    with pytest.raises(DeclarationError, match=why):
        declare()


def with_context(ctx: Context, mail: str) -> None: ...


async def without_saga(email: str) -> None: ...
async def misplaced(email: str, saga: Saga) -> None: ...
async def with_both(ctx: Context, saga: Saga) -> None: ...
async def nothing() -> None: ...
def plain(saga: Saga) -> None: ...


@pytest.mark.parametrize("fn", [without_saga, misplaced, with_both, nothing, plain, 3])
def test_what_cannot_be_a_saga_is_an_error(fn: Any) -> None:
    with pytest.raises(DeclarationError, match=r"^saga"):
        Workhorse("memory://").saga(fn)


def test_options_of_a_saga_are_checked() -> None:
    app = Workhorse("memory://")

    async def fine(saga: Saga, email: str) -> None: ...

    with pytest.raises(DeclarationError, match="version: expected"):
        app.saga(version=0)(fine)
    with pytest.raises(TypeError, match="retry"):
        app.saga(retry=Retry(0))(fine)  # type: ignore[call-overload]
    with pytest.raises(DeclarationError, match="at most 120 characters"):
        app.run(app.saga(fine).options(id="x" * 121).enqueue("a"))
    app.run(app.close())
