"""A producer, a forwarder or the engine's server dies at each step of a spool's way: nothing is lost, nothing is doubled, and jobs of one
lane run in the order in which they were enqueued."""

import asyncio
import os
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import pytest

from homes import home
from servers import Postgres, Redis
from servers.fixtures import Own
from spool_crash_app import MANY, NOWHERE, SINGLE, die, ended, run_all, said, start
from waiting import until

ALL: Final = list(range(SINGLE + MANY))
FILE: Final = ("asked", "statement:1", "statement:2", "done", "commit", "committed")
SERVED: Final = ("asked", "statement", "sent", "committed")
FAR: Final = {"sqlite": FILE, "postgres": SERVED, "redis": SERVED}
QUICK: Final = {("sqlite", "publish.committed"), ("sqlite", "unspool.commit"), ("redis", "publish.sent")}


def nth(point: str, time: int) -> str:
    """The same point, passed so often before."""
    name, _, first = point.partition(":")
    return f"{name}:{int(first or 1) + time}"


def ways() -> Iterator[object]:
    """Each far side with each point of a forwarder, at the first page and at a later one; few of them are for each day."""
    for kind, steps in FAR.items():
        for verb, its in (("lease", FILE), ("publish", steps), ("unspool", FILE)):
            for step in its:
                for time in (0, 1):
                    point = f"{verb}.{step}"
                    quick = (kind, point) in QUICK and time == 0
                    late = verb == "lease" and time  # taken once, and kept
                    if not late:
                        yield pytest.param(kind, nth(point, time), marks=() if quick else pytest.mark.proof)


def filled(tmp_path: Path) -> tuple[Path, Path]:
    """A spool and a ledger: all is enqueued, and none has arrived."""
    spool, ledger = tmp_path / "spool.db", tmp_path / "ledger"
    ended(start("produce", NOWHERE, spool, ledger))
    assert said(ledger, "acked") == ALL
    return spool, ledger


def drained(url: str, spool: Path, ledger: Path) -> Sequence[int]:
    """What ran, once a forwarder that lives has sent all on."""
    ended(start("forward", url, spool, ledger))
    asyncio.run(run_all(url, spool, ledger))
    return said(ledger, "ran")


@pytest.mark.parametrize(("kind", "point"), list(ways()))
def test_a_forwarder_dies(request: pytest.FixtureRequest, tmp_path: Path, kind: str, point: str) -> None:
    url = home(request, kind)
    spool, ledger = filled(tmp_path)
    die("forward", point, url, spool, ledger)
    assert drained(url, spool, ledger) == ALL


@pytest.mark.proof
@pytest.mark.parametrize("kind", FAR)
def test_each_forwarder_dies_until_none_is_left(request: pytest.FixtureRequest, tmp_path: Path, kind: str) -> None:
    """Ten in a row, each at another point."""
    url = home(request, kind)
    spool, ledger = filled(tmp_path)
    for number in range(10):
        point = ("publish.committed", "unspool.commit", "publish.asked")[number % 3]
        mark = tmp_path / f"mark-{number}"
        child = start("forward", url, spool, ledger, CRASH_AT=point, CRASH_MARK=str(mark))
        child.communicate(timeout=60)
    assert drained(url, spool, ledger) == ALL


@pytest.mark.parametrize(
    "point",
    [
        pytest.param(f"spool.{nth(step, time)}", marks=() if (step, time) == ("commit", 2) else pytest.mark.proof)
        for step in FILE
        for time in (0, 2, SINGLE)
        if not (step.startswith("statement") and time)
    ],
)
def test_a_producer_dies(tmp_path: Path, database_url: str, point: str) -> None:
    """What it was told of is there, in its order; what it asked for last is there as a whole or not at all."""
    spool, ledger = tmp_path / "spool.db", tmp_path / "ledger"
    die("produce", point, NOWHERE, spool, ledger)
    acked, asked = said(ledger, "acked"), said(ledger, "asked")
    assert len(asked) > len(acked)
    assert drained(database_url, spool, ledger) in (acked, asked)


@pytest.mark.proof
@pytest.mark.parametrize("kind", ["postgres", "redis"])
@pytest.mark.parametrize("point", [*(f"publish.{step}" for step in SERVED), "unspool.asked", "publish.asked:2"])
def test_the_server_dies_while_a_forwarder_is_there(own: Own, tmp_path: Path, kind: str, point: str) -> None:
    server: Postgres | Redis = own(Postgres) if kind == "postgres" else own(Redis, durable=True)
    url = server.url()
    spool, ledger = filled(tmp_path)
    mark = tmp_path / "mark"
    child = start("forward", url, spool, ledger, CRASH_AT=point, CRASH_MARK=str(mark), CRASH_BY="freeze")
    until(mark.exists)
    server.kill()
    os.kill(child.pid, signal.SIGCONT)
    server.start()
    ended(child)
    assert drained(url, spool, ledger) == ALL


@pytest.mark.parametrize(
    "kind",
    ["sqlite", pytest.param("postgres", marks=pytest.mark.proof), pytest.param("redis", marks=pytest.mark.proof)],
)
def test_a_frozen_forwarder_is_followed_and_its_late_word_changes_nothing(
    request: pytest.FixtureRequest, tmp_path: Path, kind: str
) -> None:
    url = home(request, kind)
    spool, ledger = filled(tmp_path)
    mark = tmp_path / "mark"
    frozen = start("forward", url, spool, ledger, CRASH_AT="publish.asked", CRASH_MARK=str(mark), CRASH_BY="freeze")
    until(mark.exists)
    assert drained(url, spool, ledger) == ALL
    os.kill(frozen.pid, signal.SIGCONT)
    ended(frozen)
    asyncio.run(run_all(url, spool, ledger))
    assert said(ledger, "ran") == ALL
