"""A process dies at each step of each verb, as by kill -9. Nothing accepted is lost, nothing ends twice, only what the dead one held
runs again, and nothing is left over where the data lie."""

from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import ClassVar

import pytest

from conformance_postgres import Steered
from crash_app import PRUNED_AT, SLOTS, TICKETS
from crash_places import File, Place, Prefix, Row, Schema
from crash_scene import CANCELLED, DEAD, MIX, SUCCEEDED, Kind, Scene
from crashing import CODE
from servers import Redis
from servers.fixtures import Shared
from workhorse.engine import Unique

HANDLER = ["handler.before", "handler.middle", "handler.after"]
NUMBERS = count(1)
TICKETS_GONE = {"tickets.asked": 0, "tickets.taken": SLOTS, "tickets.handed": SLOTS}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each engine has steps of its own. Those with a server, where a death takes a second, are all in the proof and few in the tests."""
    engine = metafunc.cls
    points: dict[str, Sequence[str]] = {
        "before": engine.BEFORE,
        "after": engine.AFTER,
        "step": (*engine.BEFORE, *engine.AFTER),
        "held": [*(f"claim.{step}" for step in engine.AFTER), *HANDLER],
        "amid": engine.AMID,
        "ticket": list(TICKETS_GONE),
        "migrating": getattr(engine, "MIGRATING", ()),
    }
    for name in points.keys() & set(metafunc.fixturenames):
        short = len(points[name]) if engine is TestSqlite else int(name in ("after", "held"))
        longer = [pytest.param(point, marks=pytest.mark.proof) for point in points[name][short:]]
        metafunc.parametrize(name, [*points[name][:short], *longer])


def drained(scene: Scene, before: dict[int, Row], handed_back: Sequence[int] = ()) -> None:
    """The lease of the dead one runs out, and a worker that lives does the rest."""
    scene.forget_leases()
    scene.drain()
    scene.account(before, handed_back)


class CrashPoints:
    """Of any engine. Before some steps of a verb nothing has happened, after the others all of it."""

    BEFORE: ClassVar[Sequence[str]] = ("asked", "statement")
    AFTER: ClassVar[Sequence[str]] = ("sent", "committed")
    AMID: ClassVar[Sequence[str]] = (
        "claim.statement:4", "claim.committed:2", "handler.after:6", "settle.statement:3", "settle.sent:3", "settle.committed:2",
    )  # fmt: skip
    LATER: ClassVar[Mapping[str, str]] = {}
    """Points that are passed before it happens, too: which time it does."""

    @pytest.fixture
    def scene(self, tmp_path: Path, place: Place) -> Scene:
        return Scene(tmp_path, place)

    def die(self, scene: Scene, part: str, point: str) -> dict[int, Row]:
        return scene.die(part, self.LATER.get(point, point))

    def test_dead_before_the_claim_is_committed_it_held_nothing(self, scene: Scene, before: str) -> None:
        scene.fill(MIX)
        rows = self.die(scene, "work", f"claim.{before}")
        assert not any(row.held for row in rows.values())
        drained(scene, rows)

    def test_dead_before_the_end_of_a_handler_its_jobs_run_again(self, scene: Scene, held: str) -> None:
        scene.fill(MIX)
        before = self.die(scene, "work", held)
        assert any(row.held for row in before.values())
        assert not any(row.state > 1 for row in before.values())
        drained(scene, before)

    def test_dead_before_the_settle_is_committed_its_jobs_have_not_ended(self, scene: Scene, before: str) -> None:
        scene.fill(MIX)
        rows = self.die(scene, "work", f"settle.{before}")
        assert any(row.held for row in rows.values())
        assert not any(row.state > 1 for row in rows.values())
        drained(scene, rows)

    def test_dead_after_the_settle_is_committed_its_jobs_have_ended(self, scene: Scene, after: str) -> None:
        scene.fill(MIX)
        before = self.die(scene, "work", f"settle.{after}")
        ended = [n for n, row in before.items() if row.state > 1]
        assert ended
        drained(scene, before)
        assert {scene.count("start")[n] for n in ended} == {1}

    def test_dead_while_it_settles_what_nobody_keeps_each_job_is_there_or_has_run(
        self, scene: Scene, step: str
    ) -> None:
        scene.also("retain=0")
        scene.fill([Kind("forget", {"padding": "x" * 3000}, kind.envelope) for kind in MIX])
        before = self.die(scene, "work", f"settle.{step}")
        assert (len(before) < len(MIX)) == (step in self.AFTER)
        scene.forget_leases()
        scene.drain()
        assert not scene.rows()
        starts = scene.count("start")
        assert set(scene.count("done")) == set(range(len(MIX)))
        assert {n for n in starts if starts[n] > 1} <= {n for n, row in before.items() if row.held}

    def test_dead_in_the_midst_of_its_work_every_job_is_accounted_for(self, scene: Scene, amid: str) -> None:
        """Retries, dead letters, lanes, unique keys and large payloads are under way."""
        scene.fill(MIX)
        drained(scene, self.die(scene, "work", amid))

    def test_dead_while_it_keeps_its_leases_they_run_out(self, scene: Scene, step: str) -> None:
        scene.fill([Kind("linger", {"stop": False}), *MIX])
        before = self.die(scene, "work", f"extend.{step}")
        assert before[0].held
        drained(scene, before)

    def test_dead_in_a_write_to_the_store_the_fact_is_there_once_it_is_committed(self, scene: Scene, step: str) -> None:
        scene.fill(MIX)
        before = self.die(scene, "work", f"put.{step}")
        assert len(scene.facts("progress/")) == (1 if step in self.AFTER else 0)
        drained(scene, before)
        assert len(scene.facts("progress/")) == 1

    def test_dead_while_it_hands_back_nothing_is_lost_or_counted_twice(self, scene: Scene, step: str) -> None:
        scene.fill([Kind("linger", {"stop": True}), *MIX])
        before = self.die(scene, "work", f"handback.{step}")
        assert before[0].held == (step in self.BEFORE)
        drained(scene, before, handed_back=[0])
        assert scene.count("start")[0] == 2

    def test_dead_while_it_prunes_no_job_is_half_forgotten(self, scene: Scene, step: str) -> None:
        scene.fill([*MIX, Kind("note", {}, {"unique": Unique("crash/kept", until="kept")})])
        scene.drain()
        old = scene.age()
        scene.fill(MIX)
        before = self.die(scene, "work_and_prune", f"prune.{step}")
        gone = len(old) - scene.known(old)
        assert gone >= PRUNED_AT if step in self.AFTER else gone == 0
        drained(scene, before)

    def test_a_producer_that_dies_loses_nothing_that_it_was_told_is_accepted(self, scene: Scene, step: str) -> None:
        self.die(scene, "produce", f"publish.{step}:3")
        acked, asked = (dict(map(reversed, scene.said(word))) for word in ("acked", "asked"))
        assert acked
        assert len(asked) == len(acked) + 1
        scene.ids = list(asked)
        assert sorted(scene.rows()) == list(range(len(asked) if step in self.AFTER else len(acked)))
        scene.jobs = [Kind("note", {})] * len(asked)
        scene.enqueue_again("note")  # what nobody answered, too: it has its id, and runs once
        before = scene.rows()
        scene.drain()
        scene.account(before)

    def test_a_cancel_that_dies_took_place_for_all_or_for_none(self, scene: Scene, step: str) -> None:
        scene.fill([Kind("note", {}) for _ in range(4)])
        before = self.die(scene, "cancel", f"cancel.{step}")
        assert {row.cancel for row in before.values()} == {int(step in self.AFTER)}
        scene.drain()
        if step in self.AFTER:
            assert {row.state for row in scene.rows().values()} == {CANCELLED}
            assert not scene.count("start")
        else:
            scene.account(before)

    def test_a_dead_letter_put_back_by_who_dies_is_dead_or_alive(self, scene: Scene, step: str) -> None:
        scene.fill(
            [
                Kind("note", {}, {"dead": "it was so"}, attempt=2),
                Kind("note", {"padding": "x" * 3000}, {"dead": "so"}, attempt=2),
            ]
        )
        before = self.die(scene, "retry", f"retry.{step}")
        alive = step in self.AFTER
        assert {row.state for row in before.values()} == {0 if alive else DEAD}
        scene.drain()
        rows = scene.rows().values()
        assert {(row.state, row.attempt) for row in rows} == {(SUCCEEDED, 2) if alive else (DEAD, 1)}
        assert sum(scene.count("start").values()) == (2 if alive else 0)

    def test_dead_with_tickets_in_its_hand_the_others_go_on_and_no_job_is_too_many(
        self, scene: Scene, ticket: str
    ) -> None:
        """One of two processes dies; the other, and the one that takes its place, use the tickets that are left: never one more."""
        scene.fill(MIX)
        before = self.die(scene, "lead", ticket)
        assert scene.said("died") == [[str(CODE)]]
        assert len(set(scene.count("start"))) == TICKETS - TICKETS_GONE[ticket]
        drained(scene, before)


class Migrations:
    """Of an engine that has tables to make."""

    MIGRATING: ClassVar[Sequence[str]]

    def test_what_its_maker_left_when_he_died_is_made_whole_by_the_next(self, scene: Scene, migrating: str) -> None:
        scene.play("migrate", migrating)
        scene.fill(MIX)
        scene.examine()
        before = scene.rows()
        drained(scene, before)


class TestSqlite(CrashPoints, Migrations):
    """Its verbs are transactions of the process itself, with steps of their own."""

    BEFORE = ("asked", "statement", "done", "commit")
    AFTER = ("committed",)
    AMID = (
        "claim.done:2", "claim.committed:2", "handler.after:6", "settle.statement:4", "settle.commit:2", "settle.committed:2",
    )  # fmt: skip
    MIGRATING = ("migrate.asked", "migrate.statement:1", "migrate.statement:9", "migrate.commit", "migrate.committed")

    @pytest.fixture
    def place(self, tmp_path: Path) -> Place:
        return File(tmp_path / "jobs.db")


class TestPostgres(CrashPoints, Migrations):
    """The first claim of a process enters its name before; dead letters are read before they are put back."""

    LATER: ClassVar[Mapping[str, str]] = {"claim.sent": "claim.sent:2", "retry.sent": "retry.sent:2"}
    MIGRATING = ("migrate.asked", "migrate.statement:3", "migrate.statement:6", "migrate.commit", "migrate.committed")

    @pytest.fixture
    def place(self, shared_servers: Shared) -> Place:
        server = shared_servers(lambda _, fast: Steered(clock=True, fast=fast), "postgres with a clock")
        return Schema(server, "jobs", f"crash_{next(NUMBERS)}")


class TestRedis(CrashPoints):
    """Dead letters are read before they are put back."""

    LATER: ClassVar[Mapping[str, str]] = {"retry.sent": "retry.sent:2"}

    @pytest.fixture
    def place(self, shared_servers: Shared) -> Place:
        server = shared_servers(lambda _, fast: Redis(clock=True, fast=fast), "redis with a clock")
        return Prefix(server, f"crash{next(NUMBERS)}")
