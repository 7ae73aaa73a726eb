"""Chapters against engines as a table, with what was skipped and what failed by name; a plugin for pytest."""

import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import pytest

from workhorse.testing.conformance.chapter import Chapter

Verdict = Literal["passed", "skipped", "failed"]
Cell = tuple[str, str]
"""A chapter and an engine."""
_NAME = "workhorse-conformance-table"
_GRAVITY: tuple[Verdict, ...] = ("passed", "skipped", "failed")


class Table:
    """Watches a run of pytest and prints, where chapters of the suite were among the tests, what held for which engine."""

    def __init__(self) -> None:
        self._cells: dict[str, Cell] = {}
        self._verdicts: dict[Cell, dict[str, Verdict]] = defaultdict(dict)
        self._reasons: dict[tuple[str, str], str] = {}
        self._places: dict[str, int] = {}

    def engines(self) -> list[str]:
        """The engines that were tested, by the names of their test classes without `Test`."""
        return sorted({engine for _, engine in self._verdicts})

    def verdicts(self, engine: str) -> dict[str, Verdict]:
        """What became of each test of an engine, by the test's name."""
        return {
            test: verdict
            for (_, each), tests in self._verdicts.items()
            if each == engine
            for test, verdict in tests.items()
        }

    def lines(self) -> list[str]:
        """The table, then the names of what was skipped (with the promise that is not made) and of what failed."""
        engines = self.engines()
        chapters = sorted({chapter for chapter, _ in self._verdicts}, key=self._places.__getitem__)
        rows = [["chapter", *engines]]
        rows += [[chapter, *(self._count((chapter, engine)) for engine in engines)] for chapter in chapters]
        rows.append(["all", *(_counted(self.verdicts(engine).values()) for engine in engines)])
        return [*_aligned(rows), *self._named("skipped"), *self._named("failed")]

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        owner = getattr(item, "cls", None)
        test = getattr(item, "originalname", item.name)
        if isinstance(owner, type) and issubclass(owner, Chapter):
            place, home = _home(owner, test)
            chapter = home.__module__.rpartition(".")[2]
            self._places[chapter] = min(place, self._places.get(chapter, place))
            self._cells[item.nodeid] = (chapter, owner.__name__.removeprefix("Test"))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        cell = self._cells.get(report.nodeid)
        if cell is None or (report.when != "call" and report.passed):
            return
        test = report.nodeid.rpartition("::")[2]
        self._verdicts[cell][test] = _worse(self._verdicts[cell].get(test, "passed"), report.outcome)
        if isinstance(report.longrepr, tuple):
            self._reasons[cell[1], test] = str(report.longrepr[2]).removeprefix("Skipped: ")

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        if self._verdicts:
            terminalreporter.section("conformance")
            for line in self.lines():
                terminalreporter.line(line)

    def _count(self, cell: Cell) -> str:
        return _counted(self._verdicts[cell].values())

    def _named(self, verdict: Verdict) -> list[str]:
        return [
            f"{verdict}: {engine} {chapter}: {test} {self._reasons.get((engine, test), '')}".rstrip()
            for (chapter, engine), tests in self._verdicts.items()
            for test, each in tests.items()
            if each == verdict
        ]


def pytest_configure(config: pytest.Config) -> None:
    """`-p workhorse.testing.conformance.table` adds the table to any run of pytest."""
    if not config.pluginmanager.has_plugin(_NAME):
        config.pluginmanager.register(Table(), _NAME)


def main(arguments: Sequence[str]) -> int:
    """Run these test files, as `pytest` does, and print the table; pytest's exit code."""
    # A process of its own: imported before pytest, the chapters' asserts would say nothing when they fail.
    return subprocess.call([sys.executable, "-m", "pytest", "-q", "-p", __name__, *arguments])


def _home(owner: type, test: str) -> tuple[int, type]:
    """The chapter that a test stands in, and its place among the chapters."""
    found = [(place, each) for place, each in enumerate(owner.__mro__) if test in vars(each)]
    return found[-1] if found else (0, owner)


def _worse(one: Verdict, other: Verdict) -> Verdict:
    return max((one, other), key=_GRAVITY.index)


def _counted(verdicts: Iterable[Verdict]) -> str:
    found = list(verdicts)
    parts = [f"{found.count('passed')} passed"]
    parts += [f"{found.count(each)} {each}" for each in ("skipped", "failed") if each in found]
    return ", ".join(parts) if found else "-"


def _aligned(rows: list[list[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows]
