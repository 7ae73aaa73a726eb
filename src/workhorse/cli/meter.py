"""Live progress of work that others do: a bar on a terminal, a line now and then elsewhere."""

import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from workhorse.observe.plain import plain

EVERY: Final = 1.0
"""Seconds between two lines where there is no terminal."""


class Meter:
    """Shows how far it is. `say` writes a line that stays."""

    def __init__(self, what: str, total: int, bar: Progress, task: TaskID) -> None:
        self._what, self._total, self._bar, self._task = what, total, bar, task
        self._shown = time.monotonic()
        self._last = 0

    def at(self, done: int, about: str = "") -> None:
        """So many are done; `about` goes beside it."""
        self._bar.update(self._task, completed=done, about=plain(about))
        now = time.monotonic()
        if self._bar.disable and done != self._last and (now - self._shown >= EVERY or done >= self._total):
            self._shown, self._last = now, done
            click.echo(plain(f"{self._what}: {done:,} of {self._total:,}  {about}"), err=True)

    def say(self, text: str) -> None:
        """A line above the bar."""
        if self._bar.disable:
            click.echo(plain(text), err=True)
        else:
            self._bar.console.print(Text(plain(text)))


@contextmanager
def meter(what: str, total: int) -> Generator[Meter]:
    """A meter on standard error while the block lasts."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        TextColumn("{task.fields[about]}"),
    )  # fmt: skip
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        yield Meter(what, total, bar, bar.add_task(plain(what), total=total, about=""))
