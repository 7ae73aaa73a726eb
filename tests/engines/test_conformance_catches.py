"""The suite is tested: engines that are wrong in one promise each do not pass it, and the promise is named."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from workhorse.engines import open_engine
from workhorse.testing.conformance import Chapter, Conformance

pytestmark = pytest.mark.timeout(300)  # all mutants are one run of pytest, in the first test
MUTANTS = Path(__file__).with_name("conformance_mutants.py")

RUN = """
import json, sys, pytest

class Look:
    def pytest_unconfigure(self, config):
        table = config.pluginmanager.get_plugin("workhorse-conformance-table")
        with open(sys.argv[1], "w") as out:
            json.dump({engine: table.verdicts(engine) for engine in table.engines()}, out)

pytest.main(["-q", "-p", "workhorse.testing.conformance.table", "--timeout=60", sys.argv[2]], plugins=[Look()])
"""

Verdicts = dict[str, dict[str, str]]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Verdicts, str]:
    """What the suite says of each mutant (engine, test, verdict), and what it prints. One run of pytest of its own for all."""
    out = tmp_path_factory.mktemp("mutants") / "verdicts.json"
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(out), str(MUTANTS)],
        cwd=MUTANTS.parents[2],
        # Without CI: there a skip is a failure, and here the skips are what is looked at.
        env={key: value for key, value in os.environ.items() if key != "CI"},
        check=False,
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert out.exists(), done.stdout + done.stderr
    return json.loads(out.read_text()), done.stdout


@pytest.fixture(scope="module")
def verdicts(run: tuple[Verdicts, str]) -> Verdicts:
    return run[0]


def failed(verdicts: Verdicts, engine: str) -> set[str]:
    return {test.partition("[")[0] for test, verdict in verdicts[engine].items() if verdict == "failed"}


def test_a_wrapper_that_changes_nothing_is_not_caught(verdicts: Verdicts) -> None:
    assert failed(verdicts, "Honest") == set()


@pytest.mark.parametrize(
    ("mutant", "promise"),
    [
        ("CountedTokens", "test_tokens_are_random_and_not_counted"),
        ("CountedTokens", "test_a_token_of_an_earlier_life_settles_nothing"),
        ("BlindSettle", "test_a_zombie_does_not_end_its_successors_job"),
        ("PublishesTwice", "test_the_same_id_again_is_accepted_and_runs_once"),
        ("CountsNoCrash", "test_each_death_is_counted"),
        ("CountsHandBacks", "test_a_hand_back_is_not_a_crash"),
        ("ForgetsPause", "test_a_paused_queue_is_not_claimed_from"),
        ("ReleasesAsRetry", "test_a_released_job_comes_back_as_the_same_attempt"),
        ("SettlesThenWrites", "test_a_stale_outcome_writes_nothing"),
        ("SettlesThenWrites", "test_a_conflict_leaves_the_whole_outcome_undone"),
        ("WidensLanes", "test_any_history_keeps_the_width_and_leaves_nothing_stuck"),
        ("VersionsByKey", "test_a_version_does_not_come_back_after_a_delete"),
        ("WritesThenSettles", "test_a_settle_that_was_given_up_is_done_whole_or_not_at_all"),
        ("HoldsThenLeases", "test_what_a_claim_that_was_given_up_took_comes_after_its_lease"),
        ("NeverLetsGo", "test_a_claim_that_nobody_heard_of_is_held_until_its_lease_ends"),
        ("ForgivesLostClaims", "test_who_claims_again_after_a_lost_answer_gets_what_is_left"),
        ("BeginsAnew", "test_a_delay_counts_from_the_publish_that_was_not_answered"),
        ("ConflictsWithItself", "test_an_outcome_settled_again_is_no_conflict_with_itself"),
        ("ConflictsRoughly", "test_a_version_that_is_expected_and_there_is_no_conflict"),
        ("CallersDelay", "test_a_delay_counts_by_the_engines_clock"),
        ("CallersLease", "test_a_lease_ends_by_the_engines_clock"),
        ("CallersLife", "test_a_fact_lives_by_the_engines_clock"),
        ("BelievesItsOwn", "test_a_put_that_expects_absent_is_refused_when_sent_again_and_stands"),
    ],
)
def test_a_wrong_engine_is_caught_by_the_promise_it_breaks(verdicts: Verdicts, mutant: str, promise: str) -> None:
    assert promise in failed(verdicts, mutant)


@pytest.mark.parametrize(
    ("mutant", "chapters"),
    [
        ("HoldsThenLeases", {"given_up"}),
        ("ConflictsWithItself", {"unanswered"}),
        ("CallersDelay", {"skew"}),
        ("CallersLease", {"skew"}),
        ("CallersLife", {"skew"}),
    ],
)
def test_what_only_a_rough_way_shows_is_caught_by_the_chapters_that_go_it(
    run: tuple[Verdicts, str], verdicts: Verdicts, mutant: str, chapters: set[str]
) -> None:
    caught = {line.split()[2].rstrip(":") for line in run[1].splitlines() if line.startswith(f"failed: {mutant} ")}
    assert caught == chapters, failed(verdicts, mutant)


def test_what_an_engine_does_not_promise_is_skipped_and_not_failed(verdicts: Verdicts) -> None:
    assert failed(verdicts, "Modest") == set()
    skipped = {test for test, verdict in verdicts["Modest"].items() if verdict == "skipped"}
    assert {
        "test_each_death_is_counted",
        "test_a_put_may_expect_absent",
        "test_claims_are_spaced",
        "test_a_delayed_job_waits_for_its_time",
    } <= skipped
    assert "test_a_published_job_can_be_claimed" not in skipped


def test_the_table_names_what_is_skipped_and_the_promise_that_is_not_made(run: tuple[Verdicts, str]) -> None:
    assert "skipped: Modest lanes_rated: test_claims_are_spaced not promised: lanes" in run[1]
    assert "failed: CountsNoCrash lease: test_each_death_is_counted" in run[1]


def test_two_chapters_with_one_test_name_are_refused() -> None:
    class One(Chapter):
        async def test_a_promise(self) -> None: ...

    class Another(Chapter):
        async def test_a_promise(self) -> None: ...

    with pytest.raises(TypeError, match=r"test_a_promise stands in One and in Another; rename one"):
        type("Both", (One, Another), {})


async def test_what_an_engine_is_said_not_to_promise_is_left_out_and_must_not_be_promised(tmp_path: Path) -> None:
    class Without(Conformance):
        without = ("statements",)

    assert Without.test_a_published_job_can_be_claimed is not None
    assert Without.test_nothing_comes_of_a_rollback is None
    promising = open_engine(f"sqlite:///{tmp_path}/jobs.db")
    with pytest.raises(AssertionError, match="expected an engine without statements, got one that promises it"):
        Without()._skip_unpromised(promising, {})
