"""What people see of limits and unique keys: who is parked in which lane, and why a job waits."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from shell import Shell, shells
from workhorse.cli import lanes
from workhorse.core.contract import Envelope, Lane, Row, Unique

TASKS = """
from workhorse import Limit, Unique

@app.task(limit=Limit(concurrency=1, key="{tenant}"))
async def call(tenant: str) -> None: ...

@app.task(limit=Limit(rate="60/min"))
async def drip() -> None: ...

@app.task(unique=Unique(by=("account",), within=60))
async def report(account: str, day: int = 1) -> None: ...
"""


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    for shell in shells(tmp_path, monkeypatch):
        with open(shell.folder / f"{shell.spec.partition(':')[0]}.py", "a", encoding="utf-8") as file:
            file.write(TASKS)
        yield shell


def test_the_card_of_a_parked_job_says_what_it_waits_for(shell: Shell) -> None:
    _, second = shell.enqueue("call", "acme"), shell.enqueue("call", "acme")
    told = shell.json("jobs", "APP", "show", second)
    assert told["status"] == "parked"
    assert told["waits"] == "no slot in its lane (at most 1 at once)"
    assert told["lane"] == {
        "key": 'shop/call:"acme"', "width": 1, "ordered": False, "every": 0.0, "burst": 1, "says": "at most 1 at once",
    }  # fmt: skip
    said = shell.run("jobs", "APP", "show", second).stdout
    assert 'lane       shop/call:"acme": at most 1 at once' in said
    assert "waits      no slot in its lane (at most 1 at once)" in said


def test_the_card_says_which_key_a_job_has_and_for_how_long(shell: Shell) -> None:
    id = shell.enqueue("report", "acme")
    told = shell.json("jobs", "APP", "show", id)["unique"]
    assert told["key"] == 'shop/report:"acme"'
    assert told["says"] == "one job until it ends, and for no less than 60 s from its acceptance"


def test_the_card_of_a_job_of_a_paused_queue_says_so(shell: Shell) -> None:
    id = shell.enqueue("resize", "a")
    assert shell.json("jobs", "APP", "show", id)["waits"] == ""
    shell.run("queues", "APP", "pause", "shop")
    assert shell.json("jobs", "APP", "show", id)["waits"] == "the queue shop is paused"


def test_queues_counts_the_parked_apart(shell: Shell) -> None:
    for _ in range(4):
        shell.enqueue("call", "acme")
    (shop,) = (each for each in shell.json("queues", "APP") if each["queue"] == "shop")
    assert (shop["ready"], shop["parked"]) == (1, 3)


def test_the_doctor_names_parked_jobs_by_lane(shell: Shell) -> None:
    for tenant in ("acme", "acme", "acme", "other", "other"):
        shell.enqueue("call", tenant)
    findings = shell.json("doctor", "APP")["findings"]
    found = {each["about"]: each for each in findings if each["about"].startswith("lane ")}
    assert list(found) == ['lane shop/call:"acme"', 'lane shop/call:"other"']
    assert {each["kind"] for each in found.values()} == {"good"}
    assert found['lane shop/call:"acme"']["found"].startswith("2 parked, the first for ")


def test_the_doctor_warns_of_a_lane_whose_first_has_waited_for_long(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workhorse.cli.checkup.LATE", -1)
    shell.enqueue("call", "acme")
    shell.enqueue("call", "acme")
    (lane,) = (each for each in shell.json("doctor", "APP")["findings"] if each["about"].startswith("lane "))
    assert lane["kind"] == "warn"
    assert lane["fix"] == f"a higher limit; who has its slots: workhorse jobs {shell.spec} --task call"


def test_enqueueing_a_second_job_of_a_key_says_which_is_there(shell: Shell) -> None:
    first = shell.enqueue("report", "acme")
    again = shell.run("enqueue", "APP", "report", "acme", "2")
    assert again.stdout.strip() == first
    assert f"no new job: {first} has its unique key" in again.stderr


@pytest.mark.parametrize(
    ("lane", "text"),
    [
        (Lane("k", 5), "at most 5 at once"),
        (Lane("k", None, every=0.6), "one each 0.6 s"),
        (Lane("k", 1, ordered=True, every=2), "one at a time, in order, one each 2 s"),
    ],
)
def test_a_lane_in_words(lane: Lane, text: str) -> None:
    assert lanes.of_lane(lane) == text


def test_a_unique_key_in_words() -> None:
    assert lanes.of_unique(Unique("k", "claimed")) == "one job until it is claimed"
    assert lanes.of_unique(Unique("k", "kept")) == "one job as long as it is kept"


def test_a_rated_job_that_is_not_due_is_said_to_wait_for_its_rate() -> None:
    job = Envelope("a", "drip", b"", "shop", lane=Lane("k", None, every=1))
    assert lanes.why(Row(job, "scheduled", 0), ()) == "not due yet, as the rate of its lane allows"
    assert lanes.why(Row(job, "running", 0), ("shop",)) == ""
