"""Where the data lives: a file, or memory. It opens connections, tells the time and gives turns to write."""

import os
import sqlite3
import time
from dataclasses import dataclass
from typing import Protocol

from workhorse.core.clock import Clock, SystemClock
from workhorse.engines.keeping import Policy, micros
from workhorse.engines.sqlite import faults, schema
from workhorse.engines.sqlite.steering import Steering
from workhorse.engines.sqlite.turnstile import MAIN, Turnstile

BUSY: float = 10.0
"""Seconds that a write waits for its turn before BrokerUnavailable says so."""

_CHECKED = 16 << 20
"""Files up to this size are checked whole before the first write; a larger one would delay every start (`doctor` checks those)."""


class Home(Protocol):
    """What a link needs of the place."""

    @property
    def name(self) -> str: ...
    @property
    def policy(self) -> Policy: ...
    @property
    def synchronous(self) -> str: ...
    @property
    def busy(self) -> float:
        """Seconds that a write waits for its turn."""
        ...

    @property
    def log(self) -> str:
        """The file that every commit of every process touches; empty: there is none."""
        ...

    @property
    def bell(self) -> str:
        """The file that Workhorse touches after a commit that concerns others."""
        ...

    @property
    def steering(self) -> Steering | None:
        """Of a clock that is not the host's."""
        ...

    def now(self) -> int:
        """Microseconds since the epoch."""
        ...

    def connect(self) -> sqlite3.Connection: ...
    def turnstile(self) -> Turnstile | None: ...


@dataclass(slots=True)
class FileHome:
    """One database file."""

    path: str
    policy: Policy
    synchronous: str = "full"
    busy: float = BUSY
    steering: Steering | None = None

    @property
    def name(self) -> str:
        return self.path

    @property
    def log(self) -> str:
        return self.path + "-wal"

    @property
    def bell(self) -> str:
        return self.path + MAIN

    def now(self) -> int:
        return time.time_ns() // 1000

    def turnstile(self) -> Turnstile | None:
        return Turnstile(self.path)

    def connect(self) -> sqlite3.Connection:
        """A connection that may write; EngineRefused, and the file untouched, where it cannot be used as it is."""
        try:
            self._refuse_unwritable()
            self._inspect()
            con = open_connection(self.path, self.busy)
            try:
                self._prepare(con)
            except BaseException:
                con.close()
                raise
            return con
        except sqlite3.Error as error:
            raise faults.translated(error, self.path) from error

    def reader(self) -> sqlite3.Connection:
        """A connection of its own for long reads, so that no claim waits for them."""
        con = open_connection(self.path, self.busy)
        con.execute("pragma query_only = 1")
        return con

    def _refuse_unwritable(self) -> None:
        folder = os.path.dirname(self.path) or "."
        if not os.path.isdir(folder):
            raise faults.unwritable(self.path, f"there is no folder {folder}")
        if os.path.isdir(self.path):
            raise faults.unwritable(self.path, "it is a folder")
        for place in (self.path, folder) if os.path.exists(self.path) else (folder,):
            if not os.access(place, os.W_OK):
                raise faults.unwritable(self.path, f"no right to write to {place}")
        if hasattr(os, "statvfs") and os.statvfs(folder).f_flag & os.ST_RDONLY:
            raise faults.unwritable(self.path, f"{folder} is mounted read-only")

    def _inspect(self) -> None:
        """Look before the first write, through a connection that cannot: switching to WAL and recovery would change the file."""
        if not os.path.exists(self.path) or os.path.getsize(self.path) == 0:
            return
        # only ever through SQLite: closing any descriptor of our own on this file would drop all locks that this process
        # holds on it (POSIX), and the next who closes would take itself for the last and delete the log under us
        con = open_read_only(self.path, self.busy)
        try:
            con.execute("pragma schema_version").fetchone()  # what is no database says so here
            schema.refuse_newer(con, self.path)
            if os.path.getsize(self.path) <= _CHECKED:
                (verdict,) = con.execute("pragma quick_check(1)").fetchone()
                if verdict != "ok":
                    raise faults.corrupt(self.path, verdict)
        finally:
            con.close()

    def _prepare(self, con: sqlite3.Connection) -> None:
        if con.execute("pragma journal_mode = wal").fetchone()[0] != "wal":
            raise faults.unwritable(self.path, "SQLite cannot keep its log (WAL) on this file system")
        con.execute(
            "pragma synchronous = normal"
        )  # checkpoints are synced; our own commits are by the desk, if they are to be
        con.execute("pragma wal_autocheckpoint = 4000")
        con.execute("pragma journal_size_limit = 67108864")
        schema.migrate(con, self.path)


class MemoryHome:
    """A database in this process's memory, gone with it."""

    synchronous = "off"
    busy = BUSY
    log = bell = ""

    def __init__(self, name: str, policy: Policy, clock: Clock | None = None) -> None:
        self.name = f"memory://{name}"
        self.policy = policy
        self.clock = clock or SystemClock()
        self.steering = None if isinstance(self.clock, SystemClock) else Steering(self.clock)

    def now(self) -> int:
        return micros(self.clock.time())

    def connect(self) -> sqlite3.Connection:
        con = open_connection(":memory:", self.busy)
        schema.migrate(con, self.name)
        return con

    def turnstile(self) -> Turnstile | None:
        return None


def open_connection(path: str, busy: float) -> sqlite3.Connection:
    """Autocommit, for any thread: the link uses one, and closing may be left to another."""
    return sqlite3.connect(path, timeout=busy, isolation_level=None, check_same_thread=False, cached_statements=256)


def open_read_only(path: str, busy: float) -> sqlite3.Connection:
    """A connection to a file that is there, and that it cannot change."""
    return sqlite3.connect(f"file:{_quoted(path)}?mode=ro", uri=True, isolation_level=None, timeout=busy)


def _quoted(path: str) -> str:
    return path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
