"""A shell for the tests of the command line: a folder with an app in it, commands in this process or in one of their own."""

import importlib
import json
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from workhorse.cli import main

APP = '''
"""A shop."""

import enum
from datetime import date
from decimal import Decimal
from uuid import UUID

import msgspec

from workhorse import Context, Fixed, GiveUp, Retry, Router, Skip, Workhorse

app = Workhorse("sqlite:///jobs.db", name="shop")


class Colour(enum.Enum):
    RED = "red"


class Item(msgspec.Struct):
    name: str
    price: Decimal = Decimal(0)


@app.task
async def resize(path: str, width: int = 256) -> str:
    return f"{path}@{width}"


@app.task(queue="mail", retry=Retry(0))
def send_mail(to: str, subject: str = "") -> None:
    if "@" not in to:
        raise GiveUp(f"no address: {to}")


@app.task
async def many(numbers: list[int], when: date | None = None, *more: float, exact: bool = False) -> list[str]:
    return [repr(numbers), repr(when), repr(more), repr(exact)]


@app.task
async def kinds(colour: Colour, price: Decimal, id: UUID, item: Item, /, anything=None, **extra: int) -> str:
    return repr((colour, price, id, item, anything, extra))


@app.task(retry=Retry(0))
def hostile(text: str) -> None:
    raise ValueError("\\x1b[2J" + text + "\\nsecond line\\u202e")


@app.task
def idle(why: str) -> None:
    raise Skip(why)


@app.task(result_ttl=0)
async def quiet() -> int:
    return 1


@app.task
async def half(ctx: Context) -> None:
    await ctx.progress(0.5, "half way")
'''


class Shell:
    """Commands on the app `spec`, in a folder of their own."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.spec = folder, f"{name}:app"
        (folder / f"{name}.py").write_text(APP, encoding="utf-8")

    def run(self, *words: str, exit: int = 0, input: str | None = None) -> Result:
        """In this process; AssertionError for another exit code."""
        done = CliRunner().invoke(main, [self._filled(word) for word in words], input=input)
        assert done.exit_code == exit, f"{words}: {done.exit_code}\n{done.output}\n{done.exception!r}"
        return done

    def json(self, *words: str, exit: int = 0) -> Any:
        """What a command with --json writes."""
        return json.loads(self.run(words[0], "--json", *words[1:], exit=exit).stdout)

    def enqueue(self, *words: str) -> str:
        """The new job's id."""
        return str(self.json("enqueue", "APP", *words)["id"])

    def burst(self) -> dict[str, Any]:
        """Run all that is due, in this process; the totals."""
        done = self.run("worker", "APP", "--burst", "--json", "--log-level", "critical")
        totals: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return totals

    def forget(self) -> None:
        """The module was changed: the next command reads it anew."""
        sys.modules.pop(self.spec.partition(":")[0], None)
        importlib.invalidate_caches()
        shutil.rmtree(self.folder / "__pycache__", ignore_errors=True)

    def start(self, *words: str, **environment: str) -> "subprocess.Popen[str]":
        """In a process of its own, stderr into stdout."""
        return subprocess.Popen(
            [sys.executable, "-m", "workhorse", *map(self._filled, words)],
            cwd=self.folder,
            env={**os.environ, "NO_COLOR": "1", "PYTHONUNBUFFERED": "1", **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def _filled(self, word: str) -> str:
        return self.spec if word == "APP" else word


def shells(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    """A shell, and after it everything as it was: path, modules, handlers of the log."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    name = f"shop_{os.urandom(4).hex()}"
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield Shell(folder, name)
    sys.modules.pop(name, None)
    root.handlers[:] = handlers
    root.setLevel(level)
