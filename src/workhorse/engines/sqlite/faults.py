"""What SQLite's errors mean: for now (BrokerUnavailable), or as it is (EngineRefused), and what to do about it."""

import sqlite3
from typing import Final

from workhorse.core.errors import BrokerUnavailable, EngineRefused, WorkhorseError

_BUSY: Final = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL}
_CORRUPT: Final = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_CLOSED: Final = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH}


def translated(error: sqlite3.Error, name: str) -> WorkhorseError | sqlite3.Error:
    """The error to raise in its place; itself where it is a mistake of ours."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in _BUSY:
        return locked(name)
    if code == sqlite3.SQLITE_FULL:
        return BrokerUnavailable(
            f"{name}: no room left on the disk; free some and try again. What was accepted is intact."
        )
    if code == sqlite3.SQLITE_IOERR:
        return BrokerUnavailable(f"{name}: the disk answered with an error ({error}); what was accepted is intact.")
    if code in _CORRUPT:
        return corrupt(name, str(error))
    if code in _CLOSED:
        return unwritable(name, str(error))
    return error


def locked(name: str) -> BrokerUnavailable:
    """Somebody holds the write lock for too long."""
    return BrokerUnavailable(
        f"{name}: expected a turn to write in time, but another process or connection held the file's write lock; "
        "keep transactions on it short, and look for a stopped process (fuser shows who has it open)."
    )


def corrupt(name: str, why: str) -> EngineRefused:
    """The bytes are not a database, or not a whole one."""
    return EngineRefused(
        f"{name}: expected a SQLite database, got damaged or foreign bytes ({why}). Nothing was changed. "
        f"To recover what can be read, copy the file and its -wal, then: sqlite3 {name} .recover | sqlite3 recovered.db; "
        "sqlite3 recovered.db 'pragma integrity_check'; then move recovered.db into its place, or restore a backup."
    )


def unwritable(name: str, why: str) -> EngineRefused:
    """The file or its folder does not let us write; WAL needs both."""
    return EngineRefused(
        f"{name}: expected a file in a folder that this user may write to, got: {why}. SQLite keeps a log beside the file. "
        "Grant the rights on the folder (chmod u+w), create it, or name another file in the URL."
    )
