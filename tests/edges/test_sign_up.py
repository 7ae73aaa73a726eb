"""The example of signing up, on its two databases: both have the row, or neither has it."""

import importlib.util
import sqlite3
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pages import ROOT, blocks

EXAMPLE = ROOT / "examples" / "sign_up.py"


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The example with its databases, and Ada in both of them."""
    monkeypatch.chdir(tmp_path)
    spec = importlib.util.spec_from_file_location("sign_up", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.main()
    return module


def rows(example: ModuleType) -> tuple[Any, Any]:
    people = example.ask("people.db", "select name from people")
    return people, example.ask("mail.db", "select person, address from boxes")


ADA = ([("Ada",)], [(1, "ada@example.org")])


class Writer:
    """Another program that holds a database for so many waits of ours."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, database: str, waits: int) -> None:
        self._connection = sqlite3.connect(database, isolation_level=None)
        self._connection.execute("begin immediate")
        self._left, self.waited = waits, list[float]()
        monkeypatch.setattr("time.sleep", self._wait)

    def _wait(self, seconds: float) -> None:
        self.waited.append(seconds)
        self._left -= 1
        if not self._left:
            self._connection.close()


def test_who_signs_up_has_a_row_in_both(example: ModuleType) -> None:
    assert example.sign_up("Grace", "grace@example.org") == 2
    assert rows(example) == ([("Ada",), ("Grace",)], [(1, "ada@example.org"), (2, "grace@example.org")])


def test_a_taken_address_leaves_nothing_of_the_second_and_everything_of_the_first(example: ModuleType) -> None:
    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
        example.sign_up("Eve", "ada@example.org")
    assert rows(example) == ADA


def test_a_locked_database_is_waited_for(example: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    other = Writer(monkeypatch, "mail.db", waits=2)
    assert example.sign_up("Grace", "grace@example.org") == 2
    assert other.waited == [0.5, 1]


def test_a_database_that_stays_locked_undoes_the_other(example: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    other = Writer(monkeypatch, "mail.db", waits=99)
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        example.sign_up("Grace", "grace@example.org")
    assert (other.waited, rows(example)) == ([0.5, 1, 2], ADA)


def test_a_rollback_waits_for_a_locked_database_too(example: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    person = example.CreatePerson("Grace")
    queue = example.ActionQueue([person, example.OpenBox(person, "grace@example.org")])
    queue.execute()
    other = Writer(monkeypatch, "mail.db", waits=1)
    queue.rollback()
    assert (other.waited, queue.rollback_errors, rows(example)) == ([0.5], (), ADA)


def test_the_page_shows_the_example_as_it_is() -> None:
    page = blocks(ROOT / "docs" / "actions.md")
    assert [block.text for block in page if block.file == EXAMPLE.name] == [EXAMPLE.read_text(encoding="utf-8")]
