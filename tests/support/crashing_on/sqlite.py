"""Points of the SQLite engine.

A verb has five: `asked` (before its transaction), `statement` (before each of its statements), `done` (after the last of them),
`commit` (before the commit), `committed` (before anyone is answered).
"""

import sqlite3
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import wraps
from typing import Any, Final

from crashing import always, cross, of_delete, of_put, of_settle, still
from workhorse.engines.sqlite import claiming, facts, homes, orders, pruning, publishing, schema, settling
from workhorse.engines.sqlite.broker import Broker
from workhorse.engines.sqlite.inspector import Inspector
from workhorse.engines.sqlite.pruning import Pruner
from workhorse.engines.sqlite.store import Store
from workhorse.engines.sqlite.turnstile import Turnstile

__all__ = ["install", "pruning"]


def install() -> None:
    """From now on this process passes points."""
    homes.open_connection = _open_watched
    schema.migrate = _migrating(schema.migrate)
    for owner, name, label in _VERBS:
        setattr(owner, name, _asked(getattr(owner, name), label))
    for module, name, label in _WORK:
        setattr(module, name, _inside(getattr(module, name), label))
    Pruner.wants = _wanting(Pruner.wants)
    Pruner.prune = _prunes(Pruner.prune)
    Turnstile.enter, Turnstile.leave = _entering(Turnstile.enter), _leaving(Turnstile.leave)


_VERBS: Final = (
    (Broker, "publish", always("publish")),
    (Broker, "claim", always("claim")),
    (Broker, "settle", of_settle),
    (Broker, "extend", always("extend")),
    (Store, "put", of_put),
    (Store, "delete", of_delete),
    (Inspector, "cancel", always("cancel")),
    (Inspector, "retry", always("retry")),
)
_WORK: Final = (
    (publishing, "publish", always("publish")),
    (claiming, "claim", always("claim")),
    (settling, "settle", of_settle),
    (settling, "extend", always("extend")),
    (facts, "put", of_put),
    (facts, "delete", of_delete),
    (orders, "cancel", always("cancel")),
    (orders, "retry", always("retry")),
)


class _Watched(sqlite3.Connection):
    """Knows whose work its transaction carries."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.during = ""
        self.carried: list[str] = []

    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        if self.during:
            cross(f"{self.during}.statement")
        if sql == "commit":
            for verb in self.carried:
                cross(f"{verb}.commit")
        cursor = super().execute(sql, *values)
        if sql == "commit":
            for verb in self.carried:
                cross(f"{verb}.committed")
        if sql in ("commit", "rollback"):
            self.carried.clear()
        return cursor

    def executemany(self, sql: str, values: Any) -> sqlite3.Cursor:
        if self.during:
            cross(f"{self.during}.statement")
        return super().executemany(sql, values)

    @contextmanager
    def working(self, verb: str) -> Generator[None]:
        """These statements are this verb's."""
        self.during = verb
        try:
            yield
        finally:
            self.during = ""

    def carries(self, verb: str) -> None:
        """The verb's work is done, and waits for the commit."""
        cross(f"{verb}.done")
        self.carried.append(verb)


def _open_watched(path: str, busy: float) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=busy, isolation_level=None, check_same_thread=False, factory=_Watched)


def _asked(verb: Callable[..., Any], label: Callable[..., str]) -> Callable[..., Any]:
    @wraps(verb)
    async def asked(self: Any, first: Any, *rest: Any) -> Any:
        cross(f"{label(first)}.asked")
        return await verb(self, first, *rest)

    return asked


def _inside(work: Callable[..., Any], label: Callable[..., str]) -> Callable[..., Any]:
    @wraps(work)
    def inside(tx: Any, first: Any, *rest: Any) -> Any:
        if tx.con.during:  # what a settle writes is the settle's
            return work(tx, first, *rest)
        name = label(first)
        with tx.con.working(name):
            found = work(tx, first, *rest)
        if name and (found or name != "claim"):  # a claim that finds nothing holds nothing
            tx.con.carries(name)
        return found

    return inside


def _migrating(migrate: Callable[..., None]) -> Callable[..., None]:
    @wraps(migrate)
    def migrating(con: Any, name: str) -> None:
        cross("migrate.asked")
        con.carried.append("migrate")
        with con.working("migrate"):
            migrate(con, name)
        con.carried.clear()

    return migrating


def _wanting(wants: Callable[..., bool]) -> Callable[..., bool]:
    @wraps(wants)
    def wanting(self: Pruner, now: int) -> bool:
        wanted = wants(self, now)
        if wanted:
            cross("prune.asked")
        return wanted

    return wanting


def _prunes(prune: Callable[..., None]) -> Callable[..., None]:
    @wraps(prune)
    def prunes(self: Pruner, tx: Any) -> None:
        with tx.con.working("prune"):
            prune(self, tx)
        tx.con.carries("prune")

    return prunes


def _entering(enter: Callable[[Turnstile], None]) -> Callable[[Turnstile], None]:
    """Nobody freezes this process while others wait for it to leave: they would for ever, as with a program stopped in a debugger."""

    @wraps(enter)
    def entering(self: Turnstile) -> None:
        still.acquire()
        enter(self)

    return entering


def _leaving(leave: Callable[[Turnstile], None]) -> Callable[[Turnstile], None]:
    @wraps(leave)
    def leaving(self: Turnstile) -> None:
        leave(self)
        if still.locked():
            still.release()

    return leaving
