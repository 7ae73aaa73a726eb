"""Sends a recording's messages: what the engine has not got is published, a dead letter is put back, all else is left."""

from collections.abc import Callable, Sequence

import msgspec

from workhorse.cli.replay_lines import Bad, Recorded
from workhorse.cli.replay_source import Line
from workhorse.core.contract import Broker, Envelope, Filter, Inspector, Row

BATCH = 200
"""Lines between two looks at the engine, and between two marks."""

NAMED = 1000
"""Bad lines that the account names; all are counted."""


class Account(msgspec.Struct):
    """What became of the lines. `before`: those of earlier runs."""

    before: int = 0
    enqueued: int = 0
    put_back: int = 0
    there: int = 0
    bad: int = 0
    lines: list[tuple[int, str]] = []


class Replaying:
    """`read` makes a message of a line, or raises Bad; `told` hears of each bad one."""

    def __init__(
        self,
        broker: Broker,
        inspector: Inspector | None,
        read: Callable[[bytes, int], Recorded],
        told: Callable[[int, str], None],
        dry: bool,
    ) -> None:
        self._broker, self._inspector, self._read, self._told, self._dry = broker, inspector, read, told, dry
        self._seen: set[str] = set()  # of a dry run, in which nothing is there afterwards
        self.account = Account()

    async def send(self, lines: Sequence[Line]) -> None:
        """All of these; durable on return."""
        messages: dict[str, tuple[int, Recorded]] = {}
        for line in lines:
            if (message := self._message(line)) is not None:
                if message.id in messages or message.id in self._seen:
                    self.account.there += 1
                else:
                    messages[message.id] = line.number, message
        rows = await self._rows(list(messages))
        fresh = [(number, message) for number, message in messages.values() if message.id not in rows]
        dead = [id for id, (_, message) in messages.items() if id in rows and _is_this_death(rows[id], message)]
        self.account.there += len(messages) - len(fresh) - len(dead)
        await self._publish(fresh)
        await self._put_back(dead)
        if self._dry:
            self._seen.update(messages)

    def _message(self, line: Line) -> Recorded | None:
        if line.text == b"":
            return None
        try:
            if line.text is None:
                raise Bad("expected a message, got a line that is longer than any")
            return self._read(line.text, line.number)
        except Bad as error:
            self._bad(line.number, str(error))
            return None

    async def _rows(self, ids: list[str]) -> dict[str, Row]:
        if self._inspector is None or not ids:
            return {}
        return {row.job.id: row for row in await self._inspector.list(Filter(ids=ids), len(ids))}

    async def _publish(self, fresh: Sequence[tuple[int, Recorded]]) -> None:
        numbers, envelopes = list[int](), list[Envelope]()
        for number, message in fresh:
            if message.envelope is None:
                self._bad(number, message.why)
            else:
                numbers.append(number)
                envelopes.append(message.envelope)
        if self._dry or not envelopes:
            self.account.enqueued += len(envelopes)
            return
        for number, answer in zip(numbers, await self._broker.publish(envelopes), strict=True):
            if answer.kind == "refused":
                self._bad(number, answer.reason)
            elif answer.kind == "duplicate":
                self.account.there += 1  # another job has its unique key
            else:
                self.account.enqueued += 1

    async def _put_back(self, ids: list[str]) -> None:
        if self._dry or not ids:
            self.account.put_back += len(ids)
            return
        assert self._inspector is not None, "it listed them"
        self.account.put_back += await self._inspector.retry(Filter(ids=ids, status="dead"))

    def _bad(self, number: int, why: str) -> None:
        self.account.bad += 1
        if self.account.bad <= NAMED:
            self.account.lines.append((number, why))
        self._told(number, why)


def _is_this_death(row: Row, message: Recorded) -> bool:
    """Not a later one: who replays a recording twice does not put back twice what died again."""
    return row.status == "dead" and message.died == row.job.attempt
