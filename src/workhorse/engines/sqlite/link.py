"""The link: one connection to the data for any number of callers and loops; its work is done at the desk, in a thread of its own."""

import os
import sqlite3
import threading
import weakref
from collections.abc import Callable
from typing import Any, Final, TypeVar

from workhorse.core.errors import BrokerUnavailable, EngineRefused
from workhorse.engines.sqlite import faults, forks
from workhorse.engines.sqlite.desk import CLAIM, READ, WRITE, Desk, Op
from workhorse.engines.sqlite.ears import Ears
from workhorse.engines.sqlite.homes import Home
from workhorse.engines.sqlite.tx import Tx

T = TypeVar("T")

_GRACE: Final = 2.0
"""Seconds beyond the home's own patience after which an answer is given up: the turn itself has no time limit."""


class Link:
    """Open from `open` to `close`; both may be called twice. Its verbs may be called from any event loop."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.ears = Ears()
        self.seen = -1  # SQLite's data_version at the last look
        self._desk: Desk | None = None
        self._thread: threading.Thread | None = None
        self._process = os.getpid()
        self._lock = threading.Lock()

    def open(self) -> None:
        """Connect, check, migrate. Blocking: call it in a thread. EngineRefused or BrokerUnavailable says why not."""
        with self._lock:
            if self._desk is not None:
                return
            with forks.changing():
                con = self.home.connect()
                still = forks.keep(con)
                self._process = os.getpid()
                self._desk = Desk(self.home, self.ears, con, self._turnstile(con), still)
            self._thread = threading.Thread(target=self._desk.serve, name=f"workhorse {self.home.name}", daemon=True)
            self._thread.start()
            _open.add(self)

    def close(self) -> None:
        """Finish what waits, then close. Blocking, as `open`."""
        with self._lock:
            desk, thread, self._desk, self._thread = self._desk, self._thread, None, None
        _open.discard(self)
        if desk is None or thread is None or self._process != os.getpid():
            return
        desk.ops.put(None)
        thread.join(self.home.busy + _GRACE)
        if not thread.is_alive():
            with forks.changing():
                forks.close(desk.con)
            if desk.turnstile is not None:
                desk.turnstile.close()

    async def read(self, work: Callable[[Tx], T]) -> T:
        """Short reads only: all others wait behind it."""
        return await self._ask(Op(READ, work))

    async def write(self, work: Callable[[Tx], T], weight: int = 1) -> T:
        """Durable on return."""
        return await self._ask(Op(WRITE, work, weight))

    async def hold(self, work: Callable[[Tx], T], weight: int = 1) -> T:
        """A claim or an extension: on return it holds for every process, but a power cut may forget it."""
        return await self._ask(Op(CLAIM, work, weight))

    def refuse_unusable(self) -> "Desk":
        """BrokerUnavailable: it is closed. EngineRefused: it is the parent process's."""
        if self._desk is None:
            raise BrokerUnavailable(f"{self.home.name}: expected an open engine, got a closed one; open it first.")
        if self._process != os.getpid():
            raise EngineRefused(
                f"{self.home.name}: opened by process {self._process}, used in its forked child {os.getpid()}. "
                "A connection does not survive a fork: open an engine of its own in the child."
            )
        return self._desk

    async def _ask(self, op: Op[T]) -> T:
        self.refuse_unusable().ops.put(op)
        patience = op.loop.call_later(self.home.busy + _GRACE, _give_up, op, self.home.name)
        try:
            return await op.future
        finally:
            patience.cancel()

    def _turnstile(self, con: sqlite3.Connection) -> Any:
        try:
            return self.home.turnstile()
        except OSError as error:
            forks.close(con)
            raise faults.unwritable(self.home.name, str(error)) from error

    def disown(self) -> None:
        """In a forked child: the turn is the parent's, and so was the connection, which is closed by now."""
        if self._desk is not None and self._desk.turnstile is not None:
            self._desk.turnstile.close()
        if self._desk is not None and self._desk.syncs is not None:
            self._desk.syncs.disown()


def _give_up(op: Op[Any], name: str) -> None:
    if not op.future.done() and op.take():
        op.future.set_exception(faults.locked(name))


_open: "weakref.WeakSet[Link]" = weakref.WeakSet()


def _disown_all() -> None:
    for link in list(_open):
        link.disown()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_disown_all)
