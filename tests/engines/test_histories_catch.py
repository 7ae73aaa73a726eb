"""The model is tested: engines that are wrong in one promise each are found out by some history."""

import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from workhorse.testing.histories import SEED, check

MUTANTS = runpy.run_path(str(Path(__file__).with_name("conformance_mutants.py")))


@pytest.fixture
def mutant(request: pytest.FixtureRequest) -> Iterator[Any]:
    """The engine in memory, with one part of it wrapped."""
    part, wrong = request.param
    made = type("Wrong", (MUTANTS["Mutant"],), {"parts": {part: MUTANTS[wrong]}})()
    homes = made.homes.__wrapped__(made)
    next(homes)
    yield made
    next(homes, None)


@pytest.mark.parametrize("mutant", [("broker", "Around")], indirect=True, ids=["Around"])
def test_a_wrapper_that_changes_nothing_is_not_found_out(mutant: Any) -> None:
    check(mutant, histories=20, steps=20)


@pytest.mark.proof
@pytest.mark.parametrize(
    "mutant",
    [
        ("broker", "PublishesTwice"),
        ("broker", "BlindSettle"),
        ("broker", "CountsNoCrash"),
        ("broker", "CountsHandBacks"),
        ("broker", "ReleasesAsRetry"),
        ("broker", "SettlesThenWrites"),
        ("broker", "WidensLanes"),
        ("inspector", "ForgetsPause"),
    ],
    indirect=True,
    ids=lambda each: each[1],
)
def test_a_wrong_engine_is_found_out_by_some_history(mutant: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SEED, "1")
    with pytest.raises(AssertionError) as caught:
        check(mutant, histories=300, steps=50, shorten=False)
    assert any(f"{SEED}=1 " in note for note in caught.value.__notes__)
