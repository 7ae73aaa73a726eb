"""`workhorse jobs`, `dead`, `queues`, `workers`: what people see, and the orders they give."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from shell import Shell, shells


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    yield from shells(tmp_path, monkeypatch)


def buried(shell: Shell, *tos: str) -> list[str]:
    """Dead letters, one for each address that is none."""
    ids = [shell.enqueue("send_mail", to) for to in tos]
    assert shell.burst()["dead"] == len(tos)
    return ids


def test_a_list_has_one_document_a_job(shell: Shell) -> None:
    id = shell.enqueue("resize", "cat.png")
    (job,) = shell.json("jobs", "APP")
    assert job == {
        "id": id, "task": "resize", "queue": "shop", "status": "ready", "priority": 2, "attempt": 1, "crashes": 0,
        "accepted": job["accepted"], "due": job["due"], "ended": None, "worker": "", "reason": "", "cancel": False,
    }  # fmt: skip


def test_a_list_is_narrowed_by_what_jobs_are(shell: Shell) -> None:
    a, b = shell.enqueue("resize", "cat.png"), shell.enqueue("resize", "dog.png", "--delay", "60")
    c = shell.enqueue("send_mail", "ada@example.org")
    ways = {
        ("--status", "scheduled"): [b],
        ("--queue", "mail"): [c],
        ("--task", "resize"): [a, b],
        ("--text", "dog"): [b],
        ("--limit", "2"): [a, b],
        ("--limit", "2", "--after", b): [c],
    }
    for way, expected in ways.items():
        assert [job["id"] for job in shell.json("jobs", "APP", *way)] == expected, way


def test_a_list_that_is_cut_says_how_to_go_on(shell: Shell) -> None:
    first = shell.enqueue("resize", "a")
    shell.enqueue("resize", "b")
    assert f"--after {first}" in shell.run("jobs", "APP", "--limit", "1").stderr


def test_a_table_in_a_pipe_cuts_nothing(shell: Shell) -> None:
    (id,) = buried(shell, "x" * 200)
    said = shell.run("jobs", "APP").stdout
    assert id in said
    assert "x" * 200 in said


def test_a_status_that_does_not_exist_is_a_usage_error(shell: Shell) -> None:
    shell.run("jobs", "APP", "--status", "deadish", exit=2)


def test_one_job_is_shown_with_arguments_attempts_and_result(shell: Shell) -> None:
    id, dead = shell.enqueue("resize", "cat.png"), shell.enqueue("hostile", "boo")
    shell.burst()
    assert shell.json("jobs", "APP", "show", id)["result"] == {"value": "cat.png@256"}
    shown = shell.json("jobs", "APP", "show", dead)
    (attempt,) = shown["attempts"]
    assert (shown["args"], attempt["attempt"], attempt["type"]) == (["boo"], 1, "ValueError")
    assert "raise ValueError" in attempt["traceback"]
    assert shown["result"]["error"]["type"] == "ValueError"


def test_the_last_word_on_progress_is_shown(shell: Shell) -> None:
    id = shell.enqueue("half")
    shell.burst()
    assert shell.json("jobs", "APP", "show", id)["progress"] == {"done": 0.5, "text": "half way"}
    assert "half way" in shell.run("jobs", "APP", "show", id).stdout


@pytest.mark.parametrize(
    "words",
    [
        ["jobs", "APP"],
        ["dead", "APP"],
        ["jobs", "APP", "show", "ID"],
        ["dead", "APP", "show", "ID"],
        ["dead", "APP", "export"],
    ],
)
def test_what_a_job_says_steers_no_terminal(shell: Shell, words: list[str]) -> None:
    id = shell.enqueue("hostile", "[red]\x1b]0;title\x07\x9b[/red]")
    shell.burst()
    for form in ([], ["--json"]):
        said = shell.run(*(id if word == "ID" else word for word in words), *form).stdout
        assert said.replace("\n", "").isprintable()
        assert "[red]" in said or words[-1] == "APP"


def test_secret_headers_are_not_shown(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    name = shell.spec.partition(":")[0]
    with open(shell.folder / f"{name}.py", "a", encoding="utf-8") as file:
        file.write('\n@app.task(headers={"api-token": "hunter2", "team": "shop"})\ndef secret() -> None: ...\n')
    id = shell.enqueue("secret")
    assert shell.json("jobs", "APP", "show", id)["headers"] == {"api-token": "***", "team": "shop"}


@pytest.mark.parametrize("verb", ["show", "retry", "cancel", "delete"])
@pytest.mark.parametrize("noun", ["jobs"])
def test_a_job_that_is_not_there_is_exit_code_4(shell: Shell, noun: str, verb: str) -> None:
    assert "nothing is known of it" in shell.run(noun, "APP", verb, "no-such-job", exit=4).stderr


def test_a_job_is_cancelled(shell: Shell) -> None:
    id = shell.enqueue("resize", "a", "--delay", "60")
    assert shell.json("jobs", "APP", "cancel", id) == {"cancelled": 1}
    assert shell.burst()["cancelled"] == 1
    assert shell.json("jobs", "APP", "show", id)["status"] == "cancelled"
    assert (
        "is cancelled, and this is for jobs that have not ended"
        in shell.run("jobs", "APP", "cancel", id, exit=1).stderr
    )


def test_a_job_is_deleted(shell: Shell) -> None:
    id, other = shell.enqueue("resize", "a"), shell.enqueue("resize", "b")
    assert shell.json("jobs", "APP", "delete", id) == {"deleted": 1}
    assert [job["id"] for job in shell.json("jobs", "APP")] == [other]


def test_nothing_is_deleted_when_one_of_several_is_not_there(shell: Shell) -> None:
    id = shell.enqueue("resize", "a")
    shell.run("jobs", "APP", "delete", id, "no-such-job", exit=4)
    assert [job["id"] for job in shell.json("jobs", "APP")] == [id]


def test_only_dead_jobs_are_put_back_by_id(shell: Shell) -> None:
    id, waiting = *buried(shell, "bob"), shell.enqueue("resize", "a")
    assert shell.json("jobs", "APP", "retry", id) == {"retried": 1}
    assert shell.json("jobs", "APP", "show", id)["attempt"] == 2
    assert "is ready, and this is for dead jobs" in shell.run("jobs", "APP", "retry", waiting, exit=1).stderr


def test_dead_letters_are_listed_with_their_reasons(shell: Shell) -> None:
    (id,) = buried(shell, "bob")
    shell.enqueue("resize", "a")
    (letter,) = shell.json("dead", "APP")
    assert (letter["id"], letter["reason"]) == (id, "GiveUp: no address: bob")
    assert "no dead letters" in shell.run("dead", "APP", "--task", "resize").stdout


def test_a_job_that_is_not_dead_is_no_dead_letter(shell: Shell) -> None:
    id = shell.enqueue("resize", "a")
    assert "is ready, not dead" in shell.run("dead", "APP", "show", id, exit=4).stderr


def test_all_dead_letters_are_put_back_or_those_that_were_chosen(shell: Shell) -> None:
    buried(shell, "ann", "bob", "bobby")
    assert shell.json("dead", "APP", "retry", "--all", "--text", "bob") == {"retried": 2}
    assert shell.json("dead", "APP", "retry", "--all") == {"retried": 1}
    assert shell.json("dead", "APP") == []


def test_dead_letters_are_purged_and_others_stay(shell: Shell) -> None:
    ann, bob = buried(shell, "ann", "bob")
    alive = shell.enqueue("resize", "a")
    assert "is ready, and this is for dead jobs" in shell.run("dead", "APP", "purge", alive, exit=1).stderr
    assert shell.json("dead", "APP", "purge", ann) == {"purged": 1}
    assert [letter["id"] for letter in shell.json("dead", "APP")] == [bob]
    assert shell.json("dead", "APP", "purge", "--all") == {"purged": 1}
    assert [job["id"] for job in shell.json("jobs", "APP")] == [alive]


@pytest.mark.parametrize("verb", ["retry", "purge"])
@pytest.mark.parametrize("words", [[], ["one", "--all"], ["one", "--queue", "mail"]])
def test_an_order_for_dead_letters_says_which(shell: Shell, verb: str, words: list[str]) -> None:
    shell.run("dead", "APP", verb, *words, exit=2)


def test_more_dead_letters_than_a_page_are_all_exported_once(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workhorse.durable.paging.PAGE", 2)
    ids = buried(shell, "a", "b", "c", "d", "e")
    lines = [json.loads(line) for line in shell.run("dead", "APP", "export").stdout.splitlines()]
    assert [line["id"] for line in lines] == sorted(ids)
    assert [line["args"] for line in lines] == [["a"], ["b"], ["c"], ["d"], ["e"]]
    assert all(line["attempts"][0]["type"] == "GiveUp" for line in lines)
    assert shell.json("dead", "APP", "retry", "--all") == {"retried": 5}


def test_queues_show_what_waits_and_for_how_long(shell: Shell) -> None:
    buried(shell, "bob")
    shell.enqueue("resize", "a")
    shell.enqueue("resize", "b", "--delay", "60")
    shop, mail = shell.json("queues", "APP")
    assert (shop["queue"], shop["ready"], shop["scheduled"], shop["rate"], shop["workers"]) == ("shop", 1, 1, 0, 0)
    assert 0 <= shop["oldest"] < 60
    assert (mail["queue"], mail["dead"], mail["oldest"]) == ("mail", 1, None)
    assert "oldest" in shell.run("queues", "APP").stdout


def test_a_paused_queue_is_not_worked_on_until_it_is_resumed(shell: Shell) -> None:
    assert shell.json("queues", "APP", "pause", "shop") == {"queue": "shop", "paused": True}
    shell.enqueue("resize", "a")
    assert shell.burst()["succeeded"] == 0
    assert shell.json("queues", "APP", "resume", "shop") == {"queue": "shop", "paused": False}
    assert shell.burst()["succeeded"] == 1


def test_a_queue_that_nobody_names_is_remarked_on(shell: Shell) -> None:
    assert "did you mean 'mail'?" in shell.run("queues", "APP", "pause", "mial").stderr


def test_a_queue_is_purged_of_what_waits_and_only_after_a_yes(shell: Shell) -> None:
    (dead,) = buried(shell, "bob")
    shell.enqueue("send_mail", "a@b")
    shell.enqueue("send_mail", "a@b", "--delay", "60")
    other = shell.enqueue("resize", "a")
    shell.run("queues", "APP", "purge", "mail", input="n\n", exit=1)
    assert len(shell.json("jobs", "APP")) == 4
    assert shell.json("queues", "APP", "purge", "mail", "--yes") == {"purged": 2}
    assert [job["id"] for job in shell.json("jobs", "APP")] == sorted([dead, other])


def test_without_workers_nobody_is_there(shell: Shell) -> None:
    assert shell.json("workers", "APP") == []
    assert shell.run("workers", "APP").stdout == "no workers\n"


def test_times_in_documents_are_utc_and_iso(shell: Shell) -> None:
    shell.enqueue("resize", "a")
    accepted = shell.json("jobs", "APP")[0]["accepted"]
    assert accepted.endswith("+00:00")
    assert accepted.startswith(time.strftime("%Y-", time.gmtime()))
