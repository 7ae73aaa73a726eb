"""One saga before, at and after the death of its worker, or its freeze: begun, left behind by a real process at its point, finished by a
worker that lives, and accounted for by the rows that its steps left in a database of their own."""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

import saga_crash_app
from crash_places import Place
from crashing import CODE
from effects import Effect, Effects
from forge import Forge
from workhorse import JobFailed, SagaHandle, Workhorse
from workhorse.core.sagas.journal import Journal

T = TypeVar("T")

Rival = Callable[[Workhorse, SagaHandle[Any]], Awaitable[None]]

STEPPED: Final = ("claim.committed", "handler.", "line.", "journal.", "step.", "undo.", "settle.")
"""What the names of points begin with that belong to a turn: from its claim to its settle."""

WIDTH: Final = {"forward": 1, "back": 1, "waits": 2}
"""How many steps of it may be under way at once."""

STATUS: Final = {"forward": "succeeded", "back": "compensated", "waits": "succeeded"}


class Clean(NamedTuple):
    """A run that nobody disturbed: the points that it passed, and what it did."""

    points: Sequence[str]
    effects: Sequence[tuple[str, str]]
    ending: "Ending"


class Ending(NamedTuple):
    """What is told of it outside, whoever did it."""

    status: str
    result: str
    journal: Sequence[tuple[str, str]]


class SagaScene:
    """In a folder; `store`: a second place's URL, where the facts are if they are not with the jobs."""

    def __init__(self, folder: Path, place: Place, forge: Forge, store: str | None = None) -> None:
        self._folder, self._place, self._forge = folder, place, forge
        self._effects = Effects(file := folder / "effects")
        self._words = (place.url, str(file), store or "")
        self._runner = asyncio.Runner()
        self._app: Workhorse | None = None
        self._id = ""

    def close(self) -> None:
        """Leave nothing open."""
        self._leave()
        self._runner.close()

    def clean(self, path: str) -> Clean:
        """Begin a saga, and let a process do all of it."""
        self._begin(path)
        self._forge.fork({"CRASH_LOG": str(log := self._folder / f"{path}.points")}, *self._words)
        assert self._forge.ended() == 0, self._forge.log.read_text()
        passed = Counter[str]()
        points = []
        for point in log.read_text().split():
            passed[point] += 1
            if point.startswith(STEPPED):
                points.append(f"{point}:{passed[point]}")
        return Clean(points, _deeds(self._effects.all()), self._ending(path))

    def die(self, path: str, point: str, clean: Clean) -> bool:
        """A process dies there; another, later, ends what it left. False: it ended without coming there."""
        self._reach(path, point, {})
        code = self._forge.ended()
        assert code in (0, CODE), f"{point}: {self._forge.log.read_text()}"
        self._place.quiet()
        before, known = self._effects.all(), self._known()
        self._finish(path, clean)
        _told_no_more(self._effects.all()[len(before) :], known)
        _accounted(self._effects.all(), clean, WIDTH[path])
        return code == CODE

    def freeze(self, path: str, point: str, clean: Clean) -> int | None:
        """A process stands still there until another has ended all; then it goes on. How many steps it did late; None: it ended
        without coming there."""
        pid = self._reach(path, point, {"CRASH_BY": "freeze"})
        if not self._forge.stopped():
            return None
        with self._going_on(pid, point):
            before, known = self._effects.all(), self._known()
            self._finish(path, clean)
            rows, facts = self._effects.all(), self._facts()
        _told_no_more(rows[len(before) :], known)
        _accounted(rows, clean, WIDTH[path])
        assert self._ending(path) == clean.ending
        assert self._facts() == facts, "who woke late wrote something"
        late = self._effects.all()[len(rows) :]
        _only_the_next(late, before, clean, WIDTH[path])
        return len(late)

    def race(self, path: str, point: str, clean: Clean, rival: Rival, *, dies: bool) -> bool:
        """A process stands still there while the rival acts and others work beside it; then it goes on, its lease not over, or dies.
        False: it ended without coming there."""
        pid = self._reach(path, point, {"CRASH_BY": "freeze"}, heard=False)
        stood = self._forge.stopped()
        with self._going_on(pid, point, dies=dies) if stood else nullcontext():
            self._in_app(lambda app: rival(app, app.registry.find(path).handle(self._id)))  # type: ignore[arg-type]
        self._finish(path, clean)
        _accounted(self._effects.all(), clean, WIDTH[path])
        return stood

    # ---- on the way

    def _begin(self, path: str, heard: bool = True) -> None:
        self._effects.clear()

        async def begin(app: Workhorse) -> str:
            handle: SagaHandle[Any] = await app.registry.find(path).enqueue()  # type: ignore[assignment]
            if heard and path == "waits":
                await saga_crash_app.hear(app, handle)
            return handle.id

        self._id = self._in_app(begin)
        self._leave()  # who is quiet then is quiet

    def _reach(self, path: str, point: str, how: dict[str, str], heard: bool = True) -> int:
        self._begin(path, heard)
        (mark := self._folder / "mark").unlink(missing_ok=True)
        return self._forge.fork({"CRASH_AT": point, "CRASH_MARK": str(mark), **how}, *self._words)

    @contextmanager
    def _going_on(self, pid: int, point: str, *, dies: bool = False) -> Generator[None]:
        """It stands still in here; afterwards it goes on to its end, or is killed as it stands."""
        word = signal.SIGKILL if dies else signal.SIGCONT
        try:
            yield
        finally:
            os.kill(pid, word)
            code = self._forge.ended()
        assert code == (-word if dies else 0), f"{point}: {self._forge.log.read_text()}"

    def _finish(self, path: str, clean: Clean) -> None:
        self._place.forget_leases()
        self._in_app(saga_crash_app.work)
        assert self._ending(path) == clean.ending

    # ---- looking

    def _known(self) -> Journal:
        return self._in_app(lambda app: app.sagas.known(self._id))

    def _facts(self) -> Sequence[Any]:
        """All that stands in the store for it: values and versions."""

        async def read(app: Workhorse) -> Sequence[Any]:
            store = (await app.engine()).store
            assert store is not None
            return [await store.scan(f"{kind}/{self._id}") for kind in ("saga", "result", "signal", "called")]

        return self._in_app(read)

    def _ending(self, path: str) -> Ending:
        async def look(app: Workhorse) -> Ending:
            handle: SagaHandle[Any] = app.registry.find(path).handle(self._id)  # type: ignore[assignment]
            status = await handle.status()
            assert status == STATUS[path], f"{status}: {await handle.journal()}"
            return Ending(status, await _result(handle), [(it.step, it.state) for it in await handle.journal()])

        return self._in_app(look)

    def _in_app(self, do: Callable[[Workhorse], Awaitable[T]]) -> T:
        async def within() -> T:
            if self._app is None:
                url, effects, store = self._words
                self._app = await saga_crash_app.make(url, effects, store or None).__aenter__()
            return await do(self._app)

        return self._runner.run(within())

    def _leave(self) -> None:
        async def leave(app: Workhorse) -> None:
            await app.close()
            await asyncio.sleep(0)  # a transport says its farewell at the loop's next turn

        if self._app is not None:
            self._runner.run(leave(self._app))
        self._app = None


async def _result(handle: SagaHandle[Any]) -> str:
    try:
        return repr(await handle.result(timeout=1))
    except JobFailed as error:
        return f"{error.type}: {error.message}"


def _deeds(rows: Sequence[Effect]) -> Sequence[tuple[str, str]]:
    return [(row.word, row.step) for row in rows]


def _told_no_more(after: Sequence[Effect], known: Journal) -> None:
    """Nothing was done again whose outcome was in the journal then."""
    for act in known.acts.values():
        name = act.started.name.lower()
        if act.done is not None or act.failed is not None:
            assert ("do", name) not in _deeds(after), f"{name} ran after its outcome was journalled"
        if act.undone is not None:
            assert ("undo", name) not in _deeds(after), f"{name} was undone twice, though it was journalled"


def _accounted(rows: Sequence[Effect], clean: Clean, width: int) -> None:
    """All that a clean run does was done, and more than that only once by whoever stood in it; in the right order, by one key each."""
    deeds = _deeds(rows)
    more = Counter(deeds)
    more.subtract(Counter(clean.effects))
    assert min(more.values()) >= 0, f"not done: {[deed for deed, times in more.items() if times < 0]}"
    assert sum(more.values()) <= width, f"done too often: {+more}"
    undone = [step for n, (word, step) in enumerate(deeds) if word == "undo" and deeds[n - 1] != ("undo", step)]
    assert undone == [step for word, step in clean.effects if word == "undo"], "undone in another order"
    for n, (word, step) in enumerate(deeds):
        assert word == "do" or ("do", step) in deeds[:n], f"{step} was undone, and never began"
    keys = {row.step: row.key for row in rows}
    assert all(row.key == keys[row.step] for row in rows), "an idempotency key changed"
    assert len(set(keys.values())) == len(keys), "two steps have one idempotency key"


def _only_the_next(late: Sequence[Effect], before: Sequence[Effect], clean: Clean, width: int) -> None:
    """Who wakes late ends what it stood in, and begins nothing."""
    assert len(late) <= width, f"it went on: {late}"
    expected = clean.effects[len(before) : len(before) + width]
    assert {*_deeds(late)} <= {*expected}, f"it did {late} late, and stood before {expected}"
