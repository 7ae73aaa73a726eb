"""SQLite: no server."""

import sqlite3
from collections.abc import Mapping
from pathlib import Path


class File:
    """A database file in the folder. Peers choose their own names beside it."""

    pid = None

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def url(self) -> str:
        return f"sqlite:///{self._folder}/ours.db"

    def start(self) -> None: ...

    def stop(self, *, keep: bool = False) -> None: ...

    def size(self) -> int:
        return sum(file.stat().st_size for file in self._folder.rglob("*") if file.is_file())

    def facts(self) -> Mapping[str, str]:
        return {"server": f"SQLite {sqlite3.sqlite_version}"}
