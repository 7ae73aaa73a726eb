"""Named points at which a process dies, as by kill -9: put around the verbs of the SQLite engine and the steps of a worker from
outside, in a child process that a test starts.

A verb has five: `asked` (before its transaction), `statement` (before each of its statements), `done` (after the last of them),
`commit` (before the commit), `committed` (before anyone is answered). `CRASH_AT=settle.commit:2` in the environment means the second
time that one passes there; `CRASH_MARK` is a file that says who has died, and where: nobody dies after him.
"""

import os
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import wraps
from typing import Any, Final

from workhorse.engines.sqlite import claiming, facts, homes, orders, publishing, schema, settling
from workhorse.engines.sqlite.broker import Broker
from workhorse.engines.sqlite.inspector import Inspector
from workhorse.engines.sqlite.pruning import Pruner
from workhorse.engines.sqlite.store import Store
from workhorse.worker.link import SharedBudget
from workhorse.worker.runner import Runner

CODE: Final = 137
"""What a process ends with that died at its point; a shell says the same of one that was killed."""

_passed: Counter[str] = Counter()
_lock = threading.Lock()


def cross(point: str) -> None:
    """Pass this point. The one whose time it is does not come back."""
    name, _, nth = os.environ.get("CRASH_AT", "").partition(":")
    if point != name:
        return
    with _lock:
        _passed[point] += 1
        if _passed[point] == int(nth or 1):
            _die(point)


def _die(point: str) -> None:
    try:
        mark = os.open(os.environ["CRASH_MARK"], os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    except FileExistsError:
        return  # started again after a death: it lives
    os.write(mark, f"{point} {os.getpid()}".encode())
    os._exit(CODE)


def install() -> None:
    """From now on this process passes points."""
    homes.open_connection = _open_watched
    schema.migrate = _migrating(schema.migrate)
    for owner, name, label in _VERBS:
        setattr(owner, name, _asked(getattr(owner, name), label))
    for module, name, label in _WORK:
        setattr(module, name, _inside(getattr(module, name), label))
    Runner.run = _running(Runner.run)
    Pruner.wants = _wanting(Pruner.wants)
    Pruner.prune = _pruning(Pruner.prune)
    SharedBudget._locked = _locked(SharedBudget._locked)


def _of_settle(outcomes: Any) -> str:
    return "handback" if "Released" in {type(outcome).__name__ for outcome in outcomes} else "settle"


def _of_put(puts: Any) -> str:
    """Not a worker's sign of life, nor what a settle writes."""
    return "put" if any(put.key.startswith("progress/") for put in puts) else ""


def _always(label: str) -> Callable[..., str]:
    return lambda _: label


_VERBS: Final = (
    (Broker, "publish", _always("publish")),
    (Broker, "claim", _always("claim")),
    (Broker, "settle", _of_settle),
    (Broker, "extend", _always("extend")),
    (Store, "put", _of_put),
    (Inspector, "cancel", _always("cancel")),
    (Inspector, "retry", _always("retry")),
)
_WORK: Final = (
    (publishing, "publish", _always("publish")),
    (claiming, "claim", _always("claim")),
    (settling, "settle", _of_settle),
    (settling, "extend", _always("extend")),
    (facts, "put", _of_put),
    (orders, "cancel", _always("cancel")),
    (orders, "retry", _always("retry")),
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


def _running(run: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(run)
    async def running(*args: Any) -> Any:
        cross("handler.before")
        outcome = await run(*args)
        cross("handler.after")
        return outcome

    return running


def _wanting(wants: Callable[..., bool]) -> Callable[..., bool]:
    @wraps(wants)
    def wanting(self: Pruner, now: int) -> bool:
        wanted = wants(self, now)
        if wanted:
            cross("prune.asked")
        return wanted

    return wanting


def _pruning(prune: Callable[..., None]) -> Callable[..., None]:
    @wraps(prune)
    def pruning(self: Pruner, tx: Any) -> None:
        with tx.con.working("prune"):
            prune(self, tx)
        tx.con.carries("prune")

    return pruning


def _locked(locked: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(locked)
    @contextmanager
    def watched(self: SharedBudget) -> Generator[Any]:
        cross("tickets.asked")
        with locked(self) as left:
            yield left
            cross("tickets.taken")  # with the lock in its hand
        cross("tickets.handed")

    return watched
