"""SQLite files for the conformance suite: what its test files share."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing

from steered_file import InFiles


class OnDisk(InFiles):
    """`sqlite:////FILE` on a clock that the tests move, and a caller's own connection to it."""

    async def transact(self, name: str, statements: Sequence[tuple[str, tuple[object, ...]]], *, commit: bool) -> None:
        with closing(sqlite3.connect(self.file(name), isolation_level=None)) as connection:
            connection.execute("begin immediate")
            for text, values in statements:
                connection.execute(text, values)
            connection.execute("commit" if commit else "rollback")
