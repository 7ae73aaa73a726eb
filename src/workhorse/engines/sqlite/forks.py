"""Forks: SQLite notes in a process's memory which locks it holds on a file. A child inherits the notes, but not the locks: it believes
to be protected, the next who leaves takes itself for the last one and deletes the log, and what the child commits is gone.

So a fork waits until no connection of ours is at work, and the child closes what it inherited before it opens its own.
"""

import os
import sqlite3
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress

_gate = threading.Lock()
"""Held while a connection is opened or closed, and during a fork."""

_connections: dict[sqlite3.Connection, threading.Lock] = {}
_stilled: list[threading.Lock] = []


@contextmanager
def changing() -> Generator[None]:
    """Around the opening and the closing of connections."""
    with _gate:
        yield


def keep(con: sqlite3.Connection) -> threading.Lock:
    """From now on forks mind this connection; the lock is to be held while it is at work. Inside `changing`."""
    return _connections.setdefault(con, threading.Lock())


def close(con: sqlite3.Connection) -> None:
    """Close it, and forget it. Inside `changing`."""
    _connections.pop(con, None)
    con.close()


def _before() -> None:
    _gate.acquire()
    for lock in _connections.values():
        lock.acquire()
        _stilled.append(lock)


def _in_parent() -> None:
    while _stilled:
        _stilled.pop().release()
    _gate.release()


def _in_child() -> None:
    for con in tuple(_connections):
        with suppress(sqlite3.Error):
            close(con)  # between transactions, and beside the parent's locks, this touches nothing of the file
    _in_parent()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_in_parent, after_in_child=_in_child)
