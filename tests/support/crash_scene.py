"""One database before, at and after a death: filled, left behind by a child process that died at its point, drained by a worker that
lives, and accounted for."""

import asyncio
import os
import subprocess
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import msgspec

from crash_app import command, make
from crash_places import Place, Row
from crashing import CODE
from workhorse import Workhorse
from workhorse.core.envelope import encode_job
from workhorse.engine import Lane, Unique

SUCCEEDED, DEAD, CANCELLED = 2, 3, 4


class Kind(NamedTuple):
    """A job, and what must become of it."""

    task: str
    options: dict[str, Any]
    envelope: Mapping[str, Any] = MappingProxyType({})
    state: int = SUCCEEDED
    attempt: int = 1


_IN_LANE: Final = {"lane": Lane("crash/lane")}
MIX: Final = (
    Kind("note", {}),
    Kind("note", {"padding": "x" * 3000}),  # a body in a table of its own
    Kind("fail_once", {}, attempt=2),
    Kind("give_up", {}, state=DEAD),
    Kind("speak", {}),
    Kind("note", {}, _IN_LANE),
    Kind("note", {}, _IN_LANE),
    Kind("note", {}, {"unique": Unique("crash/settled")}),
    Kind("note", {}, {"unique": Unique("crash/claimed", until="claimed")}),
    Kind("note", {}),
)


class Scene:
    """In a folder of its own; jobs are known by their place in what was enqueued."""

    def __init__(self, folder: Path, place: Place) -> None:
        self.ledger, self._mark = folder / "ledger", folder / "mark"
        self._place, self.url = place, place.url
        self.ids: list[str] = []
        self.jobs: Sequence[Kind] = ()
        self.ledger.touch()

    def fill(self, jobs: Sequence[Kind]) -> None:
        """Accept these."""
        self.jobs = jobs
        self.ids = asyncio.run(self._publish(jobs))

    def enqueue_again(self, task: str) -> None:
        """All of them, by the ids that they have."""
        asyncio.run(self._enqueue_again(task))

    def die(self, part: str, point: str) -> dict[int, Row]:
        """A child plays the part until it dies at the point, and there alone; what it leaves is sound, and looks like this."""
        self.play(part, point)
        assert self._mark.exists(), f"{point} was never reached"
        assert self._mark.read_text().split()[0] == point.partition(":")[0]
        self._place.quiet()
        self.examine()
        return self.rows()

    def play(self, part: str, point: str) -> None:
        """To the child's end."""
        environment = {**os.environ, "CRASH_AT": point, "CRASH_MARK": str(self._mark)}
        child = command(part, self.url, self.ledger)
        done = subprocess.run(child, env=environment, capture_output=True, text=True, timeout=60, check=False)
        lived = part == "lead"  # who dies there is one of those it leads
        assert done.returncode == (0 if lived else CODE), f"{point}: exit code {done.returncode}\n{done.stderr}"

    def examine(self, *, drained: bool = False) -> None:
        """What is there is sound."""
        self._place.check(drained=drained)

    def forget_leases(self) -> None:
        """Move the clock past the lease of the dead: what it held is due."""
        self._place.forget_leases()

    def age(self) -> list[str]:
        """Move the clock past the time for which anything is kept that has ended, and begin a new ledger; the ids of those jobs."""
        self._place.age()
        self.ledger.write_text("")
        return self.ids

    def known(self, ids: Sequence[str]) -> int:
        """How many of these are still there."""
        return len(self._place.rows().keys() & set(ids))

    def also(self, option: str) -> None:
        """Let the URL say this, too."""
        self.url += ("&" if "?" in self.url else "?") + option

    def drain(self) -> None:
        """A worker that lives does all there is to do; then nothing is left over, anywhere."""
        asyncio.run(self._work())
        self.examine(drained=True)

    def rows(self) -> dict[int, Row]:
        """Each job that is known."""
        return {self.ids.index(id): row for id, row in self._place.rows().items() if id in self.ids}

    def facts(self, prefix: str) -> list[str]:
        """Keys that begin with it."""
        return self._place.facts(prefix)

    def count(self, word: str) -> Counter[int]:
        """How often each job wrote it."""
        lines = [line.split() for line in self.ledger.read_text().splitlines()]
        return Counter(int(job) for said, job, *_ in lines if said == word)

    def said(self, word: str) -> list[list[str]]:
        """The rest of the lines that begin with it."""
        lines = [line.split() for line in self.ledger.read_text().splitlines()]
        return [rest for said, *rest in lines if said == word]

    def account(self, before: dict[int, Row], handed_back: Sequence[int] = ()) -> None:
        """Every job has its one ending; only those that the dead one held (or had handed back) ran once more, and only what it
        held is charged for it."""
        rows, starts, done = self.rows(), self.count("start"), self.count("done")
        for n, kind in enumerate(self.jobs):
            held, row = before[n].held, rows[n]
            assert (row.state, row.attempt) == (kind.state, kind.attempt), (n, kind, row)
            # a new attempt has a clean slate
            charged = held and before[n].attempt == kind.attempt
            assert row.crashes == (1 if charged else 0), (n, kind, before[n], row)
            assert starts[n] - kind.attempt in ((0, 1) if held or n in handed_back else (0,)), (n, kind, starts[n])
            assert (done[n] > 0) == (kind.state == SUCCEEDED), (n, kind)
        asyncio.run(self._read_results())

    async def _publish(self, jobs: Sequence[Kind]) -> list[str]:
        async with make(self.url, str(self.ledger)) as app:
            envelopes = [
                msgspec.structs.replace(_envelope(app, n, kind), **kind.envelope) for n, kind in enumerate(jobs)
            ]
            broker = (await app.engine()).broker
            assert broker is not None
            assert {answer.kind for answer in await broker.publish(envelopes)} == {"accepted"}
            return [envelope.id for envelope in envelopes]

    async def _enqueue_again(self, task: str) -> None:
        async with make(self.url, str(self.ledger)) as app:
            for n, id in enumerate(self.ids):
                assert (await app.enqueue(app.registry.find(task).options(id=id).job(n))).id == id

    async def _work(self) -> None:
        async with make(self.url, str(self.ledger)) as app:
            await app.worker(burst=True, signals=()).run()

    async def _read_results(self) -> None:
        async with make(self.url, str(self.ledger)) as app:
            for n, (id, kind) in enumerate(zip(self.ids, self.jobs, strict=True)):
                handle = app.registry.find(kind.task).handle(id)
                assert len(await handle.history()) == kind.attempt
                if kind.state == SUCCEEDED:
                    assert await handle.result(timeout=1) == n


def _envelope(app: Workhorse, n: int, kind: Kind) -> Any:
    task = app.registry.find(kind.task)
    return encode_job(task.job(n, **kind.options), task, lambda: 0.0)
