"""The reader of the docs is itself held to its word: a page that says what is not so does not pass."""

from pathlib import Path

import pytest

from pages import Block, commands
from reader import Reader


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Reader:
    monkeypatch.chdir(tmp_path)
    return Reader(tmp_path / "page.md", tmp_path)


def python(text: str) -> Block:
    return Block("python", text, 1)


def test_blocks_share_their_names_and_may_await(reader: Reader) -> None:
    reader.follow(python("import asyncio\nanswer = 41\n"))
    reader.follow(python("await asyncio.sleep(0)\nassert answer + 1 == 42\n"))


def test_a_wrong_assertion_is_found(reader: Reader) -> None:
    with pytest.raises(AssertionError):
        reader.follow(python("assert 1 + 1 == 3\n"))


def test_an_error_that_was_announced_must_come(reader: Reader) -> None:
    reader.follow(python("int('x')    # ValueError: invalid literal ... 'x'\n"))
    with pytest.raises(pytest.fail.Exception):
        reader.follow(python("int('1')    # ValueError\n"))
    with pytest.raises(AssertionError, match="expected"):
        reader.follow(python("int('x')    # ValueError: something else\n"))


def test_an_error_that_was_not_announced_is_found(reader: Reader) -> None:
    with pytest.raises(ZeroDivisionError):
        reader.follow(python("1 / 0\n"))


def test_a_command_that_fails_is_found(reader: Reader) -> None:
    with pytest.raises(AssertionError, match="no-such-command"):
        reader.follow(Block("console", "$ workhorse no-such-command\n", 1))


def test_only_our_own_commands_are_run_and_comments_are_none_of_them() -> None:
    text = "$ make demo\n$ workhorse jobs shop:app --json   # exit code 3\nsome output\n$ pip install .\n"
    (command,) = commands(Block("console", text, 1))
    assert (command.words, command.output, command.exit) == (["jobs", "shop:app", "--json"], "some output", 3)
