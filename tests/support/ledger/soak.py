"""The soak: rounds of chaos until the time or the jobs are used up, each judged once it is drained; at the end a table.

`python -m ledger.soak`; $MINUTES, $JOBS, $SEED and $ENGINE (sqlite, postgres or redis) say how long, how much, which and where, $REPORT
names a file for the table.
"""

import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from account import Account, Fault, Record, account, histories, total
from ledger import run, workload
from ledger.journal import Reader, now
from ledger.report import faults
from ledger.run import Size
from ledger.stage import Stage, stage
from ledger.summary import Summary
from ledger.vitals import Vitals
from ledger.workload import Piece

MIB = 384
ROUND = 60.0
"""Seconds for which the jobs of a round are asked for, at most."""

MIX = {
    "plain": 66, "thread": 8, "flaky": 5, "hopeless": 2, "ordered": 7, "wide": 4, "delayed": 3, "unique": 3, "cancelled": 0.5,
    "outlasting": 0.2, "process": 0.02,
}  # fmt: skip
"""Of a hundred jobs or so: fewer than in the proof are slow."""

FAULTS = {"kill": 30, "stop": 6, "term": 4, "producer killed": 3, "forward": 2, "back": 2}
OF_ENGINE = {
    "sqlite": {"disk full": 2},
    "postgres": {"server killed": 2, "server restarted": 1, "server frozen": 1, "lines cut": 2, "disk full": 1},
    "redis": {"server killed": 2, "server restarted": 1, "server frozen": 1, "lines cut": 2, "memory full": 1},
}
"""In a minute."""

AWAY = "server away for 30 s"
"""Once in so many rounds, where there is a server."""

EVERY = 5


@dataclass(frozen=True)
class Wanted:
    """What was asked for on the command line."""

    minutes: float = field(default_factory=lambda: float(os.environ.get("MINUTES", "30")))
    jobs: int = field(default_factory=lambda: int(os.environ.get("JOBS", "1000000")))
    seed: int = field(default_factory=lambda: int(os.environ.get("SEED", "1")))
    engine: str = field(default_factory=lambda: os.environ.get("ENGINE", "sqlite"))

    @property
    def rounds(self) -> int:
        """Into how many portions the jobs are cut: a portion drains in about as long as half of it is asked for."""
        return max(2, round(self.minutes * 60 / (ROUND * 1.5)))

    def size(self, number: int) -> Size:
        """Of this round."""
        seconds = self.minutes * 60 / self.rounds / 1.5
        jobs = -(-self.jobs // self.rounds)
        faults = FAULTS | OF_ENGINE[self.engine]
        struck = {kind: max(1, round(count * seconds / 60)) for kind, count in faults.items()}
        pause = seconds / sum(struck.values())
        if self.engine != "sqlite" and number % EVERY == 1:
            struck[AWAY] = 1
        return Size(jobs, jobs / seconds, struck, pause=(0.2 * pause, 1.2 * pause), fused=0.15, patience=600)

    @property
    def again(self) -> str:
        """The command that does it again."""
        return f"make soak ENGINE={self.engine} MINUTES={self.minutes:g} JOBS={self.jobs} SEED={self.seed}"


class Soak:
    """Rounds on one stage; what is judged is deleted, from the database as well as from the journals."""

    def __init__(self, scene: Stage, wanted: Wanted) -> None:
        self._scene, self._wanted = scene, wanted
        self._reader = Reader(scene.crew.journals)
        self._before = frozenset[str]()
        self._accounts: list[Account] = []
        self._recoveries: list[float] = []
        self._faults: Counter[str] = Counter()
        self._vitals = Vitals(scene.ground.sizes)

    def run(self) -> Summary:
        """Until the time is up, the jobs are used up, or a line is broken."""
        began = time.monotonic()
        self._vitals.watch(self._scene.crew.hire_elder().process.pid)
        for number in range(self._wanted.rounds):
            judged = self._round(number)
            if judged.broken or time.monotonic() - began > self._wanted.minutes * 60:
                break
        self._vitals.stop()
        assert self._scene.crew.dismiss(60), "workers did not stop"
        return Summary(
            total(self._accounts), self._faults, self._recoveries, self._vitals, time.monotonic() - began, self._wanted.again,
            self._scene.ground.missing, self._scene.ground.version,
        )  # fmt: skip

    def _round(self, number: int) -> Account:
        size, began = self._wanted.size(number), now()
        pieces = workload.plan(self._wanted.seed * 1000 + number, size.jobs, f"r{number}", MIX)
        played = run.play(self._scene, self._wanted.seed * 1000 + number, pieces, size)
        records = [record for record in self._reader.more() if self._concerns(record, began)]
        rows = list(self._scene.office.rows())
        judged = account(records, rows)
        self._accounts.append(judged)
        self._recoveries.append(played.recovery)
        self._faults += faults(records)
        self._forget(pieces)
        print(
            f"round {number + 1}: {judged['asked']:,} jobs, {played.took:.0f} s, {played.recovery:.1f} s to recover",
            flush=True,
        )
        if judged.broken:
            print(histories(records, rows, judged), file=sys.stderr)
        return judged

    def _concerns(self, record: Record, began: float) -> bool:
        """What a process of the round before still had to say of that round is past."""
        if isinstance(record, Fault):
            return record.ends >= began
        return getattr(record, "job", "") not in self._before

    def _forget(self, pieces: list[Piece]) -> None:
        self._before = frozenset(piece.id for piece in pieces)
        self._scene.office.delete([piece.id for piece in pieces])
        self._reader.forget({self._scene.journal.who, *(life.who for life in self._scene.crew.workers)})


def main() -> int:
    """0 when no line was broken."""
    wanted = Wanted()
    folder = Path(tempfile.mkdtemp(prefix="workhorse-soak-"))
    with stage(folder, wanted.engine, mib=MIB) as scene:
        summary = Soak(scene, wanted).run()
    table = summary.table()
    print(table)
    if report := os.environ.get("REPORT"):
        Path(report).write_text(table + "\n")
    if summary.judged.broken:
        print(f"journals: {folder}", file=sys.stderr)
        return 1
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
