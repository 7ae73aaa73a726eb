"""A saga's journal, read: every act with what became of it. It grows by one record at a time, read or just written."""

from collections.abc import Iterator

import msgspec

from workhorse.core.sagas.records import (
    Again,
    AnyRecord,
    Begin,
    Done,
    Ended,
    Error,
    Failed,
    Noted,
    Own,
    Record,
    Resumed,
    Sent,
    Started,
    Taking,
    UndoFailed,
    Undoing,
    Undone,
    Woke,
)  # fmt: skip

UNDONE_KINDS = ("step", "action")
"""What can be taken back; a sleep, a wait and another job are not."""


class Act(msgspec.Struct, eq=False):
    """Something that the code asked for, by the number of its intent, and all that is known of it."""

    number: int
    started: Started
    failures: list[Failed] = []
    done: Done | None = None
    waiting: int = 0  # the record that asked for the pause before the next attempt
    state: msgspec.Raw | None = None  # what the action had on it when it last failed
    taking: bool = False  # its undo is under way
    undone: Undone | None = None
    undo_failures: list[UndoFailed] = []
    undo_waiting: int = 0
    stuck: UndoFailed | None = None  # its undo failed for good
    ended: float = 0

    @property
    def failed(self) -> Error | None:
        """Why it failed for good, if it did."""
        return self.failures[-1].error if self.failures and self.failures[-1].wait is None else None

    @property
    def attempts(self) -> int:
        """Those that ended, and the one that is under way."""
        return self.counted + (0 if self.failed or self.waiting else 1)

    @property
    def counted(self) -> int:
        """Failed attempts."""
        return sum(failure.counts for failure in self.failures)

    @property
    def unknown(self) -> bool:
        """Whether it may be running, or have run: nobody wrote down how it ended."""
        return self.done is None and self.failed is None and not self.waiting


class Journal:
    """What the records say, up to the last one."""

    def __init__(self) -> None:
        self.count = 0
        self.begin: Begin | None = None
        self.ended: Ended | None = None
        self.undoing: Undoing | None = None
        self.owner = ""
        self.acts: dict[str, Act] = {}
        self.notes: dict[str, Noted] = {}
        self.sent: set[int] = set()
        self.woken: set[int] = set()
        self.signals: set[str] = set()
        self._numbered: dict[int, Act] = {}

    def act(self, number: int) -> Act | None:
        """The act whose intent, or whose pause, has this number."""
        return self._numbered.get(number)

    def to_undo(self) -> Iterator[Act]:
        """What is to be taken back, newest first."""
        for act in reversed(self.acts.values()):
            if act.started.kind in UNDONE_KINDS and act.undone is None:
                yield act

    def add(self, record: AnyRecord) -> int:
        """One record more; its number."""
        self.count += 1
        match record:
            case Started():
                self.acts[record.path] = self._numbered[self.count] = Act(self.count, record, [], undo_failures=[])
            case Begin():
                self.begin = record
            case Own():
                self.owner = record.job
            case Noted():
                self.notes[record.path] = record
            case Sent():
                self.sent.update(record.of)
            case Woke():
                self.woken.add(record.of)
            case Undoing():
                self.undoing = record
            case Ended():
                self.ended = record
            case Resumed():
                self._free()
            case _:
                self._tell(self._numbered[record.of], record)
        return self.count

    def _tell(self, act: Act, record: Record) -> None:
        act.ended, act.taking = record.at, False
        match record:
            case Again():
                act.waiting = 0
            case Failed():
                act.failures.append(record)
                act.waiting = self._pause(act, record.wait)
                act.state = record.state
            case Done():
                act.done = record
                self.signals.add(record.signal)
            case Taking():
                act.taking, act.undo_waiting = True, 0
            case Undone():
                act.undone, act.undo_waiting, act.stuck = record, 0, None
            case UndoFailed():
                act.undo_failures.append(record)
                act.undo_waiting = self._pause(act, record.wait)
                act.stuck = record if record.wait is None else None
            case _:
                pass

    def _pause(self, act: Act, wait: float | None) -> int:
        if wait is None:
            return 0
        self._numbered[self.count] = act
        return self.count

    def _free(self) -> None:
        for act in self.acts.values():
            if act.stuck is not None:
                act.stuck, act.undo_failures = None, []
