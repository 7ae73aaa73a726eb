"""The real worker over the real engine, in one thread, on a clock that jumps: whatever is done to it, the account is clean."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pytest

from simulation.nemesis import Fault
from simulation.program import Program, grouped, tiny, whole
from simulation.run import Run, Verdict
from simulation.sweep import sweep

SUPPORT = Path(__file__).parents[1] / "support"
FAULTS = {"kill", "freeze", "unavailable", "lost", "stall", "poison", "jump"}

MET = (
    *("undone=stale", "answer=lost", "answer=cancel", "kind=Released", "kind=Retried", "kind=Cancelled", "refused"),
    *("reason=crashed", "crashes=2", "cancel=True", "interrupted", "deleted", "~0", "~dead", "failed'", "attempt=3"),
)
"""What the stories must have come by, or their programs and faults are too tame."""

Say = Callable[[str], None]


def accounted(verdicts: Iterable[Verdict], say: Say, what: str) -> Counter[str]:
    """All of them are clean; the faults that they met."""
    runs, calls, faults = 0, 0, Counter[str]()
    for verdict in verdicts:
        assert not verdict.wrong, str(verdict)
        runs, calls = runs + 1, calls + verdict.calls
        faults.update(verdict.faults)
    say(f"simulation: {what}: {runs} runs, {calls} verbs, nothing wrong; faults: {dict(sorted(faults.items()))}")
    return faults


def test_nothing_goes_wrong_in_200_seeds(say: Say) -> None:
    verdicts = [Run(seed).go() for seed in range(200)]
    faults = accounted(verdicts, say, "seeds")
    assert faults.keys() >= FAULTS, "the nemesis slept"
    stories = "\n".join(verdict.history for verdict in verdicts)
    assert [word for word in MET if word not in stories] == []


@pytest.mark.proof
@pytest.mark.timeout(900)
def test_nothing_goes_wrong_in_2000_seeds(say: Say) -> None:
    faults = accounted((Run(seed).go() for seed in range(1000, 3000)), say, "seeds")
    assert faults.keys() >= FAULTS, "the nemesis slept"


def test_a_tiny_program_survives_a_kill_and_a_freeze_at_each_await(say: Say) -> None:
    swept(tiny(), ("kill", "freeze"), say)


def test_a_group_its_follow_ups_and_a_batch_survive_a_kill_and_a_freeze_at_each_await(say: Say) -> None:
    swept(grouped(), ("kill", "freeze"), say)


@pytest.mark.proof
@pytest.mark.timeout(900)
def test_a_program_of_all_kinds_survives_each_fault_at_each_await(say: Say) -> None:
    swept(whole(), ("kill", "freeze", "unavailable", "stall"), say)


def swept(program: Program, faults: Sequence[Fault], say: Say) -> None:
    """Each point was reached, and its fault survived."""
    verdicts = list(sweep(program, faults))
    met = accounted(verdicts, say, f"each await of {program.name}")
    points = (len(verdicts) - 1) // len(faults)
    assert points > verdicts[0].calls
    assert {fault: met[fault] for fault in faults} == dict.fromkeys(faults, points)


def test_the_same_seed_tells_the_same_story() -> None:
    """Also in another process, whose sets are in another order."""
    stories = {Run(7).go().history, Run(7).go().history}
    for order in ("1", "2"):
        environment = {**os.environ, "PYTHONPATH": str(SUPPORT), "PYTHONHASHSEED": order}
        command = [sys.executable, "-c", "from simulation.run import Run; print(Run(7).go().history, end='')"]
        stories.add(subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout)
    assert len(stories) == 1


def test_another_seed_tells_another_story() -> None:
    assert Run(7).go().history != Run(8).go().history
