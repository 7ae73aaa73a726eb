"""Inserts of many rows. SQLite lets the GIL go at each step and must get it back, which costs more than the row itself when the loop is
busy: so a step takes a block of rows."""

import sqlite3
from collections.abc import Sequence
from itertools import chain
from typing import Final

_BLOCK: Final = 500
"""Rows of one statement; SQLite takes 32,766 values."""


class Insert:
    """One statement for any number of rows of `width` values: `insert into t (a, b)`, and what follows the values."""

    def __init__(self, into: str, width: int, then: str = "") -> None:
        row = f"({', '.join('?' * width)})"
        self._one = f"{into} values {row} {then}"
        self._block = f"{into} values {', '.join([row] * _BLOCK)} {then}"

    def run(self, con: sqlite3.Connection, rows: Sequence[tuple[object, ...]]) -> None:
        """Insert them, in order."""
        whole = len(rows) - len(rows) % _BLOCK
        for start in range(0, whole, _BLOCK):
            con.execute(self._block, list(chain.from_iterable(rows[start : start + _BLOCK])))
        con.executemany(self._one, rows[whole:])
