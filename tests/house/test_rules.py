"""The nine rules that every engine and every worker keeps, each with the tests that show it; a rule without its tests fails here.

Each was paid for with a loss or a double run. Most of the tests are the conformance suite's, and so hold for every engine.
"""

import ast
from pathlib import Path

import pytest

from workhorse.testing.conformance import Conformance

ROOT = Path(__file__).parents[2]

RULES: dict[str, tuple[str, ...]] = {
    "1. A token is random, new at each claim, and compared for equality: whoever was late settles nothing, also where an id"
    " was made anew.": (
        "test_tokens_are_random_and_not_counted",
        "test_each_call_of_claim_has_a_token_of_its_own",
        "test_a_job_claimed_again_has_a_new_token",
        "test_a_token_of_an_earlier_life_settles_nothing",
        "test_a_zombie_does_not_end_its_successors_job",
        "test_a_worker_that_wakes_late_overwrites_nothing",
        "test_a_forged_token_settles_nothing",
    ),
    # A worker's signs of life and a job's progress are puts that are let go: the next one says the same again.
    "2. Publish, claim, settle and put are waited for, also by who must go; where that cannot be, each was done whole or not at"
    " all, and may be sent again.": (
        "test_a_claim_under_way_at_shutdown_is_waited_for_and_what_it_brought_is_handed_back",
        "test_a_settle_under_way_when_its_worker_is_cancelled_is_waited_for_and_not_sent_again",
        "test_a_publish_whose_caller_is_cancelled_goes_on",
        "test_a_publish_that_was_given_up_may_be_sent_again",
        "test_what_a_claim_that_was_given_up_took_comes_after_its_lease",
        "test_a_settle_that_was_given_up_is_done_whole_or_not_at_all",
        "test_a_put_that_was_given_up_may_be_sent_again",
        "test_a_claim_whose_commit_has_begun_is_not_given_up",
    ),
    # The other half, an engine that obeys a stale token and whose worker must therefore judge its lease by itself, has no
    # engine yet: all there are say `fenced`.
    "3. Where the engine fences, a lease that ran out and was not claimed again is still good, so that a long outage costs no"
    " work.": (
        "test_a_lease_that_ran_out_but_was_not_claimed_again_is_still_good",
        "test_a_lease_that_ran_out_unclaimed_can_be_extended",
        "test_a_stale_outcome_is_returned_as_stale",
        "test_what_runs_is_finished_its_outcome_kept_and_settled_when_the_engine_is_back",
        "test_what_another_worker_has_taken_meanwhile_is_not_overwritten",
    ),
    "4. A death is one crash for all that its worker held, counted for itself and not by deliveries; who is on its last chance"
    " runs apart.": (
        "test_each_death_is_counted",
        "test_all_that_a_dead_worker_held_is_charged",
        "test_a_hand_back_is_not_a_crash",
        "test_a_claim_that_nobody_heard_of_is_one_crash_and_no_attempt",
        "test_a_job_that_three_workers_died_of_is_dead_with_that_reason_unrun",
        "test_suspects_run_one_at_a_time_and_others_wait_for_a_tenth_of_the_lease",
        "test_one_poison_job_among_a_hundred_takes_none_with_it",
    ),
    # Ids of follow-ups are here as the suite's: nothing above the engines publishes any yet.
    "5. An id is one job for as long as it is remembered, a unique key is a field of its own beside it, and a dead letter put"
    " back goes on counting.": (
        "test_the_same_id_again_is_accepted_and_runs_once",
        "test_an_ended_id_of_ours_is_remembered_for_as_long_as_is_promised",
        "test_an_id_that_was_given_is_remembered_for_a_day",
        "test_an_id_of_a_tick_is_remembered_for_a_day",
        "test_each_tick_comes_once_though_one_of_two_is_killed_or_frozen_at_any_await",
        "test_ids_that_are_forgotten_with_their_jobs_let_ticks_come_twice",
        "test_a_follow_up_that_is_known_is_not_run_beside_itself",
        "test_an_outcome_settled_again_publishes_once",
        "test_the_same_id_with_its_own_key_is_accepted",
        "test_an_old_job_does_not_free_the_key_of_a_newer_one",
        "test_a_dead_letter_put_back_goes_on_counting_attempts",
        "test_a_dead_letter_put_back_has_a_fresh_budget",
    ),
    "6. A lane is the engine's: the slot is the job's and outlives its worker, who has none costs a claim nothing, and whatever"
    " frees one admits the next.": (
        "test_at_most_the_width_is_claimed",
        "test_a_dead_workers_job_keeps_its_slot",
        "test_a_thousand_parked_jobs_do_not_hide_another_key",
        "test_every_kind_of_end_frees_the_slot",
        "test_a_conflict_admits_nobody_to_the_lane",
        "test_any_history_keeps_the_width_and_leaves_nothing_stuck",
    ),
    "7. What calls meet in different orders ends all the same, and a job whose id was given goes without strangers, whom its"
    " holder would hold up.": (
        "test_concurrent_settles_in_any_order_all_end",
        "test_concurrent_publishes_of_one_id_run_it_once",
        "test_a_job_whose_id_was_given_is_not_published_together_with_strangers",
    ),
    "8. Every time counts from acceptance by the engine's clock, whatever clock a worker has, and a wait knows the next"
    " due.": (
        "test_a_delay_counts_by_the_engines_clock",
        "test_a_lease_ends_by_the_engines_clock",
        "test_a_life_counts_from_the_acceptance_and_not_from_a_retry",
        "test_a_worker_whose_clock_is_off_runs_what_is_due_and_nothing_else",
        "test_two_workers_an_hour_off_either_way_do_not_take_each_others_jobs",
        "test_a_due_time_that_comes_wakes_who_waits_for_work",
        "test_waiting_costs_next_to_nothing",
    ),
    "9. What a job has been through travels in its trail, which a retry or a hand-back replaces beside the payload.": (
        "test_a_trail_replaces_the_old_one",
        "test_without_a_trail_the_old_one_stays",
        "test_a_retry_keeps_all_that_the_job_carried",
        "test_a_failing_job_is_retried_and_dies_with_every_attempt_on_record",
        "test_a_task_that_is_unknown_is_handed_back_with_growing_waits_and_seen_as_such",
    ),
}


def run_here() -> set[str]:
    """The names of all tests: those of the chapters that the suite has, and those of the files beside this one."""
    found = {name for name in dir(Conformance) if name.startswith("test_")}
    for path in (ROOT / "tests").rglob("test_*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        found |= {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    return found


def test_there_are_nine_rules() -> None:
    assert [rule.partition(".")[0] for rule in RULES] == [str(number) for number in range(1, 10)]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.partition(".")[0])
def test_a_rule_is_shown_by_tests_that_there_are(rule: str) -> None:
    assert set(RULES[rule]) - run_here() == set()
