"""What the library writes to its one logger: a line a happening, with its fields beside it, and nothing by itself."""

import logging
import subprocess
import sys
from collections.abc import Callable

import pytest

from workhorse.core import happenings as h
from workhorse.core import log
from workhorse.core.contract import Cancelled, Claim, Dead, Envelope, Outcome, Released, Retried, Succeeded
from workhorse.core.instrument import Bus

CLAIM = Claim(Envelope("id-1", "shop.send", b"", queue="mail", attempt=2), "token")

SAID: list[tuple[object, int, str]] = [
    (h.WorkerStarted("w", ["mail", "shop"], 7), logging.INFO, "worker w runs 7 at once from mail, shop"),
    (h.WorkerStopping("w", 3, 25.0), logging.INFO, "worker w stops; 3 running jobs have 25 s"),
    (h.WorkerStopped("w", 1.25), logging.INFO, "worker w stopped after 1.2 s"),
    (h.JobEnded(Dead(CLAIM, reason="ValueError: no"), 1), logging.ERROR, "shop.send id-1 is dead: ValueError: no"),
    (
        h.JobEnded(Retried(CLAIM, after=30), 1, "E: x"),
        logging.WARNING,
        "shop.send id-1 failed at attempt 2, again in 30 s: E: x",
    ),
    (h.JobEnded(Released(CLAIM, after=5), 1), logging.INFO, "shop.send id-1 handed back for 5 s "),
    (h.JobEnded(Cancelled(CLAIM), 1), logging.INFO, "shop.send id-1 cancelled"),
    (h.JobSucceeded(Succeeded(CLAIM), 0.5), logging.DEBUG, "shop.send id-1 succeeded in 0.5 s"),
    (h.JobLost(CLAIM, "stale"), logging.WARNING, "shop.send id-1 is not ours any more (stale): its outcome is dropped"),
    (h.BrokerLost("settle", "away"), logging.WARNING, "the engine does not answer (settle): away; trying again"),
    (h.BrokerBack(3), logging.INFO, "the engine answers again after 3.0 s"),
    (
        h.TicksMissed("shop~beat", 0, 60.5),
        logging.WARNING,
        "schedule shop~beat: nobody was there for its ticks from 1970-01-01T00:00:00+00:00 to 1970-01-01T00:01:00.500000+00:00: "
        "they are skipped; catch_up= makes up for some",
    ),
    (h.TickRefused("beat", "id-1", "full"), logging.ERROR, "beat id-1 was not accepted: full; the schedule goes on"),
    (
        h.Spooled(3, "no connection"),
        logging.WARNING,
        "the engine does not answer (no connection): jobs go to the spool until it does",
    ),
    (h.Spooled(3, ""), logging.DEBUG, "3 jobs go to the spool, behind those that wait there"),
    (h.Forwarded(3, 0.5), logging.INFO, "3 jobs of the spool are at the engine"),
    (
        h.ForwardRefused("id-1", "beat", "too large"),
        logging.ERROR,
        "beat id-1 of the spool was not accepted: too large; it is put aside there",
    ),
    (h.ProcessDied(42, -9, 0.5), logging.ERROR, "worker process 42 ended with -9; another starts in 0.5 s"),
]


@pytest.mark.parametrize(("happening", "level", "text"), SAID, ids=[type(it[0]).__name__ for it in SAID])
def test_each_happening_is_one_line(caplog: pytest.LogCaptureFixture, happening: object, level: int, text: str) -> None:
    caplog.set_level(logging.DEBUG, "workhorse")
    bus = Bus()
    log.listen(bus)
    bus.say(happening)
    (record,) = caplog.records
    assert (record.name, record.levelno, record.getMessage()) == ("workhorse", level, text)


@pytest.mark.parametrize("end", [Dead, Retried, Released, Cancelled])
def test_the_end_of_a_job_carries_its_fields(caplog: pytest.LogCaptureFixture, end: Callable[..., Outcome]) -> None:
    caplog.set_level(logging.DEBUG, "workhorse")
    bus = Bus()
    log.listen(bus)
    bus.say(h.JobEnded(end(CLAIM), 0.25))
    fields = vars(caplog.records[0])
    assert {name: fields[name] for name in ("job", "task", "attempt", "seconds")} == {
        "job": "id-1", "task": "shop.send", "attempt": 2, "seconds": 0.25,
    }  # fmt: skip


def test_every_happening_of_a_worker_has_its_line() -> None:
    quiet = {"Enqueued", "JobStarted"}  # a line a job would cost as much as the job
    told = {type(happening).__name__ for happening, _, _ in SAID} | {"LoopBlocked", "ThreadAbandoned"}
    there = {name for name, cls in vars(h).items() if isinstance(cls, type) and cls.__module__ == h.__name__}
    assert told | quiet >= there


def test_a_program_that_configures_no_log_hears_nothing() -> None:
    program = """
import asyncio
from workhorse import Retry, Workhorse
from workhorse.testing import in_memory
app = Workhorse("memory://", retry=Retry(0))
@app.task
async def fail() -> None:
    raise ValueError
async def main():
    async with in_memory(app) as bench:
        await fail.enqueue()
        print(await bench.drain())
asyncio.run(main())
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert "dead=1" in done.stdout
