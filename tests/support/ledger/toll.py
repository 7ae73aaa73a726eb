"""What each kind of fault has cost: how many accepted jobs were under way meanwhile, how many of them were lost or run again for it, and
how long it took until all went on."""

import statistics
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from account import Account, Fault, Record, Settled
from account import Final as Row
from account.asking import lost
from account.story import Story, stories

HEAD: Final = (
    "| fault | engine | times | accepted jobs under way | lost | run again | s to recover: p50 | worst |\n"
    "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |"
)

NAMES: Final = {
    "kill": "worker killed", "stop": "worker frozen", "term": "worker told to stop", "poison": "worker killed by a poison job",
    "jump": "engine's clock jumps by an hour", "starved": "process starved by the machine", "engine held up": "verb held up",
}  # fmt: skip
"""Of kinds that the journals call shortly."""


def toll(engine: str, records: Sequence[Record], rows: Iterable[Row], judged: Account) -> str:
    """A table, worst fault first."""
    told = [story for story in stories(records, rows).values() if story.accepted]
    again = {line.name.removeprefix("run again after: "): line.count for line in judged.lines}
    kinds = defaultdict[str, list[Fault]](list)
    for record in records:
        if isinstance(record, Fault):
            kinds[record.kind].append(record)
    recovered = _Recovery(records, told)
    lines = [
        _line(
            kind,
            engine,
            faults,
            [it for it in told if any(_under_way(it, fault) for fault in faults)],
            again.get(kind, 0),
            recovered,
        )
        for kind, faults in sorted(kinds.items(), key=lambda each: -len(each[1]))
    ]
    return "\n".join((HEAD, *lines))


def _line(
    kind: str, engine: str, faults: Sequence[Fault], beside: Sequence[Story], again: int, recovered: "_Recovery"
) -> str:
    seconds = [time for fault in faults if (time := recovered.after(fault)) is not None] or [0.0]
    took = f"{statistics.median(seconds):.2f} | {max(seconds):.2f}"
    return f"| {NAMES.get(kind, kind)} | {engine} | {len(faults)} | {len(beside):,} | {sum(map(lost, beside))} | {again} | {took} |"


def _under_way(story: Story, fault: Fault) -> bool:
    until = fault.begins if fault.kind == "term" else fault.ends  # who is told to stop has long to do so
    return story.accepted[0] <= until and (story.end is None or story.end >= fault.begins)


class _Recovery:
    """How long it took after a fault until all went on."""

    def __init__(self, records: Iterable[Record], told: Iterable[Story]) -> None:
        self._settled = sorted(it.since for it in records if isinstance(it, Settled) and not it.answer)
        self._told = list(told)

    def after(self, fault: Fault) -> float | None:
        """Of one process: until the last job that it held was claimed by another. Of all: until any of them settles. None: nothing was
        held."""
        if fault.victim in ("*", ""):
            next_one = bisect_left(self._settled, fault.ends)
            return self._settled[next_one] - fault.ends if next_one < len(self._settled) else None
        return max((at - fault.begins for at in self._taken_over(fault)), default=None)

    def _taken_over(self, fault: Fault) -> Iterator[float]:
        for story in self._told:
            for claim in story.claims:
                if claim.who == fault.victim and claim.at <= fault.begins and (newer := story.superseded(claim)):
                    settled = any(it.token == claim.token and not it.answer for it in story.settled)
                    if newer.at > fault.begins and not settled:
                        yield newer.at
