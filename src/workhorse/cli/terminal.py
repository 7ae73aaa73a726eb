"""Where a command writes: text and tables for people, JSON for programs, progress while it takes long."""

import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from workhorse.observe.plain import json_line, plain

WIDE: Final = 400
"""Columns of a table that goes into a file or a pipe: nothing is cut there."""

_STYLES: Final[Mapping[str, str]] = {
    "dead": "red", "running": "cyan", "succeeded": "green", "cancelled": "yellow", "scheduled": "blue",
    "bad": "bold red", "warn": "yellow", "good": "green",
}  # fmt: skip

Step = Callable[[int], None]


class Terminal:
    """With `json` only values are written, one JSON document a line; else text and tables. Remarks go to stderr."""

    def __init__(self, json: bool) -> None:
        self.json = json

    def say(self, text: object = "") -> None:
        """A line for people."""
        if not self.json:
            click.echo(plain(text))

    def text(self, text: str) -> None:
        """Several lines for people."""
        if not self.json:
            click.echo(plain(text, lines=True))

    def value(self, value: Any) -> None:
        """A value for programs."""
        if self.json:
            click.echo(json_line(value))

    def line(self, value: Any) -> None:
        """A value on a line of its own, in both forms."""
        click.echo(json_line(value))

    def remark(self, text: object) -> None:
        """A line beside the output, on standard error."""
        click.echo(plain(text), err=True)

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[object]], *, empty: str = "nothing") -> None:
        """A table for people; columns whose names end in `>` stand to the right."""
        if self.json:
            return
        if not rows:
            self.say(empty)
            return
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
        for index, column in enumerate(columns):
            table.add_column(
                column.rstrip(">"),
                justify="right" if column.endswith(">") else "left",
                no_wrap=index == 0,
                overflow="fold",
            )
        for row in rows:
            table.add_row(*map(_cell, row))
        self._console().print(table)

    @contextmanager
    def progress(self, what: str, total: int | None) -> Generator[Step]:
        """A bar on standard error while the block lasts; call what it gives with the number of things just done."""
        console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
            task = bar.add_task(plain(what), total=total)
            yield lambda done: bar.advance(task, done)

    def _console(self) -> Console:
        return Console() if sys.stdout.isatty() else Console(width=WIDE, no_color=True)


def _cell(value: object) -> Text:
    # a Text takes no markup: what a job's name says is shown, not obeyed
    text = plain("" if value is None else value)
    return Text(text, style=_STYLES.get(text, ""))
