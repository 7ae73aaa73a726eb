"""A process dies at each step of each verb, as by kill -9. Nothing accepted is lost, nothing ends twice, only what the dead one held
runs again, and nothing is left over in the file."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from consistency import consistent
from crash_app import PRUNED_AT, SLOTS, TICKETS
from crash_scene import CANCELLED, DEAD, MIX, SUCCEEDED, Kind, Row, Scene
from crashing import CODE
from workhorse.engine import Unique

BEFORE = ("asked", "statement", "done", "commit")
STEPS = (*BEFORE, "committed")


def steps(*verbs: str) -> list[str]:
    return [f"{verb}.{step}" for verb in verbs for step in STEPS]


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def drained(scene: Scene, before: dict[int, Row], handed_back: Sequence[int] = ()) -> None:
    """The lease of the dead one runs out, and a worker that lives does the rest."""
    scene.forget_leases()
    scene.drain()
    scene.account(before, handed_back)


@pytest.mark.parametrize("step", BEFORE)
def test_dead_before_the_claim_is_committed_it_held_nothing(scene: Scene, step: str) -> None:
    scene.fill(MIX)
    before = scene.die("work", f"claim.{step}")
    assert not any(row.held for row in before.values())
    drained(scene, before)


@pytest.mark.parametrize("point", ["claim.committed", "handler.before", "handler.middle", "handler.after"])
def test_dead_before_the_end_of_a_handler_its_jobs_run_again(scene: Scene, point: str) -> None:
    scene.fill(MIX)
    before = scene.die("work", point)
    assert any(row.held for row in before.values())
    assert not any(row.state > 1 for row in before.values())
    drained(scene, before)


@pytest.mark.parametrize("step", BEFORE)
def test_dead_before_the_settle_is_committed_its_jobs_have_not_ended(scene: Scene, step: str) -> None:
    scene.fill(MIX)
    before = scene.die("work", f"settle.{step}")
    assert any(row.held for row in before.values())
    assert not any(row.state > 1 for row in before.values())
    drained(scene, before)


def test_dead_after_the_settle_is_committed_its_jobs_have_ended(scene: Scene) -> None:
    scene.fill(MIX)
    before = scene.die("work", "settle.committed")
    ended = [n for n, row in before.items() if row.state > 1]
    assert ended
    drained(scene, before)
    assert {scene.count("start")[n] for n in ended} == {1}


@pytest.mark.parametrize("step", STEPS)
def test_dead_while_it_settles_what_nobody_keeps_each_job_is_there_or_has_run(scene: Scene, step: str) -> None:
    scene.url += "?retain=0"
    scene.fill([Kind("forget", {"padding": "x" * 3000}, kind.envelope) for kind in MIX])
    before = scene.die("work", f"settle.{step}")
    assert (len(before) < len(MIX)) == (step == "committed")
    scene.forget_leases()
    scene.drain()
    assert not scene.rows()
    starts = scene.count("start")
    assert set(scene.count("done")) == set(range(len(MIX)))
    assert {n for n in starts if starts[n] > 1} <= {n for n, row in before.items() if row.held}


@pytest.mark.parametrize(
    "point",
    [
        "claim.done:2",
        "claim.committed:2",
        "handler.after:6",
        "settle.statement:4",
        "settle.commit:2",
        "settle.committed:2",
    ],
)
def test_dead_in_the_midst_of_its_work_every_job_is_accounted_for(scene: Scene, point: str) -> None:
    """Retries, dead letters, lanes, unique keys and large payloads are under way."""
    scene.fill(MIX)
    drained(scene, scene.die("work", point))


@pytest.mark.parametrize("point", steps("extend"))
def test_dead_while_it_keeps_its_leases_they_run_out(scene: Scene, point: str) -> None:
    scene.fill([Kind("linger", {"stop": False}), *MIX])
    before = scene.die("work", point)
    assert before[0].held
    drained(scene, before)


@pytest.mark.parametrize("step", STEPS)
def test_dead_in_a_write_to_the_store_the_fact_is_there_once_it_is_committed(scene: Scene, step: str) -> None:
    scene.fill(MIX)
    before = scene.die("work", f"put.{step}")
    assert len(scene.facts("progress/")) == (1 if step == "committed" else 0)
    drained(scene, before)
    assert len(scene.facts("progress/")) == 1


@pytest.mark.parametrize("step", STEPS)
def test_dead_while_it_hands_back_nothing_is_lost_or_counted_twice(scene: Scene, step: str) -> None:
    scene.fill([Kind("linger", {"stop": True}), *MIX])
    before = scene.die("work", f"handback.{step}")
    assert before[0].held == (step != "committed")
    drained(scene, before, handed_back=[0])
    assert scene.count("start")[0] == 2


@pytest.mark.parametrize("step", STEPS)
def test_dead_while_it_prunes_no_job_is_half_forgotten(scene: Scene, step: str) -> None:
    scene.fill([*MIX, Kind("note", {}, {"unique": Unique("crash/kept", until="kept")})])
    scene.drain()
    old = scene.age()
    scene.fill(MIX)
    before = scene.die("work_and_prune", f"prune.{step}")
    assert len(old) - scene.known(old) == (PRUNED_AT if step == "committed" else 0)
    drained(scene, before)


@pytest.mark.parametrize("step", STEPS)
def test_a_producer_that_dies_loses_nothing_that_it_was_told_is_accepted(scene: Scene, step: str) -> None:
    scene.die("produce", f"publish.{step}:3")
    acked, asked = (dict(map(reversed, scene.said(word))) for word in ("acked", "asked"))
    assert acked
    assert len(asked) == len(acked) + 1
    scene.ids = list(asked)
    assert list(scene.rows()) == list(range(len(asked) if step == "committed" else len(acked)))
    scene.jobs = [Kind("note", {})] * len(asked)
    scene.enqueue_again("note")  # what nobody answered, too: it has its id, and runs once
    before = scene.rows()
    scene.drain()
    scene.account(before)


@pytest.mark.parametrize("step", STEPS)
def test_a_cancel_that_dies_took_place_for_all_or_for_none(scene: Scene, step: str) -> None:
    scene.fill([Kind("note", {}) for _ in range(4)])
    before = scene.die("cancel", f"cancel.{step}")
    assert {row.cancel for row in before.values()} == {int(step == "committed")}
    scene.drain()
    if step == "committed":
        assert {row.state for row in scene.rows().values()} == {CANCELLED}
        assert not scene.count("start")
    else:
        scene.account(before)


@pytest.mark.parametrize("step", STEPS)
def test_a_dead_letter_put_back_by_who_dies_is_dead_or_alive(scene: Scene, step: str) -> None:
    scene.fill(
        [
            Kind("note", {}, {"dead": "it was so"}, attempt=2),
            Kind("note", {"padding": "x" * 3000}, {"dead": "so"}, attempt=2),
        ]
    )
    before = scene.die("retry", f"retry.{step}")
    alive = step == "committed"
    assert {row.state for row in before.values()} == {0 if alive else DEAD}
    scene.drain()
    rows = scene.rows().values()
    assert {(row.state, row.attempt) for row in rows} == {(SUCCEEDED, 2) if alive else (DEAD, 1)}
    assert sum(scene.count("start").values()) == (2 if alive else 0)


@pytest.mark.parametrize(("point", "gone"), [("tickets.asked", 0), ("tickets.taken", SLOTS), ("tickets.handed", SLOTS)])
def test_dead_with_tickets_in_its_hand_the_others_go_on_and_no_job_is_too_many(
    scene: Scene, point: str, gone: int
) -> None:
    """One of two processes dies; the other, and the one that takes its place, use the tickets that are left: never one more."""
    scene.fill(MIX)
    before = scene.die("lead", point)
    assert scene.said("died") == [[str(CODE)]]
    assert len(set(scene.count("start"))) == TICKETS - gone
    drained(scene, before)


@pytest.mark.parametrize(
    "point", ["migrate.asked", "migrate.statement:1", "migrate.statement:9", "migrate.commit", "migrate.committed"]
)
def test_a_fresh_file_whose_maker_dies_is_made_whole_by_the_next(scene: Scene, point: str) -> None:
    scene.play("migrate", point)
    scene.fill(MIX)
    scene.examine(consistent)
    before = scene.rows()
    drained(scene, before)
