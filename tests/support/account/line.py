"""A line of the account: what was counted, how much of it may be, and which jobs it concerns."""

from collections.abc import Iterable, Sequence

import msgspec

NAMED = 5
"""Jobs that a table names; the line has all of them."""


class Line(msgspec.Struct, frozen=True):
    """`bound` is None for what is only counted."""

    name: str
    count: int
    bound: int | None = None
    jobs: tuple[str, ...] = ()

    @property
    def good(self) -> bool:
        """Within its bound."""
        return self.bound is None or self.count <= self.bound


class Account(msgspec.Struct, frozen=True):
    """All lines of a run."""

    lines: tuple[Line, ...]

    @property
    def broken(self) -> list[Line]:
        """Those over their bound; none: nothing was lost, and nothing else went wrong."""
        return [line for line in self.lines if not line.good]

    def __getitem__(self, name: str) -> int:
        """The count of the line of this name; 0 for a fault that explains nothing here."""
        return next((line.count for line in self.lines if line.name == name), 0)

    def table(self) -> str:
        """In Markdown."""
        head = ["| line | count | bound | |", "| --- | ---: | ---: | --- |"]
        return "\n".join(head + [_shown(line) for line in self.lines])


def none_of(name: str, jobs: Iterable[str]) -> Line:
    """A line with the bound 0."""
    found = tuple(jobs)
    return Line(name, len(found), 0, found)


def total(accounts: Sequence[Account]) -> Account:
    """The sum, line by line, in the order in which they first come."""
    sums: dict[str, Line] = {}
    for line in (line for account in accounts for line in account.lines):
        before = sums.get(line.name, Line(line.name, 0, line.bound))
        sums[line.name] = Line(line.name, before.count + line.count, line.bound, before.jobs + line.jobs)
    return Account(tuple(sums.values()))


def _shown(line: Line) -> str:
    bound = "" if line.bound is None else str(line.bound)
    named = " ".join(line.jobs[:NAMED]) + (" ..." if len(line.jobs) > NAMED else "")
    return f"| {line.name} | {line.count:,} | {bound} | {'' if line.good else 'BROKEN: ' + named} |"
