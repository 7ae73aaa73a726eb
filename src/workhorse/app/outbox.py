"""Collects what is enqueued and published in a block, and sends it when the block ends well: all of it, or nothing."""

from collections.abc import Awaitable, Callable, Sequence
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Final, Literal, Self

import msgspec

from workhorse.app.connections import Connection
from workhorse.core.contract import Envelope
from workhorse.core.errors import BrokerUnavailable, EnqueueRefused, WorkhorseError

COUNT: Final = 1000
"""Items that one publish carries."""

BYTES: Final = 8 * 1024 * 1024
"""Bytes of payload that one publish carries."""


class Item(msgspec.Struct, frozen=True):
    """What became of one item: `what` is the task, or the media type; `kind` is `collected` until the block has ended, `checked` after a
    dry run; `of` is the id of the job that stands in its place, `reason` why it was refused."""

    id: str
    what: str
    size: int
    kind: Literal["collected", "checked", "accepted", "replaced", "duplicate", "refused", "unknown"] = "collected"
    of: str = ""
    reason: str = ""


class Outbox:
    """`async with app.outbox() as box:`; within the block's own tasks only. `box.items` says what became of each."""

    def __init__(self, owner: object, soon: Callable[[], Awaitable[Connection]], dry_run: bool) -> None:
        self._owner, self._soon, self._dry_run = owner, soon, dry_run
        self._envelopes: list[Envelope] = []
        self._items: list[Item] = []
        self._closed = False
        self._sent = 0
        self._token: Token[tuple[Outbox, ...]] | None = None

    @classmethod
    def current(cls, owner: object) -> "Outbox | None":
        """The innermost open one of this app; most calls are in none."""
        return next((box for box in reversed(_open.get()) if box._owner is owner), None)

    @property
    def items(self) -> Sequence[Item]:
        """In the order in which they were collected."""
        return tuple(self._items)

    def put(self, envelope: Envelope) -> None:
        """Keep it for later. WorkhorseError once the block has ended: a task that it started goes on."""
        if self._closed:
            raise WorkhorseError("this outbox is closed: its block has ended; await what the block starts inside it")
        self._envelopes.append(envelope)
        self._items.append(Item(envelope.id, envelope.task, len(envelope.payload)))

    async def __aenter__(self) -> Self:
        self._token = _open.set((*_open.get(), self))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._token is not None
        _open.reset(self._token)
        self._closed = True
        if error is not None:
            return
        if (around := Outbox.current(self._owner)) is not None and not self._dry_run:
            for envelope in self._envelopes:
                around.put(envelope)
        else:
            await self.send()

    async def send(self) -> None:
        """What the end of the block does; again after BrokerUnavailable, for what is not known to be there: under the same ids.

        EnqueueRefused names what the engine refused; the others of its batch were accepted."""
        if not self._envelopes:
            return
        connection = await self._soon()
        self._refuse_large(connection.sender.max_size)
        if self._dry_run:
            self._items = [msgspec.structs.replace(it, kind="checked") for it in self._items]
            return
        for batch in batches(self._envelopes[self._sent :], COUNT, BYTES):
            await self._send(connection, batch)
        if refused := [(it.id, it.reason) for it in self._items if it.kind == "refused"]:
            raise EnqueueRefused(refused)

    async def _send(self, connection: Connection, batch: list[Envelope]) -> None:
        try:
            answers = await connection.sender.send_many(batch)
        except BrokerUnavailable as error:
            begin = self._sent
            self._items[begin:] = [msgspec.structs.replace(it, kind="unknown") for it in self._items[begin:]]
            text = f"{error}; {begin} of {len(self._items)} items were sent; `await box.send()` goes on, under the same ids"
            raise BrokerUnavailable(text, self._envelopes[begin:]) from error
        for number, answer in enumerate(answers, self._sent):
            self._items[number] = msgspec.structs.replace(
                self._items[number], kind=answer.kind, of=answer.of, reason=answer.reason
            )
        self._sent += len(batch)

    def _refuse_large(self, most: int) -> None:
        refused = [
            (it.id, f"{it.what}: it takes {it.size:,} bytes, and the engine takes {most:,}")
            for it in self._items
            if it.size > most
        ]
        if refused:
            raise EnqueueRefused(refused)


def batches(envelopes: Sequence[Envelope], count: int, most: int) -> list[list[Envelope]]:
    """In order, each of at most `count` items and `most` bytes of payload; a larger item goes alone."""
    found: list[list[Envelope]] = []
    size = 0
    for envelope in envelopes:
        size += len(envelope.payload)
        if not found or len(found[-1]) >= count or size > most:
            found.append([])
            size = len(envelope.payload)
        found[-1].append(envelope)
    return found


_open: "ContextVar[tuple[Outbox, ...]]" = ContextVar("workhorse-outbox", default=())
