"""`workhorse worker`: what it says, how it ends, what it refuses; real processes where it matters."""

import json
import signal
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from shell import Shell, shells
from waiting import until
from workhorse.cli.quantities import address, memory, several


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    yield from shells(tmp_path, monkeypatch)


def ended(process: "subprocess.Popen[str]", seconds: float = 40) -> str:
    try:
        return process.communicate(timeout=seconds)[0]
    finally:
        process.kill()


def test_a_worker_says_what_it_works_on_each_dead_job_and_its_totals(shell: Shell) -> None:
    shell.enqueue("resize", "a")
    dead = shell.enqueue("hostile", "boo")
    worker = shell.start("worker", "APP", "--burst")
    said = ended(worker)
    assert worker.returncode == 0, said
    assert "engine  sqlite:///jobs.db" in said
    assert "queues  shop, mail" in said
    assert "tasks   resize, send_mail, many, kinds, hostile, idle, quiet, half" in said
    (line,) = [line for line in said.splitlines() if "is dead" in line]
    assert dead in line
    assert line.isprintable()
    assert "1 succeeded, 0 retried, 1 dead, 0 cancelled, 0 handed back in " in said


def test_with_json_start_and_totals_are_documents(shell: Shell) -> None:
    shell.enqueue("resize", "a")
    lines = shell.run("worker", "APP", "--burst", "--json", "--queues", "shop").stdout.splitlines()
    start, totals = map(json.loads, lines)
    assert (start["queues"], start["processes"], start["engine"]) == (["shop"], 1, "sqlite:///jobs.db")
    assert (totals["succeeded"], totals["dead"], totals["released"]) == (1, 0, 0)


def test_the_log_can_be_json_lines(shell: Shell) -> None:
    id = shell.enqueue("send_mail", "bob")
    said = shell.run("worker", "APP", "--burst", "--log-format", "json", "--log-level", "error").stderr
    (line,) = map(json.loads, said.splitlines())
    assert (line["job"], line["task"], line["level"]) == (id, "send_mail", "error")


def test_max_jobs_is_exact(shell: Shell) -> None:
    for name in "abcde":
        shell.enqueue("resize", name)
    said = shell.run("worker", "APP", "--max-jobs", "3", "--json").stdout
    assert json.loads(said.splitlines()[-1])["succeeded"] == 3
    assert len(shell.json("jobs", "APP", "--status", "ready")) == 2


def test_max_jobs_is_exact_over_two_processes(shell: Shell) -> None:
    for name in "abcdefgh":
        shell.enqueue("resize", name)
    worker = shell.start("worker", "APP", "--processes", "2", "--max-jobs", "5", "--json")
    said = ended(worker)
    assert worker.returncode == 0, said
    assert json.loads(said.splitlines()[-1])["succeeded"] == 5
    assert len(shell.json("jobs", "APP", "--status", "ready")) == 3


@pytest.mark.parametrize("processes", ["1", "2"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_worker_in_peace(shell: Shell, processes: str, number: signal.Signals) -> None:
    worker = shell.start("worker", "APP", "--processes", processes)
    until(lambda: len(shell.json("workers", "APP")) == int(processes))
    worker.send_signal(number)
    said = ended(worker)
    assert worker.returncode == 0, said
    assert "0 succeeded" in said
    assert "Traceback" not in said
    assert shell.json("workers", "APP") == []


def test_who_is_there_is_shown_with_what_it_runs(shell: Shell) -> None:
    worker = shell.start("worker", "APP", "--concurrency", "7", "--queues", "mail")
    until(lambda: len(shell.json("workers", "APP")) == 1)
    (sign,) = shell.json("workers", "APP")
    assert (sign["queues"], sign["concurrency"], sign["pid"], sign["running"]) == (["mail"], 7, worker.pid, [])
    assert sign["name"] in shell.run("workers", "APP").stdout
    assert shell.json("queues", "APP")[1]["workers"] == 1
    worker.terminate()
    assert "0 succeeded" in ended(worker)


def test_health_is_answered_where_it_was_asked_for(shell: Shell) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    worker = shell.start("worker", "APP", "--health", f"127.0.0.1:{port}")
    until(lambda: len(shell.json("workers", "APP")) == 1)
    for path in ("livez", "readyz"):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=10) as answer:
            assert answer.status == 200
    worker.terminate()
    ended(worker)


def test_a_port_that_is_taken_is_an_error(shell: Shell) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = shell.run("worker", "APP", "--burst", "--health", f"127.0.0.1:{port}", exit=1).stderr
    assert f"--health: cannot listen on 127.0.0.1:{port}" in said


@pytest.mark.parametrize("words", [["--processes", "2"], ["--max-memory", "512MB"]])
def test_memory_is_refused_to_several_processes(shell: Shell, words: list[str]) -> None:
    name = shell.spec.partition(":")[0]
    path = shell.folder / f"{name}.py"
    path.write_text(path.read_text().replace("sqlite:///jobs.db", "memory://"))
    said = shell.run("worker", "APP", *words, exit=2).stderr
    assert f"{words[0]}" in said
    assert "use a file: sqlite:///jobs.db" in said


@pytest.mark.parametrize("processes", ["1", "2"])
def test_a_database_that_cannot_be_opened_is_told_once(shell: Shell, processes: str) -> None:
    (shell.folder / "jobs.db").write_bytes(b"this is no database, and never was one" * 9)
    worker = shell.start("worker", "APP", "--processes", processes)
    said = ended(worker)
    assert worker.returncode == 1
    assert said.count("jobs.db") >= 1
    assert len(said.splitlines()) == 1
    assert "Traceback" not in said


def test_a_misspelt_queue_is_remarked_on(shell: Shell) -> None:
    assert "did you mean 'mail'?" in shell.run("worker", "APP", "--burst", "--queues", "mial").stderr


@pytest.mark.parametrize(
    "words",
    [["--processes", "0"], ["--lease", "0"], ["--max-memory", "much"], ["--health", "there"], ["--queues", ","]],
)
def test_numbers_out_of_range_are_usage_errors(shell: Shell, words: list[str]) -> None:
    shell.run("worker", "APP", *words, exit=2)


def test_quantities_are_read_as_people_write_them() -> None:
    here = (None, None)
    assert memory(*here, "512MB") == 512_000_000  # type: ignore[arg-type]
    assert memory(*here, "1.5 GiB") == 3 << 29  # type: ignore[arg-type]
    assert memory(*here, "4096") == 4096  # type: ignore[arg-type]
    assert address(*here, "8081") == ("127.0.0.1", 8081)  # type: ignore[arg-type]
    assert address(*here, "[::1]:80") == ("::1", 80)  # type: ignore[arg-type]
    assert several(*here, "a, b,a") == ["a", "b"]  # type: ignore[arg-type]
