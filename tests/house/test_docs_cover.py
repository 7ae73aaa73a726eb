"""Each command, each option and each error stands in a block that runs; cli.md is what the commands say."""

import ast
import subprocess
import sys
from collections.abc import Iterator

import click
import pytest

import workhorse.errors
from pages import PAGES, ROOT, blocks, commands
from workhorse.cli import main

Seen = set[tuple[str, str]]


def tree(command: click.Command, path: str = "workhorse") -> Iterator[tuple[str, click.Command]]:
    """Every command with its full name, groups too."""
    yield path, command
    if isinstance(command, click.Group):
        for name in command.list_commands(click.Context(command)):
            child = command.get_command(click.Context(command), name)
            assert child is not None
            yield from tree(child, f"{path} {name}")


def spoken() -> Seen:
    """(command, "") and (command, option) for each that stands in a console block."""
    known, seen = dict(tree(main)), set[tuple[str, str]]()
    lines = [command.words for page in PAGES for block in blocks(page) for command in commands(block)]
    for words in lines:
        path = "workhorse"
        for word in words:
            path = f"{path} {word}" if f"{path} {word}" in known else path
        path = f"{path} list" if f"{path} list" in known else path  # without a verb, a noun lists
        seen |= {(path, ""), *((path, word.partition("=")[0]) for word in words)}
    return seen


def everywhere() -> set[str]:
    """Options that most commands share: shown once, they are shown."""
    counts: dict[str, int] = {}
    for _, command in tree(main):
        for option in {max(p.opts, key=len) for p in command.params if isinstance(p, click.Option)}:
            counts[option] = counts.get(option, 0) + 1
    return {option for option, count in counts.items() if count >= 5}


def test_every_command_and_option_stands_in_a_console_block() -> None:
    seen, shared, missing = spoken(), everywhere(), []
    shown = {option for _, option in seen}
    for path, command in tree(main):
        if not isinstance(command, click.Group) and (path, "") not in seen:
            missing.append(path)
        for option in (p for p in command.params if isinstance(p, click.Option) and not p.hidden):
            names = {*option.opts, *option.secondary_opts}
            found = names & shown if names & shared else {name for name in names if (path, name) in seen}
            missing += [] if found else [f"{path} {max(option.opts, key=len)}"]
    assert missing == []


def raised() -> Iterator[str]:
    """Errors that a block announces on its last line, or raises itself."""
    for block in (block for page in PAGES for block in blocks(page) if block.kind == "python"):
        if block.raises is not None:
            yield block.raises[0]
        code = ast.parse(block.text)
        for node in ast.walk(code):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and isinstance(node.exc.func, ast.Name):
                yield node.exc.func.id


@pytest.mark.parametrize("name", [name for name in workhorse.errors.__all__ if name != "WorkhorseError"])
def test_every_error_stands_in_a_block_that_raises_it(name: str) -> None:
    assert name in set(raised())


def test_the_reference_of_the_command_line_is_what_the_commands_say() -> None:
    done = subprocess.run([sys.executable, "scripts/docs_cli.py"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert (ROOT / "docs" / "cli.md").read_text(encoding="utf-8") == done.stdout, "run scripts/docs-cli"
