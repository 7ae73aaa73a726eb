"""The table at the end of a soak, in Markdown."""

import platform
import statistics
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata

from account import Account
from ledger.vitals import Vitals, course


@dataclass(frozen=True)
class Summary:
    """What is told of all rounds together."""

    judged: Account
    faults: Counter[str]
    recoveries: Sequence[float]
    vitals: Vitals
    seconds: float
    again: str
    missing: Sequence[str]
    engine: str

    def table(self) -> str:
        """Two tables: the run, and every line of its account."""
        run = ["| | |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in self._rows())]
        return "\n".join([*run, "", self.judged.table()])

    def _rows(self) -> Iterator[tuple[str, str]]:
        judged = self.judged
        yield (
            "jobs",
            f"{judged['asked']:,} asked for, {judged['accepted']:,} accepted, in {self.seconds / 60:.1f} minutes",
        )
        yield "lost", f"{judged['lost']}"
        yield "run again", f"{judged['run again']:,}, unexplained {judged['run again, and no fault explains it']}"
        yield "faults survived", f"{self.faults.total():,}"
        for kind, count in self.faults.most_common():
            yield f"faults: {kind}", f"{count:,}"
        for why in self.missing:
            yield "not done here", why
        yield "time to recover, from the last fault until idle", self._recovery()
        yield "memory of a worker, MB", course(self.vitals.memory)
        yield "database, MB", course(self.vitals.data)
        yield "its log, MB", course(self.vitals.log)
        yield "versions", self._versions()
        yield "again", f"`{self.again}`"

    def _recovery(self) -> str:
        return f"p50 {statistics.median(self.recoveries):.1f} s, worst {max(self.recoveries):.1f} s, of {len(self.recoveries)}"

    def _versions(self) -> str:
        return f"Workhorse {metadata.version('workhorse')}, Python {platform.python_version()}, {self.engine}"
