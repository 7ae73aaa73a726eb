"""The corpus of bad input against the command line: refused with a reason and exit code 2, or only data; and nothing of it
reaches the terminal raw."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from bad_input import BROKEN_JSON, HOSTILE_NAMES, ODD_BUT_SOUND
from shell import Shell, shells

TEXTS = {what: value for what, value in ODD_BUT_SOUND.items() if isinstance(value, str)}


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    yield from shells(tmp_path, monkeypatch)


def printable(text: str) -> bool:
    return text.replace("\n", "").isprintable()


@pytest.mark.parametrize("what", BROKEN_JSON)
def test_what_is_no_json_is_refused_as_arguments_and_nothing_is_enqueued(shell: Shell, what: str) -> None:
    word = BROKEN_JSON[what].decode("utf-8", "surrogateescape")  # as a shell hands over bytes
    done = shell.run("enqueue", "APP", "many", "--args", word, exit=2)
    assert "--args" in done.stderr
    assert printable(done.stderr)
    assert shell.json("jobs", "APP") == []


@pytest.mark.parametrize("what", TEXTS)
def test_what_only_looks_dangerous_is_data_and_is_shown_escaped(shell: Shell, what: str) -> None:
    id = shell.enqueue("hostile", "--args", json.dumps([TEXTS[what]]))
    assert shell.burst()["dead"] == 1
    for words in (["jobs", "APP"], ["dead", "APP"], ["jobs", "APP", "show", id], ["dead", "APP", "show", id]):
        assert printable(shell.run(*words).stdout)
    assert shell.json("jobs", "APP", "show", id)["args"] == [TEXTS[what]]


@pytest.mark.parametrize(
    ("option", "what"),
    [
        (option, what)
        for option in ("--id", "--queue")
        for what in HOSTILE_NAMES
        if (option, what) != ("--queue", "path")  # a queue may have slashes and dots: it is never a file's name
    ],
)
def test_a_hostile_name_is_refused_and_nothing_is_enqueued(shell: Shell, option: str, what: str) -> None:
    done = shell.run("enqueue", "APP", "resize", "x", option, HOSTILE_NAMES[what], exit=2)
    assert "expected 1 to 200" in done.stderr
    assert printable(done.stderr)
    assert shell.json("jobs", "APP") == []


@pytest.mark.parametrize("what", HOSTILE_NAMES)
def test_a_hostile_task_is_not_known_and_not_shown_raw(shell: Shell, what: str) -> None:
    done = shell.run("enqueue", "APP", HOSTILE_NAMES[what], "x", exit=2)
    assert "no task is named" in done.stderr
    assert printable(done.stderr)
