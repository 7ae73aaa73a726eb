"""A reader of one page: does what the page says, block after block, in a folder of its own, and ends what it began."""

import ast
import asyncio
import builtins
import doctest
import os
import signal
import subprocess
import sys
import types
from pathlib import Path
from typing import Any, Self

import pytest

import workhorse.errors
from pages import Block, Command, commands

LIKE = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
PLAIN = {"NO_COLOR": "1", "TERM": "dumb", "COLUMNS": "120", "PYTHONUNBUFFERED": "1"}


class Reader:
    """A page's Python blocks share one namespace and one event loop; an endless worker runs until the page ends."""

    def __init__(self, page: Path, folder: Path) -> None:
        self._page, self._folder = page, folder
        self._names: dict[str, Any] = {"__name__": page.stem.replace("-", "_")}
        self._loop = asyncio.Runner()
        self._workers: list[tuple[subprocess.Popen[str], list[str]]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        try:
            self._loop.close()
        finally:
            self._end_workers(ignore=error[0] is not None)

    def follow(self, block: Block) -> None:
        """Run the block; an error that its last line announces must come."""
        if block.kind == "console":
            for command in commands(block):
                self._run_command(command)
        elif block.file is not None and Path(block.file).name.startswith("test_"):
            self._run_tests(block)
        elif block.raises is not None:
            self._run_failing(block, *block.raises)
        else:
            self._run_python(block)

    def _run_failing(self, block: Block, name: str, text: str) -> None:
        error = getattr(workhorse.errors, name, None) or getattr(builtins, name)
        with pytest.raises(error) as caught:
            self._run_python(block)
        assert caught.type is error
        assert _like(text, str(caught.value)), f"{self._place(block)}: expected {text}, got {caught.value}"

    def _run_python(self, block: Block) -> None:
        names = self._names
        if block.file is not None:
            (self._folder / block.file).write_text(block.text, encoding="utf-8")
            module = types.ModuleType(block.file.removesuffix(".py"))
            module.__file__ = str(self._folder / block.file)
            sys.modules[module.__name__] = module
            names = vars(module)
        source = "\n" * block.line + block.text
        code = compile(source, str(self._page), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
        self._loop.run(_call(types.FunctionType(code, names)))
        self._names.update({name: value for name, value in names.items() if not name.startswith("__")})

    def _run_tests(self, block: Block) -> None:
        assert block.file is not None
        (self._folder / block.file).write_text(block.text, encoding="utf-8")
        words = [sys.executable, "-m", "pytest", "-q", "-o", "asyncio_mode=auto", block.file]
        done = subprocess.run(
            words, cwd=self._folder, env=self._environment(), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{self._place(block)}: {done.stdout}{done.stderr}"

    def _run_command(self, command: Command) -> None:
        words = [str(Path(sys.executable).with_name("workhorse")), *command.words]
        if command.words[0] == "demo":
            return  # a minute of its own: `make demo` is what runs it
        if command.words[0] == "worker" and not {"--burst", "--max-jobs", "--help"} & set(command.words):
            self._start_worker(words)
            return
        done = subprocess.run(
            words, cwd=self._folder, env=self._environment(), capture_output=True, text=True, timeout=60, check=False
        )
        shown = f"workhorse {' '.join(command.words)}\n{done.stdout}{done.stderr}"
        assert done.returncode == command.exit, shown
        assert not command.output or _like(command.output, done.stdout + done.stderr), (
            f"expected:\n{command.output}\n{shown}"
        )

    def _start_worker(self, words: list[str]) -> None:
        self._workers.append(
            (
                subprocess.Popen(
                    words,
                    cwd=self._folder,
                    env=self._environment(),
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                ),
                words,
            )
        )

    def _end_workers(self, *, ignore: bool) -> None:
        for process, _ in self._workers:
            process.send_signal(signal.SIGTERM)
        for process, words in self._workers:
            try:
                output, _ = process.communicate(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
                output, _ = process.communicate()
            told = f"{' '.join(words)} ended with {process.returncode}\n{output}"
            if ignore:
                print(told)  # pytest shows it beside what failed
            assert ignore or process.returncode == 0, told

    def _environment(self) -> dict[str, str]:
        return {**os.environ, **PLAIN}

    def _place(self, block: Block) -> str:
        return f"{self._page.name}:{block.line}"


async def _call(block: types.FunctionType) -> None:
    """A block with an `await` at its top is a coroutine; another has done its work when it returns."""
    awaited = block()
    if awaited is not None:
        await awaited


def _like(want: str, got: str) -> bool:
    return doctest.OutputChecker().check_output(want.strip() + "\n", got.strip() + "\n", LIKE)
