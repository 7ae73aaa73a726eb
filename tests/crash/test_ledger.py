"""Nothing accepted is lost: five hundred jobs, two workers killed half way, every line of the ledger accounted for."""

import asyncio
import signal
from pathlib import Path

from ledger import SLOTS, Ledger, enqueue, statuses
from waiting import until

JOBS = 500


def test_500_jobs_survive_two_kills(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        ids = asyncio.run(enqueue(ledger.url, JOBS))
        first, second = ledger.worker(), ledger.worker()
        until(lambda: len(ledger.count("done")) > JOBS // 5)
        first.send_signal(signal.SIGKILL)
        until(lambda: len(ledger.count("done")) > JOBS // 2)
        second.send_signal(signal.SIGKILL)
        third = ledger.worker()
        until(lambda: len(ledger.count("done")) == JOBS)
        third.send_signal(signal.SIGTERM)
        assert third.wait(60) == 0
        starts = ledger.count("start")
        assert set(starts) == set(range(JOBS))
        # a killed worker's jobs may run once more: those that it ran, and those that had ended and were not settled yet
        assert sum(starts.values()) - JOBS <= 2 * (SLOTS + 100)
        assert asyncio.run(statuses(ledger.url, ids)) == {"succeeded": JOBS}


def test_a_worker_told_to_stop_loses_nothing_and_runs_nothing_twice(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        ids = asyncio.run(enqueue(ledger.url, JOBS))
        first = ledger.worker()
        until(lambda: len(ledger.count("done")) > JOBS // 5)
        first.send_signal(signal.SIGTERM)
        assert first.wait(60) == 0
        assert ledger.worker("--burst").wait(60) == 0
        assert ledger.count("start") == dict.fromkeys(range(JOBS), 1)
        assert asyncio.run(statuses(ledger.url, ids)) == {"succeeded": JOBS}
