"""Any history: random lives of an engine, step by step beside the model of the contract. Needs Hypothesis.

A test file of an engine gives the two things that the conformance suite asks for, and a test:

    class TestMyEngine(MyEngine):  # has engine(name) and pass_time(seconds)
        def test_any_history_is_one_that_the_contract_allows(self) -> None:
            check(self, histories=300, steps=50)

The engine's clock must stand still between two calls of `pass_time`. What its Features do not promise is not tried.
"""

import os
import random
from typing import Final

try:
    from hypothesis import HealthCheck, Phase, seed, settings
    from hypothesis.stateful import run_state_machine_as_test
except ModuleNotFoundError as missing:
    raise ModuleNotFoundError("workhorse.testing.histories needs Hypothesis: pip install hypothesis") from missing

from workhorse.testing.histories.facts import Facts
from workhorse.testing.histories.orders import Orders
from workhorse.testing.histories.publishing import Publishing
from workhorse.testing.histories.subject import Subject
from workhorse.testing.histories.working import Working

__all__ = ["SEED", "Subject", "check"]

SEED: Final = "WORKHORSE_SEED"
"""The variable that says which histories: a failure prints it."""


class History(Publishing, Working, Orders, Facts):
    """All that can happen to an engine, in any order."""


def check(subject: Subject, *, histories: int, steps: int, shorten: bool = True) -> None:
    """AssertionError, with a history in which the engine does what the contract does not allow: the shortest one that was
    found, which may take minutes, or the first."""
    number = int(os.environ.get(SEED) or random.SystemRandom().randrange(1 << 32))
    machine = seed(number)(type("History", (History,), {"subject": subject}))
    how = settings(
        max_examples=histories,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink) if shorten else (Phase.generate,),
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
    )
    try:
        run_state_machine_as_test(machine, settings=how)
    except BaseException as error:
        error.add_note(f"The same histories again: {SEED}={number} in the environment of this test.")
        raise
