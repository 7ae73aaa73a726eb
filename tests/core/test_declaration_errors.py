"""What no type checker can see is an error where it is declared, at the latest when the app opens: by the public door."""

import asyncio
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from workhorse import Context, Every, Exponential, Fixed, Linear, Retry, Router, Workhorse
from workhorse.errors import DeclarationError, EnqueueRefused

Declare = Callable[[Workhorse], object]


async def work(n: int = 1) -> int:
    return n


def plain(n: int = 1) -> int:
    return n


async def with_context(ctx: Context, n: int = 1) -> int:
    return n


async def with_arguments(ctx: Context, path: str, n: int = 1, *rest: int, deep: bool) -> None: ...
async def late(n: int, ctx: Context) -> None: ...
async def optional(ctx: Context | None) -> None: ...
async def twice(ctx: Context, other: Context) -> None: ...
def plain_with_context(ctx: Context) -> None: ...


class Shop:
    async def send(self, n: int) -> None: ...


def same_name_again(app: Workhorse) -> None:
    app.task(work)
    router = Router()
    router.task(name="work")(plain)
    app.include(router)


DECLARED: dict[str, tuple[Declare, str]] = {
    "a Context that is not first": (lambda app: app.task(late), "first parameter"),
    "an optional Context": (lambda app: app.task(optional), "optional Context"),
    "two Contexts": (lambda app: app.task(twice), "one Context, got 2"),
    "run_in on an async function": (lambda app: app.task(run_in="thread")(work), "is async"),
    "a process for what cannot be imported": (
        lambda app: app.task(name="l", run_in="process")(lambda: 1),
        "import by name",
    ),
    "a Context in a process": (lambda app: app.task(run_in="process")(plain_with_context), "another process"),
    "run_in of another word": (lambda app: app.task(run_in="fiber")(plain), "run_in: expected"),  # type: ignore[call-overload]
    "a schedule of a task that somebody must pass arguments": (
        lambda app: app.task(schedule=Every(minutes=5))(with_arguments),  # type: ignore[arg-type]
        "expected no required parameters beside schedule=, got 'path', 'deep'; .* give them defaults",
    ),
    "a method": (lambda app: app.task(Shop().send), "got a method"),
    "a class": (lambda app: app.task(Shop), "expected a function"),
    "two tasks of one name": (same_name_again, "two tasks are named 'work'"),
    "a name with a space": (lambda app: app.task(name="a b")(work), "name: expected 1 to 200"),
    "a queue with a space": (lambda app: app.task(queue="a b")(work), "queue: expected 1 to 200"),
    "no time at all": (lambda app: app.task(timeout=0)(work), "timeout: expected"),
    "a time that is no number": (lambda app: app.task(timeout=float("nan"))(work), "timeout: expected"),
    "a time-out of True": (lambda app: app.task(timeout=True)(work), "timeout: expected"),
    "expired at birth": (lambda app: app.task(expires=0)(work), "expires: expected"),
    "a negative result_ttl": (lambda app: app.task(result_ttl=-1)(work), "result_ttl: expected"),
    "no crash allowed": (lambda app: app.task(max_crashes=0)(work), "max_crashes: expected"),
    "a priority of 7": (lambda app: app.task(priority=7)(work), "priority: expected"),  # type: ignore[call-overload]
    "a retry that is a number": (lambda app: app.task(retry=3)(work), "retry: expected"),  # type: ignore[call-overload]
    "headers that are no text": (lambda app: app.task(headers={"a": 1})(work), "headers: a: expected text"),  # type: ignore[dict-item]
    "expires at a naive moment": (lambda app: app.task(work).options(expires=datetime(2030, 1, 1)), "naive"),
    "at a naive moment": (lambda app: app.task(work).options(at=datetime(2030, 1, 1)), "naive"),
    "delay and at": (lambda app: app.task(work).options(delay=1, at=datetime.now().astimezone()), "delay.*at"),
    "a delay below nothing": (lambda app: app.task(work).options(delay=-1), "delay: expected"),
    "an id of ours": (lambda app: app.task(work).options(id="a~1"), "id: expected"),
    "code that cannot travel": (lambda app: app.task(work).options(retry=Retry(1, lambda n: n)), "retry"),
}


@pytest.mark.parametrize("what", DECLARED)
def test_it_is_an_error_where_it_is_declared(what: str) -> None:
    declare, said = DECLARED[what]
    with pytest.raises(DeclarationError, match=said):
        declare(Workhorse("memory://"))


NUMBERS: list[Callable[[], object]] = [
    lambda: Retry(-1),
    lambda: Retry(1.5),  # type: ignore[arg-type]
    lambda: Retry(True),
    lambda: Retry(1, jitter=1.5),
    lambda: Retry(1, on=("ValueError",)),  # type: ignore[arg-type]
    lambda: Fixed(-1),
    lambda: Fixed(float("nan")),
    lambda: Linear(first=-1, step=1),
    lambda: Exponential(first=1, factor=0),
    lambda: Workhorse("memory://", max_size=0),
    lambda: Workhorse("memory://", enqueue_timeout=0),
    lambda: Workhorse("memory://", retain=-1),
    lambda: Workhorse("memory://", dead_retain=-1),
    lambda: Workhorse("memory://", unknown_for=-1),
    lambda: Workhorse("memory://", name="a b"),
    lambda: Workhorse("memory://").worker(grace=-1),
    lambda: Router(prefix="a b"),
]


@pytest.mark.parametrize("make", NUMBERS, ids=range(len(NUMBERS)))
def test_numbers_and_names_out_of_range_are_refused_when_they_are_said(make: Callable[[], object]) -> None:
    with pytest.raises(DeclarationError, match="expected"):
        make()


def declared(fn: Callable[..., Any], **annotations: Any) -> Callable[..., Any]:
    fn.__annotations__ = annotations
    return fn


TYPES: dict[str, Callable[[], Callable[..., Any]]] = {
    "a lock": lambda: declared(lambda n: n, n=threading.Lock().__class__),
    "a result that is an app": lambda: declared(lambda: 1, **{"return": Workhorse}),
    "a function": lambda: declared(lambda n: n, n=Callable[[int], int]),
    "a generator": lambda: declared(lambda n: n, n="Iterator[int]"),
    "a name that nobody defined": lambda: declared(lambda n: n, n="Nowhere.Thing"),
    "a complex number": lambda: declared(lambda n: n, n=complex),
}


@pytest.mark.parametrize("what", TYPES)
async def test_a_type_that_cannot_travel_is_an_error_when_the_app_opens_which_names_the_task(what: str) -> None:
    app = Workhorse("memory://")
    app.task(name="shop.lend")(TYPES[what]())
    with pytest.raises(DeclarationError, match=r"shop\.lend"):
        async with app:
            pass
    with pytest.raises(DeclarationError, match=r"shop\.lend"):
        await app.worker(burst=True, signals=()).run()


async def anything(value: Any, n: int) -> None: ...
async def untyped(value, n: int) -> None: ...  # type: ignore[no-untyped-def]
async def several(value: Any, *more: int, key: str = "", **rest: float) -> None: ...


CALLS: list[tuple[Callable[..., Any], tuple[object, ...], dict[str, object], str]] = [
    (anything, (1,), {}, "n"),
    (anything, (1, "2"), {}, "n"),
    (anything, (1, 2, 3), {}, "2"),
    (anything, (1,), {"m": 2}, "m"),
    (untyped, (), {}, "value"),
    (untyped, (object(), 1), {}, "value"),
    (untyped, (1, 2.5), {}, "n"),
    (untyped, (1, 2), {"value": 3}, "value"),
    (several, (), {"key": "a"}, "value"),
    (several, (1, 2, "3"), {}, "more"),
    (several, (1,), {"key": 2}, "key"),
    (several, (1,), {"other": "a"}, "other"),
    (with_context, (Context(), 1), {}, "n|1"),
]


@pytest.mark.parametrize(("fn", "args", "kwargs", "said"), CALLS, ids=range(len(CALLS)))
def test_arguments_that_do_not_fit_are_an_error_at_the_call_whatever_the_first_parameter_is(
    fn: Callable[..., Any], args: tuple[object, ...], kwargs: dict[str, object], said: str
) -> None:
    app = Workhorse("memory://")
    task = app.task(name="called")(fn)
    with pytest.raises(EnqueueRefused, match=said):
        asyncio.run(_closing(app, task.enqueue(*args, **kwargs)))
    with pytest.raises(EnqueueRefused, match=said):
        task.enqueue_sync(*args, **kwargs)
    app.run(app.close())


async def _closing(app: Workhorse, awaitable: Any) -> Any:
    try:
        return await awaitable
    finally:
        await app.close()


def test_a_coroutine_function_is_sent_to_attempt_async() -> None:
    with pytest.raises(TypeError, match="attempt_async"):
        Retry().attempt(work)


def test_a_url_or_a_word_that_is_nearly_right_is_told_the_right_one() -> None:
    for url, right in (("sqlit:///a.db", "sqlite"), ("memroy://", "memory"), ("sqlite:///a.db?retian=1", "retain")):
        with pytest.raises(DeclarationError, match=f"did you mean '{right}'"):
            Workhorse(url)
    app = Workhorse("memory://")
    app.task(work)
    with pytest.raises(DeclarationError, match="did you mean 'work'"):
        app.registry.find("wrok")
    with pytest.raises(TypeError, match="prioritty"):
        app.task(prioritty=1)(plain)  # type: ignore[call-overload]
