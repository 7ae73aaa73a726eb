"""The journal's writer: what one turn of the loop adds goes in one line, each line once, by its number.

Each line is put ABSENT under the number of its first entry, so that of two turns that know the same past one is first; the
other, which may be a frozen worker's that wakes late, writes nothing more, and learns of it.
"""

import asyncio
from collections.abc import Sequence
from typing import Final, Protocol

from workhorse.core.contract import ABSENT, Put
from workhorse.core.errors import BrokerUnavailable, EngineRefused, WorkhorseError
from workhorse.core.sagas import records
from workhorse.core.sagas.journal import Journal
from workhorse.core.sagas.records import AnyRecord
from workhorse.durable.sagas import keys
from workhorse.durable.sagas.patience import PAUSE
from workhorse.durable.sagas.puts import Puts

LONGEST: Final = 1 << 20
"""Bytes after which a line ends: a longer value is not what engines are good at."""


class Overtaken(WorkhorseError):
    """Another turn was first: nothing more is to be done here."""


class Beside(Protocol):
    """What is put together with a turn's first line."""

    def put(self) -> Put | None:
        """It, until it is put."""
        ...

    def answered(self, version: int | None) -> None:
        """Its new version, or None where its condition did not hold."""
        ...


class Log:
    """Adds to a journal; what is added, the journal knows at once."""

    def __init__(self, id: str, journal: Journal, puts: Puts, beside: Beside) -> None:
        self._id, self.journal, self._puts, self._beside = id, journal, puts, beside
        self._pending: list[bytes] = []
        self._durable = journal.count
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []
        self._called = False
        self._writing: asyncio.Task[None] | None = None
        self._held = False
        self.lost = False

    def add(self, record: AnyRecord) -> int:
        """Write it soon; its number."""
        self._pending.append(records.text(record))
        if not self._held:
            self._call()
        return self.journal.add(record)

    async def written(self) -> None:
        """Until all that was added is durable. Overtaken when another turn was first."""
        if self.lost:
            raise Overtaken
        if self._durable < self.journal.count:
            future = asyncio.get_running_loop().create_future()
            self._waiting.append((self.journal.count, future))
            await future

    def hold(self) -> None:
        """Begin to write nothing more by itself: the rest may go with the settle."""
        self._held = True

    def go_on(self) -> None:
        """Write by itself again."""
        self._held = False
        if self._pending:
            self._call()

    async def rest(self) -> list[Put]:
        """What is left for the settle, once what is being written is."""
        self._held = True
        while self._writing is not None:
            await asyncio.shield(self._writing)
        while sum(map(len, self._pending)) > LONGEST and not self.lost:
            await self._write_one()
        if not self._pending or self.lost:
            return []
        return [Put(keys.line(self._id, self._durable + 1), records.line(self._pending), ABSENT)]

    def _call(self) -> None:
        # not before the running code waits: what it adds until then belongs to one line
        if not (self._called or self._writing):
            self._called = True
            asyncio.get_running_loop().call_soon(self._begin)

    def _begin(self) -> None:
        self._called = False
        if not self._held and self._writing is None:
            self._writing = asyncio.get_running_loop().create_task(self._write())

    async def _write(self) -> None:
        try:
            while self._pending and not self.lost and not self._held:
                await self._write_one()
        finally:
            self._writing = None

    async def _write_one(self) -> None:
        texts = self._cut()
        line = Put(keys.line(self._id, self._durable + 1), records.line(texts), ABSENT)
        if not await self._put(line):
            self.lost = True
        else:
            del self._pending[: len(texts)]
            self._durable += len(texts)
        self._wake()

    def _cut(self) -> Sequence[bytes]:
        size = 0
        for count, text in enumerate(self._pending, 1):
            if (size := size + len(text)) > LONGEST:
                return self._pending[: max(1, count - 1)]
        return self._pending[:]

    async def _put(self, line: Put) -> bool:
        """Whether it stands there, and is ours. Tried until there is an answer: what ran is not to be run again for a blip."""
        unanswered, beside = False, self._beside.put()
        puts = [line] if beside is None else [line, beside]
        while True:
            try:
                versions = await self._puts.put(puts)
                if unanswered:
                    versions = [version or await self._found(put) for put, version in zip(puts, versions, strict=True)]
            except (BrokerUnavailable, EngineRefused):
                unanswered = True
                await asyncio.sleep(PAUSE)
                continue
            if beside is not None:
                self._beside.answered(versions[1])
            return versions[0] is not None

    async def _found(self, put: Put) -> int | None:
        """Its version when an earlier try was done although nobody said so."""
        found = await self._puts.get(put.key)
        return found[1] if found is not None and found[0] == put.value else None

    def _wake(self) -> None:
        due = [pair for pair in self._waiting if self.lost or pair[0] <= self._durable]
        self._waiting = self._waiting[len(due) :]
        for _, future in due:
            if future.done():
                continue
            if self.lost:
                future.set_exception(Overtaken())
            else:
                future.set_result(None)
