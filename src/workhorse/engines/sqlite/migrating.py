"""Looks at a file's schema and brings it forward, for people who want to see it first; opening the engine does the same unasked."""

import asyncio
import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing

from workhorse.core.migrations import Migration
from workhorse.engines.sqlite import faults, schema
from workhorse.engines.sqlite.homes import FileHome, Home, open_read_only


class Migrations:
    """The steps of one place. A store in memory is always new."""

    def __init__(self, home: Home) -> None:
        self._home = home

    @property
    def newest(self) -> int:
        return schema.newest()

    async def current(self) -> int:
        return await asyncio.to_thread(_current, self._home)

    async def pending(self) -> Sequence[Migration]:
        return schema.steps()[await self.current() :]

    async def apply(self) -> Sequence[Migration]:
        pending = await self.pending()
        if pending:
            await asyncio.to_thread(_apply, self._home)
        return pending


def _current(home: Home) -> int:
    if not isinstance(home, FileHome):
        return schema.newest()
    if not os.path.exists(home.path) or os.path.getsize(home.path) == 0:
        return 0
    try:
        with closing(open_read_only(home.path, home.busy)) as con:
            schema.refuse_newer(con, home.path)
            return schema.version(con)
    except sqlite3.Error as error:
        raise faults.translated(error, home.path) from error


def _apply(home: Home) -> None:
    home.connect().close()  # a connection brings the schema forward, in one transaction and whoever else does the same
