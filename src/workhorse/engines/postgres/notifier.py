"""Telling other processes: one NOTIFY for all that was committed within a few milliseconds, by a statement of its own.

A NOTIFY takes a lock of the whole server until its commit is on the disk. Inside each publish it would make all of them queue up there;
here there is at most one in five milliseconds a process, and its commit does not wait for the disk: who misses it looks by himself.
"""

import asyncio
import time
from collections.abc import Collection
from typing import Final

import msgspec

from workhorse.core.errors import WorkhorseError
from workhorse.core.ids import new_id
from workhorse.engines.postgres.link import Link

GAP: Final = 0.005
"""Seconds between two notifications of one process."""

LARGEST: Final = 7999
"""Bytes of a payload that PostgreSQL takes."""

_NOTIFY: Final = "select set_config('synchronous_commit', 'off', true), pg_notify($1::text, $2::text)"
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(tuple[str, list[str] | None, list[str] | None]).decode


class Told(msgspec.Struct, frozen=True):
    """What a notification says. None: too many to name."""

    sender: str
    queues: list[str] | None
    keys: list[str] | None


def payload(sender: str, queues: Collection[str], keys: Collection[str]) -> str:
    """The text of a notification, cut to what fits: without the keys, then without the queues."""
    named, facts = sorted(queues), sorted(keys)
    for document in ((sender, named, facts), (sender, named, None)):
        text = _encode(document)
        if len(text) <= LARGEST:
            return text.decode()
    return _encode((sender, None, None)).decode()


def told(text: str) -> Told:
    """What `payload` made; whatever else comes on our channel is taken for everything."""
    try:
        return Told(*_decode(text))
    except (msgspec.MsgspecError, UnicodeEncodeError):
        return Told("", None, None)


class Notifier:
    """Gathers what is to be told, and tells it."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self.sender = new_id()[-12:]
        self._queues: set[str] = set()
        self._keys: set[str] = set()
        self._task: asyncio.Task[None] | None = None
        self._last = float("-inf")

    def ride(self, queues: Collection[str]) -> str | None:
        """What to say along with a commit about to be made that concerns these; None while the gap since the last time is not over."""
        resting = self._task is None or self._task.done()
        if not (resting and self._link.place.notify and time.monotonic() - self._last >= GAP):
            return None
        self._last = time.monotonic()
        return payload(self.sender, queues, ())

    def add(self, queues: Collection[str], keys: Collection[str]) -> None:
        """Something that concerns these is committed: others learn of it at once, or when the gap since the last time is over."""
        if not (queues or keys) or not self._link.place.notify:
            return
        self._queues.update(queues)
        self._keys.update(keys)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._tell())

    async def close(self) -> None:
        """Tell what is left."""
        if self._task is not None:
            await asyncio.wait([self._task])

    async def _tell(self) -> None:
        while self._queues or self._keys:
            await asyncio.sleep(self._last + GAP - time.monotonic())
            self._last = time.monotonic()
            text = payload(self.sender, self._queues, self._keys)
            self._queues, self._keys = set(), set()
            try:
                await self._link.fetch(_NOTIFY, self._link.place.schema, text)
            except WorkhorseError:  # the others look by themselves now and then
                pass
