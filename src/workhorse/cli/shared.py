"""What all commands share: their common options, and the desk that each works at."""

import functools
from collections.abc import Awaitable, Callable
from typing import Any, Concatenate, Final, ParamSpec, TypeVar, cast

import click

from workhorse.app import Workhorse
from workhorse.cli.finding import find_app
from workhorse.cli.terminal import Terminal
from workhorse.core.contract import Broker, Engine, Inspector, Store
from workhorse.core.errors import WorkhorseError
from workhorse.core.loops import run
from workhorse.observe.logging import Form, configure

P = ParamSpec("P")
T = TypeVar("T")

_DEBUG: Final = "workhorse.debug"
LEVELS: Final = ("debug", "info", "warning", "error", "critical")


class Desk(Terminal):
    """What a command has before it: the app that was named, its engine while asked, and the terminal."""

    def __init__(self, json: bool, spec: str, level: str, form: Form) -> None:
        super().__init__(json)
        self.spec, self.level = spec, level
        self.form: Form = form

    @functools.cached_property
    def app(self) -> Workhorse:
        """The app that the command line names."""
        return find_app(self.spec)

    def ask(self, question: Callable[["Desk", Engine], Awaitable[T]]) -> T:
        """The answer, on a loop of our own, with the app open meanwhile."""
        app = self.app

        async def asked() -> T:
            async with app:
                return await question(self, await app.engine())

        return run(asked())

    def use(self, work: Callable[["Desk"], Awaitable[T]]) -> T:
        """The same for work that opens the app by itself, once the engine is there."""
        app = self.app

        async def used() -> T:
            try:
                return await work(self)
            finally:
                await app.close()

        return run(used())


def inspector_of(engine: Engine) -> Inspector:
    """The engine's inspector; WorkhorseError where it has none."""
    if engine.inspector is None:
        raise WorkhorseError("this engine cannot show its jobs")
    return engine.inspector


def store_of(engine: Engine) -> Store:
    """The engine's store; WorkhorseError where it has none."""
    if engine.store is None:
        raise WorkhorseError("this engine keeps no facts: neither results nor signs of workers")
    return engine.store


def broker_of(engine: Engine) -> Broker:
    """The engine's broker; WorkhorseError where it has none."""
    if engine.broker is None:
        raise WorkhorseError("this engine moves no jobs")
    return engine.broker


def desk(fn: Callable[Concatenate[Desk, P], None]) -> Callable[P, None]:
    """Give a command its desk, and the options that all commands have. It comes right above the function."""
    return _equipped(fn, "warning")


def talkative_desk(fn: Callable[Concatenate[Desk, P], None]) -> Callable[P, None]:
    """The same for a command whose log is its output: it begins at info."""
    return _equipped(fn, "info")


def debugging(ctx: click.Context) -> bool:
    """Whether the command that ran was told to show tracebacks."""
    return bool(ctx.meta.get(_DEBUG))


def _equipped(fn: Callable[Concatenate[Desk, P], None], log_level: str) -> Callable[P, None]:
    @functools.wraps(fn)
    def run_command(*args: P.args, **kwargs: P.kwargs) -> None:
        given = cast("dict[str, Any]", kwargs)
        json, level, form, debug = (given.pop(name) for name in ("json_", "log_level", "log_format", "debug"))
        ctx = click.get_current_context()
        ctx.meta[_DEBUG] = debug
        configure(level, form)
        fn(Desk(json, str(given.pop("app", None) or ctx.obj or ""), level, form), *args, **kwargs)

    command: Callable[P, None] = run_command
    for option in _options(log_level):
        command = option(command)
    return command


def _options(log_level: str) -> tuple[Callable[[Any], Any], ...]:
    """The last one stands first in the help."""
    return (
        click.option("--debug", is_flag=True, help="Show the traceback of an error."),
        click.option(
            "--log-format", type=click.Choice(("text", "json")), default="text", show_default=True,
            help="How it is logged, one line a record.",
        ),
        click.option(
            "--log-level", type=click.Choice(LEVELS), default=log_level, show_default=True, help="What is logged."
        ),
        click.option("--json", "json_", is_flag=True, help="Write JSON, for programs."),
    )  # fmt: skip
