"""The long proof: workers killed, frozen past their lease, told to stop and started again, by a seed, while jobs run."""

import asyncio
import random
import signal
import time
from pathlib import Path

import pytest

from ledger import SLOTS, Ledger, enqueue, statuses
from waiting import until

JOBS, SECONDS = 12_000, 30
LEASE = 1.0


@pytest.mark.proof
@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_nothing_is_lost_whatever_happens_to_workers(seed: int, tmp_path: Path) -> None:
    """Printed on failure: the seed, and what was done to whom; the same seed does the same again."""
    chance, faults = random.Random(seed), []
    with Ledger(tmp_path) as ledger:
        ids = asyncio.run(enqueue(ledger.url, JOBS))
        for _ in range(3):
            ledger.worker()
        end = time.monotonic() + SECONDS
        while time.monotonic() < end and len(ledger.count("done")) < JOBS:
            faults.append(_harm(ledger, chance))
            time.sleep(chance.uniform(0.1, 0.6))
        last = ledger.worker()
        until(lambda: len(ledger.count("done")) == JOBS, 120)
        until(lambda: asyncio.run(statuses(ledger.url, ids)) == {"succeeded": JOBS}, 120)
        last.send_signal(signal.SIGTERM)
        assert last.wait(60) in (0, -signal.SIGTERM)  # it may not have been up yet
        starts = ledger.count("start")
        kills = sum(fault in ("kill", "freeze") for fault in faults)
        assert kills >= 5, f"the nemesis slept: {faults}"
        assert set(starts) == set(range(JOBS)), f"seed {seed}: {faults}"
        again = sum(starts.values()) - JOBS
        # beside what a worker ran, what had ended there and was not settled yet may run once more
        assert again <= kills * (SLOTS + 100), f"seed {seed}: {again} ran again after {faults}"
        print(f"seed {seed}: {JOBS} jobs, {len(faults)} faults, {kills} kills and freezes, {again} ran again, 0 lost")


def _harm(ledger: Ledger, chance: random.Random) -> str:
    """One fault to one of the workers that are there; a new one takes its place."""
    fault = chance.choice(["kill", "kill", "freeze", "stop"])
    victim = ledger.workers.pop(0)
    if fault == "kill":
        victim.kill()
    elif fault == "stop":
        victim.send_signal(signal.SIGTERM)
    else:
        victim.send_signal(signal.SIGSTOP)
        time.sleep(LEASE * 1.5)  # past its lease: it wakes as a zombie, and what it settles must not count
        victim.send_signal(signal.SIGCONT)
        victim.send_signal(signal.SIGTERM)
    ledger.gone.append(victim)
    ledger.worker()
    return fault
