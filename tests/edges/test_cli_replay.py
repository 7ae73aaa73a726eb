"""`workhorse replay`: recorded messages once more, each once, with an account of every line."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shell import Shell, shells
from workhorse.cli import replay_source, replaying
from workhorse.core.document import Overrides, encode
from workhorse.core.errand import Errand


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    yield from shells(tmp_path, monkeypatch)


def written(shell: Shell, *lines: object, name: str = "messages.jsonl") -> str:
    """A file of these lines; text stands as it is."""
    text = "".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines)
    (shell.folder / name).write_text(text, encoding="utf-8")
    return name


def jobs(shell: Shell, *more: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = shell.json("jobs", "APP", "--limit", "10000", *more)
    return found


def counts(account: dict[str, Any]) -> tuple[int, int, int, int]:
    return account["enqueued"], account["put_back"], account["there"], account["bad"]


def resize(path: str, **more: object) -> dict[str, object]:
    return {"task": "resize", "args": [path], **more}


def test_each_line_is_a_job_of_its_task(shell: Shell) -> None:
    file = written(
        shell,
        resize("cat.png", id="cat", kwargs={"width": 8}),
        "",
        {"task": "send_mail", "args": ["ada@example.org"], "headers": {"trace": "7"}, "priority": 3},
        {"task": "elsewhere", "queue": "far", "args": [1]},
    )
    assert counts(shell.json("replay", "APP", file)) == (3, 0, 0, 0)
    assert {(job["task"], job["queue"], job["priority"]) for job in jobs(shell)} == {
        ("resize", "shop", 2), ("send_mail", "mail", 3), ("elsewhere", "far", 2),
    }  # fmt: skip
    assert shell.burst()["succeeded"] == 2
    assert shell.json("jobs", "APP", "show", "cat")["result"] == {"value": "cat.png@8"}
    (mail,) = jobs(shell, "--task", "send_mail")
    assert shell.json("jobs", "APP", "show", mail["id"])["headers"] == {"trace": "7"}


def test_the_same_id_is_once_and_so_is_the_same_file(shell: Shell) -> None:
    file = written(shell, resize("a", id="one"), resize("b", id="one"), resize("c"), resize("c"))
    assert counts(shell.json("replay", "APP", file)) == (3, 0, 1, 0)
    shell.burst()
    assert counts(shell.json("replay", "APP", file)) == (0, 0, 0, 0)
    assert counts(shell.json("replay", "APP", file, "--again")) == (0, 0, 4, 0)
    assert shell.burst()["succeeded"] == 0


def test_standard_input_is_a_file_too(shell: Shell) -> None:
    text = "".join(f"{json.dumps(resize(str(index)))}\n" for index in range(3))
    said = shell.run("replay", "APP", "-", input=text).stdout
    assert said == "enqueued 3, put back 0 dead letters, 0 there already, 0 bad\n"
    assert "enqueued 0, put back 0 dead letters, 3 there already" in shell.run("replay", "APP", "-", input=text).stdout


BAD: dict[str, object] = {
    "expected a message as JSON": "{",
    "expected a message as JSON, got something else: Expected `object`": "[1]",
    "Object contains unknown field `arg`": {"task": "resize", "arg": ["a"]},
    "missing required field `task`": {"args": []},
    "did you mean 'resize'": {"task": "resiz", "args": ["a"]},
    "does not fit resize: path: expected `str`, got `int`": {"task": "resize", "args": [1]},
    "does not fit resize": {"task": "resize", "args": ["a", 1, 2, 3]},
    "does not fit resize:": {"task": "resize", "args": "a"},
    "id: expected at most 400": resize("a", id="two words"),
    "queue: expected 1 to 200": resize("a", queue="two words"),
    "priority: expected 1 (low), 2 or 3 (high), got 9": resize("a", priority=9),
    "payload: not a document of ours": {"task": "resize", "payload": "{"},
    "payload: the checksum is wrong": {"task": "resize", "payload": '{"v":1,"crc":"00000000","job":{}}'},
    "payload: ": {"task": "resize", "payload_base64": "=="},
    "and max_size is": resize("x" * 1_100_000),
    "is an event": {"specversion": "1.0", "id": "1", "type": "a.b", "source": "/"},
}


def test_bad_lines_are_named_by_their_numbers_and_stop_nobody(shell: Shell) -> None:
    file = written(shell, resize("first"), *BAD.values(), b"\xff\xfe".decode("latin-1"), resize("last"))
    account = shell.json("replay", "APP", file, exit=1)
    assert counts(account) == (2, 0, 0, len(BAD) + 1)
    reasons = {bad["line"]: bad["reason"] for bad in account["lines"]}
    for number, reason in enumerate(BAD, 2):
        assert reason in reasons[number], number
    assert "line 2: expected a message as JSON" in shell.run("replay", "APP", file, "--again", exit=1).stderr


def test_a_dry_run_checks_everything_and_does_nothing(shell: Shell) -> None:
    file = written(shell, resize("a", id="a"), resize("a", id="a"), {"task": "resize", "args": [1]})
    assert counts(shell.json("replay", "APP", file, "--dry-run", exit=1)) == (1, 0, 1, 1)
    said = shell.run("replay", "APP", file, "--dry-run", exit=1)
    assert said.stdout == "would enqueue 1, would put back 0 dead letters, 1 there already, 1 bad\n"
    assert jobs(shell) == []
    assert counts(shell.json("replay", "APP", file, exit=1)) == (1, 0, 1, 1)  # nor is it remembered


def exported(shell: Shell, name: str = "dead.jsonl") -> str:
    (shell.folder / name).write_text(shell.run("dead", "APP", "export").stdout, encoding="utf-8")
    return name


def test_an_export_puts_back_the_deaths_that_it_tells_of_and_no_later_ones(shell: Shell) -> None:
    a, b = shell.enqueue("send_mail", "nobody"), shell.enqueue("send_mail", "no one")
    shell.burst()
    file = exported(shell)
    assert counts(shell.json("replay", "APP", file, "--dry-run")) == (0, 2, 0, 0)
    assert counts(shell.json("replay", "APP", file)) == (0, 2, 0, 0)
    assert [job["status"] for job in jobs(shell)] == ["ready", "ready"]
    assert shell.burst()["dead"] == 2  # again, of a later attempt
    assert counts(shell.json("replay", "APP", file, "--again")) == (0, 0, 2, 0)
    assert {job["id"] for job in jobs(shell, "--status", "dead")} == {a, b}


def test_an_export_brings_back_what_was_purged_as_it_was(shell: Shell) -> None:
    id = shell.enqueue("send_mail", "nobody", "subject=hi")
    shell.burst()
    file = exported(shell)
    shell.run("dead", "APP", "purge", "--all")
    assert counts(shell.json("replay", "APP", file)) == (1, 0, 0, 0)
    shown = shell.json("jobs", "APP", "show", id)
    assert (shown["args"], shown["kwargs"], shown["attempt"]) == (["nobody"], {"subject": "hi"}, 1)
    (line,) = [json.loads(line) for line in (shell.folder / file).read_text().splitlines()]
    line["args"] = ["ada@example.org"]
    changed = written(shell, {**line, "id": "changed"}, {**line, "id": "edited", "payload": None})
    account = shell.json("replay", "APP", changed, exit=1)
    assert counts(account) == (1, 0, 0, 1)
    assert "to change them, leave payload out" in account["lines"][0]["reason"]
    assert shell.burst()["succeeded"] == 1


def test_another_queue_takes_them_all_events_too(shell: Shell) -> None:
    event = {"specversion": "1.0", "id": "e1", "type": "application/vnd.shop.paid", "source": "/shop", "data": {"n": 1}}
    file = written(shell, resize("a", id="a"), event)
    assert counts(shell.json("replay", "APP", file, "--queue", "aside")) == (2, 0, 0, 0)
    found = {job["id"]: (job["task"], job["queue"]) for job in jobs(shell)}
    assert found == {"a": ("resize", "aside"), "e1@aside": ("application/vnd.shop.paid", "aside")}
    shell.run("replay", "APP", file, "--queue", "two words", exit=2)


def test_a_file_that_grew_goes_on_and_one_that_changed_is_refused(shell: Shell) -> None:
    first, second = (json.dumps(resize(name)) for name in ("a", "b"))
    file = written(shell, first)
    path = shell.folder / file
    shell.run("replay", "APP", file)
    with path.open("a") as more:
        more.write(second[:10])  # somebody is writing it
    assert counts(shell.json("replay", "APP", file, exit=1)) == (0, 0, 0, 1)
    with path.open("a") as more:
        more.write(f"{second[10:]}\n")
    account = shell.json("replay", "APP", file)
    assert (account["before"], counts(account)) == (1, (1, 0, 0, 0))
    path.write_text(f"{second}\n{first}\n")
    assert (
        "its first 2 lines as they were replayed, and they have changed"
        in shell.run("replay", "APP", file, exit=1).stderr
    )


def test_a_line_that_is_longer_than_any_message_is_bad(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay_source, "LONGEST", 100)
    file = written(shell, resize("a"), "x" * 950, resize("b"))
    account = shell.json("replay", "APP", file, exit=1)
    assert counts(account) == (2, 0, 0, 1)
    assert account["lines"] == [{"line": 2, "reason": "expected a message, got a line that is longer than any"}]


def test_killed_half_way_it_goes_on_and_each_message_is_there_once(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = written(shell, *[resize(str(index)) for index in range(20_000)])
    process = shell.start("replay", "APP", file)
    try:
        database, end = shell.folder / "jobs.db", time.monotonic() + 60
        while not (database.exists() and len(shell.json("jobs", "APP", "--limit", "500")) == 500):
            assert time.monotonic() < end
            assert process.poll() is None
    finally:
        process.kill()
        process.communicate()
    account = shell.json("replay", "APP", file)
    assert account["before"] % replaying.BATCH == 0
    assert account["before"] + account["enqueued"] + account["there"] == 20_000
    assert account["there"] <= replaying.BATCH
    by_queue = shell.json("queues", "APP")
    assert [queue["ready"] for queue in by_queue if queue["queue"] == "shop"] == [20_000]


def test_a_saga_s_turn_is_not_replayed_out_of_its_saga(shell: Shell) -> None:
    payload = encode(b"[]", b"{}", overrides=Overrides(errand=Errand("signal", "tale-1")))
    file = written(shell, {"task": "tale", "queue": "shop", "payload": payload.decode()})
    account = shell.json("replay", "APP", file, exit=1)
    assert "belongs to a saga or a group" in account["lines"][0]["reason"]
