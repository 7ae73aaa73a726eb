"""Which app a command means, and what it says when there is none."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from shell import Shell, shells


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    yield from shells(tmp_path, monkeypatch)


def module(shell: Shell) -> str:
    return shell.spec.partition(":")[0]


def test_a_module_of_the_current_folder_is_found(shell: Shell) -> None:
    assert shell.json("jobs", "APP") == []


def test_the_module_alone_will_do_when_it_holds_one_app(shell: Shell) -> None:
    assert shell.json("jobs", module(shell)) == []


def test_a_module_with_several_apps_asks_which(shell: Shell) -> None:
    name = module(shell)
    with open(shell.folder / f"{name}.py", "a", encoding="utf-8") as file:
        file.write("\nother = Workhorse('sqlite:///other.db')\nsame = app\n")
    said = shell.run("jobs", name, exit=2).stderr
    assert f"{name}:app, {name}:other, {name}:same" in said


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("NAME:ap", "has no 'ap'; did you mean 'app'?"),
        ("NAME:resize", "expected a Workhorse at NAME:resize, got a AsyncFunction; there is NAME:app"),
        ("NAMEx:app", "no module is named 'NAMEx', neither in this folder"),
        ("NAMEx:app", "did you mean 'NAME'?"),
        ("NAME.py", "expected MODULE:VARIABLE such as NAME:app"),
        ("./NAME:app", "expected MODULE:VARIABLE such as NAME:app"),
        ("email", "'email' has no Workhorse; write MODULE:VARIABLE"),
    ],
)
def test_a_wrong_name_gets_the_nearest_right_one(shell: Shell, spec: str, said: str) -> None:
    name = module(shell)
    done = shell.run("jobs", spec.replace("NAME", name), exit=2)
    assert said.replace("NAME", name) in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import no_such_thing", "ModuleNotFoundError: No module named 'no_such_thing'"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("def", "SyntaxError"),
    ],
)
def test_a_module_that_cannot_be_imported_says_where_it_broke(shell: Shell, text: str, said: str) -> None:
    (shell.folder / f"broken_{module(shell)}.py").write_text(f"\n{text}\n", encoding="utf-8")
    done = shell.run("jobs", f"broken_{module(shell)}:app", exit=1)
    assert said in done.stderr
    assert "cannot be imported" in done.stderr
    assert "Traceback" not in done.stderr


def test_debug_shows_the_traceback(shell: Shell) -> None:
    (shell.folder / f"broken_{module(shell)}.py").write_text("1 / 0\n", encoding="utf-8")
    done = shell.run("jobs", f"broken_{module(shell)}:app", "--debug", exit=1)
    assert "Traceback (most recent call last)" in done.stderr


def test_what_an_app_declares_wrongly_is_told_as_it_is(shell: Shell) -> None:
    with open(shell.folder / f"{module(shell)}.py", "a", encoding="utf-8") as file:
        file.write("\n@app.task(name='resize')\ndef twice() -> None: ...\n")
    assert "two tasks are named 'resize'" in shell.run("jobs", "APP", exit=2).stderr


def test_the_version_is_told(shell: Shell) -> None:
    assert shell.run("--version").stdout.startswith("workhorse")


def test_the_exit_codes_stand_in_the_help(shell: Shell) -> None:
    said = shell.run("--help").stdout
    assert "Exit codes:" in said
    assert "nothing is known of this job" in said


@pytest.mark.parametrize(
    "words",
    [
        ["jobs", "APP", "--status", "dead", "--json"],
        ["jobs", "--status", "dead", "--json", "APP"],
        ["jobs", "--json", "APP", "list", "--status", "dead"],
        ["jobs", "APP", "--json", "--status=dead", "list"],
    ],
)
def test_options_may_stand_anywhere_and_a_noun_without_a_verb_lists(shell: Shell, words: list[str]) -> None:
    assert shell.run(*words).stdout == "[]\n"


@pytest.mark.parametrize("noun", ["jobs", "dead", "queues"])
def test_an_unknown_verb_is_a_usage_error_with_the_nearest_one(shell: Shell, noun: str) -> None:
    said = shell.run(noun, "APP", "lisst", exit=2).stderr
    assert "no verb 'lisst'; did you mean 'list'?" in said


@pytest.mark.parametrize("words", [["jobs"], ["jobs", "--help"], ["jobs", "APP", "--help"]])
def test_a_noun_shows_its_verbs(shell: Shell, words: list[str]) -> None:
    said = shell.run(*words).stdout
    assert "Usage: workhorse jobs [OPTIONS] APP [VERB] [ARGS]..." in said.replace("main", "workhorse")
    assert "retry" in said
