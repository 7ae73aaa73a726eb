"""The desk: one thread that owns the connection, takes all the operations that wait, and commits them together."""

import asyncio
import sqlite3
from collections.abc import Callable, Generator
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from threading import Lock
from typing import Any, Final, Generic, TypeVar

from workhorse.engines.sqlite import faults
from workhorse.engines.sqlite.ears import Ears
from workhorse.engines.sqlite.homes import Home
from workhorse.engines.sqlite.manners import Manners
from workhorse.engines.sqlite.pruning import Pruner
from workhorse.engines.sqlite.syncs import Syncs
from workhorse.engines.sqlite.turnstile import Turnstile
from workhorse.engines.sqlite.tx import Tx

T = TypeVar("T")

READ: Final = 0
CLAIM: Final = 1
"""Is answered unsynced: a claim or an extension that a power cut forgets harms nothing."""
WRITE: Final = 2

_HEAVY: Final = 2000


class Op(Generic[T]):
    """One operation: what to do inside a transaction, and who waits for the answer."""

    __slots__ = ("_ticket", "future", "kind", "loop", "weight", "work")

    def __init__(self, kind: int, work: Callable[[Tx], T], weight: int = 1) -> None:
        self.kind, self.work, self.weight = kind, work, weight
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[T] = self.loop.create_future()
        self._ticket = [True]

    def take(self) -> bool:
        """True for the first who asks: it is either begun or given up. Given up while its commit is under way, a claim would be
        known to nobody, and a settle would look like a stale one when it is sent again."""
        try:
            return self._ticket.pop()  # one step for every thread
        except IndexError:
            return False


Some = Op[Any]
Answered = tuple[Some, Any, BaseException | None]


class Desk:
    """The thread's own state; `serve` runs until it takes None."""

    def __init__(
        self, home: Home, ears: Ears, con: sqlite3.Connection, turnstile: Turnstile | None, still: Lock
    ) -> None:
        self.ops: SimpleQueue[Some | None] = SimpleQueue()
        self.con, self.turnstile, self._still = con, turnstile, still
        self._home, self._ears = home, ears
        self._pruner = Pruner(home.now())
        self.syncs = Syncs(home.log, _synced) if home.synchronous == "full" else None
        self._manners = None if turnstile is None else Manners(turnstile)

    def serve(self) -> None:
        """Until it takes None; then what is committed is still synced and answered."""
        if self.syncs is not None:
            self.syncs.start()
        while self.turn():
            pass
        if self.syncs is not None:
            self.syncs.close()

    def turn(self) -> bool:
        """Wait for operations, do all that wait, answer; then prune a little. False: the end."""
        batch: list[Some] = []
        if not self._gather(batch):
            return False
        reads = [op for op in batch if op.kind == READ]
        writes = [op for op in batch if op.kind != READ]
        if reads:
            with self._still:
                answered = self._read(reads)
            _deliver(answered)
        if writes:
            with self._turn():
                written = self._answered(self._write(writes))
            if written and self.syncs is not None:
                self.syncs.add(written, alone=self.ops.empty() and sum(op.weight for op, _, _ in written) == 1)
        self._tidy()
        return True

    def _gather(self, batch: list[Some]) -> bool:
        """All that waits, up to what one transaction should carry; False: the end."""
        weight = 0
        try:
            while weight < _HEAVY:
                op = self.ops.get_nowait() if batch else self.ops.get()
                if op is None:
                    if batch:
                        self.ops.put(None)
                    return bool(batch)
                if not op.future.done():  # given up: a claim that nobody waits for would be held by nobody
                    batch.append(op)
                    weight += op.weight
        except Empty:
            pass
        return True

    def _read(self, ops: list[Some]) -> list[Answered]:
        answered: list[Answered] = []
        for op in ops:
            tx = Tx(self.con, self._home.now(), self._home.policy)
            answered.append(_attempt(op, tx, self._home.name))
        return answered

    def _write(self, ops: list[Some]) -> list[Answered]:
        """One transaction for all of them. One that fails is answered so, and the others are done again without it: that is
        rare, and savepoints around each would cost every transaction."""
        if self.syncs is not None and self.syncs.failed is not None:
            return [(op, None, self.syncs.failed) for op in ops]
        failed: list[Answered] = []
        attempt = _Attempt(ops)
        while True:
            try:
                return self._transact(attempt.work) + failed
            except BaseException as error:
                why = faults.translated(error, self._home.name) if isinstance(error, sqlite3.Error) else error
                if attempt.at is None:
                    return [(op, None, why) for op in attempt.ops] + failed
                failed.append((attempt.at, None, why))
                attempt = attempt.without_it()

    def _answered(self, answered: list[Answered]) -> list[Answered]:
        """Claims and errors are answered at once; the others, which are returned, when they are on the disk."""
        if self.syncs is None:
            _deliver(answered)
            return []
        written = [answer for answer in answered if answer[0].kind == WRITE and answer[2] is None]
        if len(written) < len(answered):
            _deliver([answer for answer in answered if answer[0].kind != WRITE or answer[2] is not None])
        return written

    @contextmanager
    def _turn(self) -> Generator[None]:
        """Ours to write, and time for the answers to get away; then a moment for the user's own connection."""
        if self._manners is None:
            yield
            return
        self._manners.enter()
        try:
            yield
            self._manners.rest(self.ops.empty())
        finally:
            self._manners.leave()

    def _transact(self, work: Callable[[Tx], T]) -> T:
        with self._still:
            return self._committed(work)

    def _committed(self, work: Callable[[Tx], T]) -> T:
        try:
            self.con.execute("begin immediate")
            if self._manners is not None:
                self._manners.look_round(self.con)
            tx = Tx(self.con, self._home.now(), self._home.policy)
            done = work(tx)
            self.con.execute("commit")
        except BaseException:
            self._undo()
            raise
        self._pruner.worn += tx.ended + len(tx.keys)
        if self._manners is not None:
            self._manners.wrote(bool(tx.queues or tx.keys))
        self._ears.tell(tx.queues, tx.keys)
        return done

    def _undo(self) -> None:
        try:
            if self.con.in_transaction:
                self.con.execute("rollback")
        except sqlite3.Error:  # the disk is gone; the log is not committed, which is as good
            pass

    def _tidy(self) -> None:
        """Prune a small batch when enough has ended, or a minute has passed; more while nobody waits."""
        while self._pruner.wants(now := self._home.now()):
            try:
                with self._turn():
                    self._transact(self._pruner.prune)
            except sqlite3.Error:  # it can wait; those whose work fails the same way are told
                self._pruner.rest(now)
            if not self.ops.empty():
                return


class _Attempt:
    """To do all of these in one transaction; `at` is the one under way, so that who failed is known."""

    def __init__(self, ops: list[Some], taken: bool = False) -> None:
        self.ops, self._taken = ops, taken
        self.at: Some | None = None

    def work(self, tx: Tx) -> list[Answered]:
        if not self._taken:  # the others were given up while the turn was waited for
            self.ops = [op for op in self.ops if not op.future.done() and op.take()]
        answered: list[Answered] = []
        for op in self.ops:
            self.at = op
            answered.append((op, op.work(tx), None))
        self.at = None
        return answered

    def without_it(self) -> "_Attempt":
        """The others, once more."""
        return _Attempt([op for op in self.ops if op is not self.at], taken=True)


def _attempt(op: Some, tx: Tx, name: str) -> Answered:
    try:
        return op, op.work(tx), None
    except sqlite3.Error as error:
        return op, None, faults.translated(error, name)
    except Exception as error:
        return op, None, error


def _synced(written: list[Answered], error: BaseException | None) -> None:
    _deliver(written if error is None else [(op, None, error) for op, _, _ in written])


def _deliver(answered: list[Answered]) -> None:
    """One call for each loop, however many answers it gets."""
    by_loop: dict[asyncio.AbstractEventLoop, list[Answered]] = {}
    for answer in answered:
        by_loop.setdefault(answer[0].loop, []).append(answer)
    for loop, answers in by_loop.items():
        try:
            loop.call_soon_threadsafe(_resolve, answers)
        except RuntimeError:  # the loop is closed: nobody waits any more
            pass


def _resolve(answers: list[Answered]) -> None:
    for op, value, error in answers:
        if op.future.done():
            continue
        if error is not None:
            op.future.set_exception(error)
        else:
            op.future.set_result(value)
