"""`workhorse enqueue`: words become what the task's parameters say, or an error that names the parameter."""

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shell import Shell, shells
from waiting import until


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    yield from shells(tmp_path, monkeypatch)


def given(shell: Shell, id: str) -> tuple[Any, Any]:
    shown = shell.json("jobs", "APP", "show", id)
    return shown["args"], shown["kwargs"]


@pytest.mark.parametrize(
    ("words", "args", "kwargs"),
    [
        (["resize", "cat.png"], ["cat.png"], {}),
        (["resize", "cat.png", "128"], ["cat.png", 128], {}),
        (["resize", "cat.png", "width=128"], ["cat.png"], {"width": 128}),
        (["resize", "width=128", "cat.png"], ["cat.png"], {"width": 128}),
        (["resize", "path=a=b"], [], {"path": "a=b"}),
        (["resize", "size=1"], ["size=1"], {}),
        (["resize", "128"], ["128"], {}),
        (["resize", "--", "-5", "-7"], ["-5", -7], {}),
        (["resize", "caf\u00e9 \u202e\x1b"], ["caf\u00e9 \u202e\x1b"], {}),
        (["many", "[1, 2]", "2030-01-02", "2.5", "3"], [[1, 2], "2030-01-02", 2.5, 3.0], {}),
        (["many", "[]", "null", "exact=true"], [[], None], {"exact": True}),
        (["many", "--args", "[[1], null]"], [[1], None], {}),
        (["many", "--args", '{"numbers": [1]}'], [], {"numbers": [1]}),
        (["many", "--args", '{"args": [[1]], "kwargs": {"exact": true}}'], [[1]], {"exact": True}),
    ],
)
def test_a_word_is_what_its_parameter_says(shell: Shell, words: list[str], args: list[Any], kwargs: Any) -> None:
    assert given(shell, shell.enqueue(*words)) == (args, kwargs)


def test_structures_enums_and_exact_numbers_are_taken(shell: Shell) -> None:
    id = "12345678123456781234567812345678"
    shell.enqueue("kinds", "red", "1.10", id, '{"name": "tea", "price": "2.50"}', "7", "--id", "kinds")
    assert shell.burst()["succeeded"] == 1
    value = shell.json("jobs", "APP", "show", "kinds")["result"]["value"]
    assert value == (
        "(<Colour.RED: 'red'>, Decimal('1.10'), UUID('12345678-1234-5678-1234-567812345678'), "
        "Item(name='tea', price=Decimal('2.50')), '7', {})"
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["rezise", "x"], "no task is named 'rezise'; did you mean 'resize'?"),
        (["resize", "x", "width=wide"], "width: expected int, got 'wide'"),
        (["resize", "x", "widht=3"], "width: expected int, got 'widht=3'; did you mean 'width'?"),
        (["resize", "x", "1", "2"], "expected at most 2 values (path, width), got 3: '2' is too much"),
        (["resize", "path=x", "path=y"], "expected 'path' once, got it twice"),
        (["resize", "path=x", "y"], "expected 'path' once, got it by position and by name"),
        (["resize"], "expected a value for 'path', got none"),
        (["many", "[1, true]"], "expected `int`, got `bool`"),
        (["many", "--args", "{"], "--args: expected a JSON list or mapping"),
        (["many", "--args", "7"], "--args: expected a JSON list or mapping"),
        (["many", "--args", '{"numbers": [1], "numbers": [2]}'], "got 'numbers' twice"),
        (["many", "--args", '{"nubmers": [1]}'], "'nubmers'"),
        (["many", "[1]", "--args", "[]"], "expected either values or --args, got both"),
        (["resize", "x", "--timeout", "1"], "--timeout goes with --wait"),
        (["resize", "x", "--id", "a/b"], "id: expected 1 to 200"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_enqueued(shell: Shell, words: list[str], said: str) -> None:
    done = shell.run("enqueue", "APP", *words, exit=2)
    assert said.lower() in done.stderr.lower()
    assert shell.json("jobs", "APP") == []


def test_what_is_said_of_one_job_holds_for_it(shell: Shell) -> None:
    told = shell.json(
        "enqueue", "APP", "resize", "x", "--id", "one", "--queue", "fast", "--priority", "high", "--delay", "60"
    )
    assert told == {"id": "one", "task": "resize", "queue": "fast"}
    shown = shell.json("jobs", "APP", "show", "one")
    assert (shown["queue"], shown["priority"], shown["status"]) == ("fast", 3, "scheduled")


def test_without_waiting_the_id_is_all_it_says(shell: Shell) -> None:
    id = shell.run("enqueue", "APP", "resize", "x").stdout.strip()
    assert shell.json("jobs", "APP")[0]["id"] == id


def test_waiting_says_that_no_worker_is_there_and_ends_in_time(shell: Shell) -> None:
    done = shell.run("enqueue", "APP", "resize", "x", "--wait", "--timeout", "0.05", exit=5)
    assert "none is there for the queue shop" in done.stderr
    assert "has not ended within 0.05 s" in done.stderr


def test_waiting_prints_the_result_of_any_kind_and_a_failure_is_exit_code_3(shell: Shell) -> None:
    worker = shell.start("worker", "APP")
    try:
        until(lambda: len(shell.json("workers", "APP")) == 1)
        assert shell.run("enqueue", "APP", "resize", "x", "--wait", "--timeout", "30").stdout == "x@256\n"
        assert shell.json("enqueue", "APP", "many", "[1]", "--wait")["value"][0] == "[1]"
        assert shell.run("enqueue", "APP", "idle", "no news", "--wait").stdout == "skipped: no news\n"
        assert shell.json("enqueue", "APP", "quiet", "--wait")["status"] == "succeeded"
        failed = shell.run("enqueue", "APP", "send_mail", "bob", "--wait", exit=3)
        assert failed.stderr == "workhorse: GiveUp: no address: bob\n"
        told = shell.json("enqueue", "APP", "send_mail", "bob", "--wait", exit=3)
        assert (told["status"], told["error"]["message"]) == ("dead", "no address: bob")
    finally:
        worker.terminate()
        said, _ = worker.communicate(timeout=30)
    assert worker.returncode == 0, said


def test_an_interrupted_wait_is_exit_code_130_and_the_job_stays(shell: Shell) -> None:
    waiting = shell.start("enqueue", "APP", "resize", "x", "--wait")
    assert waiting.stdout is not None
    assert "waits for a worker" in waiting.stdout.readline()
    waiting.send_signal(signal.SIGINT)
    said, _ = waiting.communicate(timeout=30)
    assert waiting.returncode == 130, said
    assert "Traceback" not in said
    assert len(shell.json("jobs", "APP")) == 1
