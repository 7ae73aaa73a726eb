"""One transaction, as the functions that work inside it see it."""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from workhorse.engines.keeping import Policy

LIVE: Final = 0
PARKED: Final = 1
SUCCEEDED: Final = 2
DEAD: Final = 3
CANCELLED: Final = 4


@dataclass(slots=True)
class Tx:
    """The connection inside its transaction, the moment that counts for all of it, and who is to be woken after the commit."""

    con: sqlite3.Connection
    now: int  # microseconds
    policy: Policy
    queues: set[str] = field(default_factory=set[str])
    keys: set[str] = field(default_factory=set[str])
    ended: int = 0  # jobs, for the pruning

    def run(self, sql: str, *values: object) -> int:
        """Execute it; how many rows it changed."""
        return self.con.execute(sql, values).rowcount

    def one(self, sql: str, *values: object) -> tuple[Any, ...] | None:
        """The first row, or None."""
        row: tuple[Any, ...] | None = self.con.execute(sql, values).fetchone()
        return row

    def column(self, sql: str, *values: object) -> set[Any]:
        """The first value of every row."""
        return {row[0] for row in self.con.execute(sql, values)}

    def all(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Every row."""
        return self.con.execute(sql, values).fetchall()


def numbers(values: list[int]) -> str:
    """Integers as a JSON array, for json_each: one statement for all of them, and the GIL is free while it runs."""
    return "[" + ",".join(map(str, values)) + "]"


def words(values: Iterable[str]) -> str:
    """The same for texts."""
    return msgspec.json.encode(list(values)).decode()
