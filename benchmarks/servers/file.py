"""SQLite: no server."""

import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path

from servers.server import Spent


class File:
    """A database file in the folder. Peers choose their own names beside it."""

    pid = None
    watched = False

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def url(self) -> str:
        return f"sqlite:///{self._folder}/ours.db"

    def start(self) -> None: ...

    def stop(self, *, keep: bool = False) -> None: ...

    def size(self) -> int:
        return sum(file.stat().st_size for file in self._folder.rglob("*") if file.is_file())

    def spent(self) -> Sequence[Spent]:
        return []

    def facts(self) -> Mapping[str, str]:
        return {"server": f"SQLite {sqlite3.sqlite_version}"}
