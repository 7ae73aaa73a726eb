"""What is accepted or settled is on the disk before anyone is told so: seen from outside, in the calls that the process makes.
A killed process leaves the system's cache behind, so that no kill can show this."""

from typing import Final

import pytest

from traced import Call, between, missing, traced

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "there is strace")

SCRIPT: Final = """
import asyncio, os, sys
from workhorse import Workhorse
from workhorse.engine import Succeeded

app = Workhorse(sys.argv[1], name="q")

@app.task
async def note(n: int) -> int:
    return n

def say(word):
    os.write(1, word)

async def main():
    async with app:
        say(b"enqueue asked")
        await app.enqueue(note.job(1))
        say(b"enqueue answered")
        broker = (await app.engine()).broker
        say(b"claim asked")
        (claim,) = await broker.claim(["q"], 1, 30)
        say(b"claim answered")
        say(b"settle asked")
        await broker.settle([Succeeded(claim)])
        say(b"settle answered")

asyncio.run(main())
"""


@pytest.fixture(scope="module", params=["full", "normal"])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[Call]]:
    """How durable the URL wants it, and the calls of an enqueue, a claim and a settle."""
    folder = tmp_path_factory.mktemp("traced")
    url = f"sqlite:///{folder}/jobs.db?synchronous={request.param}"
    return request.param, traced(SCRIPT, [url], folder / "trace")


@pytest.mark.parametrize("verb", ["enqueue", "settle"])
def test_full_is_on_the_disk_before_the_answer_and_normal_is_not(run: tuple[str, list[Call]], verb: str) -> None:
    synchronous, calls = run
    assert _log_after_last_write(between(calls, f"{verb} asked", f"{verb} answered")) == (synchronous == "full")


def test_a_claim_is_not_synced_on_its_own(run: tuple[str, list[Call]]) -> None:
    _, calls = run
    assert not _log_after_last_write(between(calls, "claim asked", "claim answered"))


def _log_after_last_write(calls: list[Call]) -> bool:
    """Whether the log was synced after the last write to it. There is such a write."""
    names = [call.name for call in calls if call.file.endswith("jobs.db-wal")]
    assert {"pwrite64", "write"} & set(names), names
    return names[-1] in ("fsync", "fdatasync")
