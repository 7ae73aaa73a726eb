"""`workhorse doctor`: healthy is exit code 0; what must be fixed is exit code 1, and says how."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shell import Shell, shells


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    yield from shells(tmp_path, monkeypatch)


def findings(shell: Shell, exit: int = 0) -> list[dict[str, Any]]:
    told = shell.json("doctor", "APP", exit=exit)
    assert told["healthy"] == (exit == 0)
    found: list[dict[str, Any]] = told["findings"]
    return found


def about(found: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return next(each for each in found if each["about"] == name)


def test_a_healthy_installation_is_exit_code_0(shell: Shell) -> None:
    found = findings(shell)
    assert {each["kind"] for each in found} == {"good"}
    assert about(found, "file")["found"] == str(shell.folder / "jobs.db")
    assert about(found, "tasks")["found"] == "8, on the queues shop, mail"
    assert {"workhorse", "python", "libraries", "schema", "writing", "clock"} <= {each["about"] for each in found}


def test_people_get_a_table(shell: Shell) -> None:
    assert str(shell.folder / "jobs.db") in shell.run("doctor", "APP").stdout


def test_a_file_that_is_no_database_must_be_fixed(shell: Shell) -> None:
    (shell.folder / "jobs.db").write_bytes(b"this is no database, and never was one" * 9)
    engine = about(findings(shell, exit=1), "engine")
    assert engine["kind"] == "bad"
    assert "jobs.db" in engine["found"]


def test_a_folder_that_is_not_there_must_be_fixed(shell: Shell) -> None:
    name = shell.spec.partition(":")[0]
    path = shell.folder / f"{name}.py"
    path.write_text(path.read_text().replace("sqlite:///jobs.db", "sqlite:///nowhere/jobs.db"))
    assert "nowhere" in about(findings(shell, exit=1), "engine")["found"]


def test_a_task_whose_annotation_does_not_resolve_must_be_fixed(shell: Shell) -> None:
    with open(shell.folder / f"{shell.spec.partition(':')[0]}.py", "a", encoding="utf-8") as file:
        file.write('\n@app.task\ndef wrong(it: "Nowhere") -> None: ...\n')
    assert "Nowhere" in about(findings(shell, exit=1), "task wrong")["found"]


def test_due_jobs_without_a_worker_are_a_warning_with_the_command(shell: Shell) -> None:
    shell.enqueue("resize", "a")
    queue = about(findings(shell), "queue shop")
    assert (queue["kind"], queue["fix"]) == ("warn", f"workhorse worker {shell.spec} --queues shop")


def test_dead_letters_are_a_warning(shell: Shell) -> None:
    shell.enqueue("send_mail", "bob")
    shell.burst()
    assert about(findings(shell), "dead letters")["found"] == "1"
