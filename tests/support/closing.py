"""What a run says at its end: the lines that its tests have said, and how long the tests of each folder and of the slowest files took.

Several processes may share the tests; the one that prints hears of all of them."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import pytest

Say = Callable[[str], None]

SAID: Final = pytest.StashKey[list[str]]()
SLOWEST: Final = 10
_SENT: Final = "said"


@pytest.fixture(scope="session")
def say(pytestconfig: pytest.Config) -> Say:
    """Add a line to the summary that pytest prints at the end: for figures that are aims, not limits."""
    return pytestconfig.stash[SAID].append


class Times:
    """Seconds of tests, with all that was made and ended for them, by file."""

    def __init__(self) -> None:
        self._tests, self._seconds = Counter[str](), Counter[str]()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        file = report.nodeid.partition("::")[0]
        self._tests[file] += report.when == "setup"
        self._seconds[file] += report.duration  # type: ignore[assignment]

    def lines(self) -> Iterator[str]:
        """Folders, then the slowest files; the slowest first."""
        yield "tests by folder: count, seconds"
        yield from self._table(self._tests, lambda file: file.rpartition("/")[0] + "/")
        yield "slowest files"
        yield from self._table([file for file, _ in self._seconds.most_common(SLOWEST)], lambda file: file)

    def _table(self, files: Iterable[str], part: Callable[[str], str]) -> Iterator[str]:
        tests, seconds = Counter[str](), Counter[str]()
        for file in files:
            tests[part(file)] += self._tests[file]
            seconds[part(file)] += self._seconds[file]
        for name, took in seconds.most_common():
            yield f"{tests[name]:7} {took:8.1f}  {name}"


def pytest_configure(config: pytest.Config) -> None:
    config.stash[SAID] = []
    config.pluginmanager.register(Times(), "times")


def pytest_sessionfinish(session: pytest.Session) -> None:
    if (output := getattr(session.config, "workeroutput", None)) is not None:
        output[_SENT] = session.config.stash[SAID]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """One of the processes has ended; a crashed one has sent nothing."""
    node.config.stash[SAID] += getattr(node, "workeroutput", {}).get(_SENT, [])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    times = config.pluginmanager.get_plugin("times")
    assert isinstance(times, Times)
    terminalreporter.section("where the time went")
    for line in (*config.stash[SAID], *times.lines()):
        terminalreporter.write_line(line)
