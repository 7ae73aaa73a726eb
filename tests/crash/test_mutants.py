"""The judge is judged: real code that is wrong in one way each is caught from each of three seeds, by no test of its own."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mutants import MUTANTS, applied
from simulation.run import Run, Verdict

SEEDS = (1, 2, 3)
BATCH = 50
"""Runs that one seed stands for."""


def first_wrong(seed: int) -> tuple[int, Verdict | None]:
    """The first run of the batch that the account does not pass, and its place."""
    for place in range(BATCH):
        verdict = Run(seed * 1000 + place).go()
        if verdict.wrong:
            return place + 1, verdict
    return BATCH, None


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_mutant_is_caught(mutant: str, seed: int, say: Callable[[str], None]) -> None:
    with applied(mutant):
        runs, caught = first_wrong(seed)
    assert caught is not None, f"the mutant {mutant!r} survived {runs} runs from seed {seed}"
    lines = sorted({line.partition(":")[0] for line in caught.wrong})
    say(f"mutant | {mutant} | seed {seed} | simulation, run {runs} | {', '.join(lines)}")


@pytest.mark.parametrize("seed", SEEDS)
def test_the_code_as_it_is_passes_the_same_seeds(seed: int) -> None:
    runs, caught = first_wrong(seed)
    assert caught is None, f"run {runs} from seed {seed}: {caught}"


def test_a_child_process_is_the_mutant_that_its_environment_names() -> None:
    told = "import mutants; mutants.from_environment(); from simulation.run import Run; print(*Run(1000).go().wrong)"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1] / "support"), "MUTANT": "early settle"}
    done = subprocess.run(
        [sys.executable, "-c", told], env=environment, check=True, capture_output=True, text=True, timeout=60
    )
    assert "succeeded without a finished run" in done.stdout
