"""Sagas of six steps whose worker dies, or freezes past its lease, at each write of their journal and each border of their steps: they end
all done or all undone, nothing runs whose outcome was written, and who wakes late does no more than what it stood in."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any, ClassVar

import pytest

import saga_crash_app
from conformance_postgres import Steered
from crash_places import File, Place, Prefix, Schema
from forge import Forge
from saga_crash_app import PATHS
from saga_scene import Clean, SagaScene
from servers import Redis
from servers.fixtures import Shared
from workhorse import SagaHandle, Workhorse

Say = Callable[[str], None]

NUMBERS = count(1)
SERVED_PART = 25
"""One of so many points is in the tests where each takes a second; all are in the proof."""


@pytest.fixture(scope="module")
def forge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forge]:
    program = saga_crash_app.__file__
    forge = Forge(tmp_path_factory.mktemp("forge") / "log", program, "sqlite", "postgresql", "redis")
    yield forge
    forge.close()


async def signal_and_work(app: Workhorse, handle: SagaHandle[Any]) -> None:
    """What the saga waits for comes, and another worker does all that it can get."""
    await saga_crash_app.hear(app, handle)
    await saga_crash_app.work(app)


class Deaths:
    """Of any engine; `PART`: one of so many points outside the proof, `INSIDE`: points at which others cannot go on when the process stands
    still, as it has a lock in its hand."""

    PART: ClassVar[int] = SERVED_PART
    INSIDE: ClassVar[tuple[str, ...]] = ()
    SAME: ClassVar[tuple[str, ...]] = ()
    """Points at which only the proof kills: what is durable there is no other than at the next one."""

    @pytest.fixture
    def store(self) -> str | None:
        """Where the facts are, if they are not with the jobs."""
        return None

    @pytest.fixture
    def scene(self, tmp_path: Path, place: Place, forge: Forge, store: str | None) -> Iterator[SagaScene]:
        scene = SagaScene(tmp_path, place, forge, store)
        yield scene
        scene.close()

    @pytest.mark.parametrize("path", PATHS)
    def test_dead_at_some_points_a_saga_ends_whole_or_undone(self, scene: SagaScene, path: str, say: Say) -> None:
        clean = scene.clean(path)
        self.died(scene, path, clean, self.some(clean), say)

    @pytest.mark.parametrize("path", PATHS)
    def test_frozen_at_some_points_a_saga_ends_once(self, scene: SagaScene, path: str, say: Say) -> None:
        clean = scene.clean(path)
        self.froze(scene, path, clean, self.some(clean, frozen=True), say)

    def test_whatever_comes_at_some_points_wakes_the_saga(self, scene: SagaScene, say: Say) -> None:
        clean = scene.clean("waits")
        self.raced(scene, clean, self.some(clean, frozen=True), say)

    @pytest.mark.proof
    @pytest.mark.timeout(1200)
    @pytest.mark.parametrize("path", PATHS)
    def test_dead_at_each_point_a_saga_ends_whole_or_undone(self, scene: SagaScene, path: str, say: Say) -> None:
        clean = scene.clean(path)
        self.died(scene, path, clean, clean.points, say)

    @pytest.mark.proof
    @pytest.mark.timeout(1200)
    @pytest.mark.parametrize("path", PATHS)
    def test_frozen_at_each_point_a_saga_ends_once(self, scene: SagaScene, path: str, say: Say) -> None:
        clean = scene.clean(path)
        self.froze(scene, path, clean, self.open(clean), say)

    @pytest.mark.proof
    @pytest.mark.timeout(1200)
    def test_whatever_comes_at_each_point_wakes_the_saga(self, scene: SagaScene, say: Say) -> None:
        clean = scene.clean("waits")
        self.raced(scene, clean, self.open(clean), say)

    # ---- each run

    def died(self, scene: SagaScene, path: str, clean: Clean, points: Sequence[str], say: Say) -> None:
        reached = [point for point in points if scene.die(path, point, clean)]
        self.tell(say, f"{path}: killed", reached, points)

    def froze(self, scene: SagaScene, path: str, clean: Clean, points: Sequence[str], say: Say) -> None:
        late = {point: scene.freeze(path, point, clean) for point in points}
        for point, times in late.items():
            if times is not None and point.startswith(("step.before", "undo.before")):
                assert times, f"{point}: it never woke, so nothing is shown"
        reached = [point for point, times in late.items() if times is not None]
        self.tell(say, f"{path}: frozen, {sum(times or 0 for times in late.values())} steps late", reached, points)

    def raced(self, scene: SagaScene, clean: Clean, points: Sequence[str], say: Say) -> None:
        for dies in (False, True):
            reached = [p for p in points if scene.race("waits", p, clean, signal_and_work, dies=dies)]
            assert reached
            self.tell(say, f"waits: signalled, then {'killed' if dies else 'going on'}", reached, reached)

    def tell(self, say: Say, what: str, reached: Sequence[str], points: Sequence[str]) -> None:
        # what a gather writes goes in more or fewer lines, as it comes: the last of them are not always reached
        assert len(reached) >= 0.8 * len(points), f"never reached: {sorted({*points} - {*reached})}"
        kinds = Counter(point.partition(".")[0] for point in reached)
        say(f"saga points: {type(self).__name__[4:]}: {what}: {len(reached)} runs: {dict(kinds)}")

    # ---- which points

    def some(self, clean: Clean, *, frozen: bool = False) -> Sequence[str]:
        deadly = [point for point in clean.points if not point.startswith(self.SAME)]
        return (self.open(clean) if frozen else deadly)[:: self.PART]

    def open(self, clean: Clean) -> Sequence[str]:
        return [point for point in clean.points if not point.startswith(self.INSIDE)]


INSIDE = ("claim.", "journal.", "settle.statement", "settle.done", "settle.commit")


class TestSqlite(Deaths):
    """A process that is stopped amid a transaction stops all who write to its file: those points are for the dead alone."""

    PART = 1
    INSIDE = INSIDE
    SAME = ("line.", "handler.", "journal.statement", "journal.done", "settle.statement", "settle.done")

    @pytest.fixture
    def place(self, tmp_path: Path) -> Place:
        return File(tmp_path / "jobs.db")

    @pytest.fixture(autouse=True)
    def few(self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
        """The path with waits is four times as long as the others, and most of it is the same again."""
        if "waits" in request.node.name or "whatever" in request.node.name:
            monkeypatch.setattr(type(self), "PART", 10)


class TestTwoFiles(Deaths):
    """The journal and the facts are in another database than the jobs: a settle is two transactions there."""

    PART = 8
    INSIDE = INSIDE

    @pytest.fixture
    def place(self, tmp_path: Path) -> Place:
        return File(tmp_path / "jobs.db")

    @pytest.fixture
    def store(self, tmp_path: Path) -> str:
        return f"sqlite:///{tmp_path}/facts.db"


class TestPostgres(Deaths):
    @pytest.fixture
    def place(self, shared_servers: Shared) -> Place:
        server = shared_servers(lambda _, fast: Steered(clock=True, fast=fast), "postgres with a clock")
        return Schema(server, "jobs", f"saga_{next(NUMBERS)}")


class TestRedis(Deaths):
    @pytest.fixture
    def place(self, shared_servers: Shared) -> Place:
        server = shared_servers(lambda _, fast: Redis(clock=True, fast=fast), "redis with a clock")
        return Prefix(server, f"saga{next(NUMBERS)}")
