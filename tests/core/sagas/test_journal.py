"""The journal, read: what became of each act."""

import pytest
from msgspec import Raw

from workhorse.core.sagas.journal import Journal
from workhorse.core.sagas.records import (
    Again,
    AnyRecord,
    Done,
    Error,
    Failed,
    Resumed,
    Sent,
    Started,
    Taking,
    UndoFailed,
    Undone,
    Woke,
)  # fmt: skip

NO = Error("ValueError", "no")


def journal(*added: AnyRecord) -> Journal:
    made = Journal()
    for record in added:
        made.add(record)
    return made


def started(path: str = "1", kind: str = "step") -> Started:
    return Started(path=path, kind=kind, name=f"step {path}", args=Raw(b"[]"), kwargs=Raw(b"{}"))  # type: ignore[arg-type]


def test_an_intent_without_an_outcome_is_unknown() -> None:
    act = journal(started()).acts["1"]
    assert (act.unknown, act.attempts, act.failed) == (True, 1, None)


def test_an_outcome_ends_it() -> None:
    act = journal(started(), Done(of=1, result=Raw(b"1"))).acts["1"]
    assert (act.unknown, act.attempts) == (False, 1)


def test_a_failure_with_a_wait_is_followed_by_another_attempt() -> None:
    made = journal(started(), Failed(of=1, error=NO, wait=5))
    act = made.acts["1"]
    assert (act.waiting, act.unknown, act.attempts, act.failed) == (2, False, 1, None)
    assert made.act(2) is act
    made.add(Again(of=1))
    assert (act.waiting, act.unknown, act.attempts) == (0, True, 2)


def test_a_failure_without_a_wait_is_for_good() -> None:
    act = journal(started(), Failed(of=1, error=NO, wait=0), Again(of=1), Failed(of=1, error=NO)).acts["1"]
    assert (act.failed, act.attempts, act.unknown) == (NO, 2, False)


def test_an_undo_is_under_way_until_something_came_of_it() -> None:
    made = journal(started(), Taking(of=1))
    act = made.acts["1"]
    assert (act.taking, act.undone, list(made.to_undo())) == (True, None, [act])
    made.add(UndoFailed(of=1, error=NO, wait=5))
    assert (act.taking, act.undo_waiting) == (False, 3)
    made.add(Taking(of=1))
    assert (act.taking, act.undo_waiting) == (True, 0)
    made.add(Undone(of=1))
    assert (act.taking, list(made.to_undo())) == (False, [])


def test_a_snooze_is_no_attempt() -> None:
    act = journal(started(), Failed(of=1, error=NO, wait=5, counts=False), Again(of=1)).acts["1"]
    assert act.attempts == 1


def test_steps_and_actions_are_undone_newest_first_and_nothing_else_is() -> None:
    made = journal(started("1"), started("2", "sleep"), started("3", "action"), started("4", "call"), started("5"))
    assert [act.number for act in made.to_undo()] == [5, 3, 1]
    made.add(Undone(of=5))
    assert [act.number for act in made.to_undo()] == [3, 1]


def test_an_undo_that_failed_for_good_is_stuck_until_someone_says_to_go_on() -> None:
    made = journal(started(), UndoFailed(of=1, error=NO, wait=5), UndoFailed(of=1, error=NO))
    act = made.acts["1"]
    assert act.stuck is not None
    made.add(Resumed())
    assert (act.stuck, act.undo_failures) == (None, [])


def test_what_was_sent_and_what_has_come_is_remembered() -> None:
    made = journal(started(kind="sleep"), Sent(of=(1,)), Woke(of=1), Done(of=1, signal="s"))
    assert (made.sent, made.woken, made.signals) == ({1}, {1}, {"s"})


def test_a_record_of_an_act_that_is_none_is_an_error() -> None:
    with pytest.raises(KeyError):
        journal(Done(of=3))
