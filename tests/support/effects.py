"""What sagas have done in the world outside: a database that is none of ours, in which each step and each undo leaves a row."""

import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple


class Effect(NamedTuple):
    """`word`: do or undo; `key`: the idempotency key that it came with; `pid`: of whoever did it."""

    word: str
    step: str
    key: str
    pid: int


class Effects:
    """In a file; a row is there when `add` returns, whatever becomes of the process."""

    def __init__(self, path: str | Path) -> None:
        self._path = path
        with closing(self._open()) as con:
            con.execute("create table if not exists effects (number integer primary key, word, step, key, pid)")

    def add(self, word: str, step: str, key: str) -> None:
        """It is done now."""
        with closing(self._open()) as con:
            con.execute(
                "insert into effects (word, step, key, pid) values (?, ?, ?, ?)", (word, step, key, os.getpid())
            )

    def clear(self) -> None:
        """Begin anew."""
        with closing(self._open()) as con:
            con.execute("delete from effects")

    def all(self) -> Sequence[Effect]:
        """In the order in which they were done."""
        with closing(self._open()) as con:
            return [Effect(*row) for row in con.execute("select word, step, key, pid from effects order by number")]

    def _open(self) -> sqlite3.Connection:
        con = sqlite3.connect(self._path, timeout=30, isolation_level=None)
        con.execute("pragma synchronous = off")  # processes die here, not the machine
        return con
