"""The log of a spool: batches of jobs in the order in which they came, as facts of a local store.

A batch's key is the number of jobs that came before it. Whoever adds one reads that number first, and moves it in the same
transaction; one who was overtaken meanwhile takes the next, or, where the other's batch is gone already, stands where that one stood:
behind all that was there when it began. The store is one that puts a list in one transaction.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

import msgspec

from workhorse.core.contract import ABSENT, Envelope, Put, Store
from workhorse.core.errors import BrokerUnavailable
from workhorse.durable.spool.batch import Batch, in_parts, packed, unpacked

LIMIT: Final = 1_000_000
"""Jobs that may wait, unless the app says otherwise."""

LEAST, MOST, LIGHT, HEAVY = 16, 512, 1 << 20, 8 << 20
"""Facts of one page: more of them while a page is light, fewer when it is heavy; in bytes."""

PAGE: Final = 16


class Entry(msgspec.Struct, frozen=True):
    """A batch and where it stands."""

    key: str
    version: int
    batch: Batch


class Refused(msgspec.Struct, frozen=True):
    """A job that the far side did not take, and why; `at` is when it came to the spool."""

    job: Envelope
    why: str
    at: float


class Trouble(msgspec.Struct, frozen=True):
    """What was wrong when something was last to be sent on."""

    error: str
    at: float


_encode = msgspec.msgpack.Encoder().encode
_refused = msgspec.msgpack.Decoder(Refused).decode
_trouble = msgspec.msgpack.Decoder(Trouble).decode


class Log:
    """Of the app of this name; `where` is how errors name the place."""

    def __init__(self, store: Store, name: str, where: str, limit: int = LIMIT) -> None:
        self.store, self._where, self._limit = store, where, limit
        self._prefix = f"spool/{name.replace('/', '%')}/"
        self._waits, self._tail = f"{self._prefix}waits/", f"{self._prefix}tail"
        self._page = LEAST

    @property
    def lease_key(self) -> str:
        """Where the one stands who sends on."""
        return f"{self._prefix}forwarder"

    # ---- who enqueues

    async def empty(self) -> bool:
        """Whether nothing waits."""
        return not await self.store.scan(self._waits, "", 1)

    async def add(self, jobs: Sequence[Envelope]) -> None:
        """Behind all that waits; durable on return. BrokerUnavailable: it is full, or its disk is."""
        for part in in_parts(jobs):
            await self._add(part)

    async def _add(self, jobs: Sequence[Envelope]) -> None:
        value = packed(jobs, await self.store.now())
        while True:
            tail, first = await asyncio.gather(self.tail(), self.store.scan(self._waits, "", 1))
            waiting = tail[0] - self._number(first[0][0]) if first else 0
            if waiting + len(jobs) > self._limit:
                raise BrokerUnavailable(
                    f"{self._where}: the spool is full: {waiting:,} jobs wait and spool_limit is {self._limit:,}; "
                    "bring the engine back, or raise the limit"
                )
            mark = Put(self._tail, b"%d" % (tail[0] + len(jobs)), tail[1])
            _, here = await self.store.put([mark, Put(f"{self._waits}{tail[0]:016x}", value, ABSENT)])
            if here is not None:
                return

    # ---- who sends on

    async def tail(self) -> tuple[int, int]:
        """How many jobs ever came, and the version of that number: a new one with each batch."""
        found = (await self.store.get([self._tail]))[0]
        return (0, ABSENT) if found is None else (int(found[0]), found[1])

    async def added(self, version: int, timeout: float) -> None:
        """Return when a batch came after this version of the tail, or after `timeout`."""
        await self.store.wait({self._tail: version}, timeout)

    async def page(self) -> list[Entry]:
        """The first of what waits."""
        found = await self.store.scan(self._waits, "", self._page)
        size = sum(len(value) for _, value, _ in found)
        if size > HEAVY:
            self._page = max(1, self._page // 2)
        elif size < LIGHT:
            self._page = min(MOST, self._page * 2)
        return [self._entry(*each) for each in found]

    async def refuse(self, refused: Sequence[Refused]) -> None:
        """Put aside what the far side does not take; before it is removed."""
        await self.store.put([Put(f"{self._prefix}refused/{it.job.id}", _encode(it)) for it in refused])

    async def remove(self, entries: Sequence[Entry]) -> None:
        """These are at the far side."""
        await self.store.delete({entry.key: entry.version for entry in entries})

    async def tell(self, error: str) -> None:
        """For people: what is wrong; empty: nothing any more."""
        key = f"{self._prefix}trouble"
        if error:
            await self.store.put([Put(key, _encode(Trouble(error, await self.store.now())))])
        else:
            await self.store.delete({key: None})

    # ---- who asks

    async def find(self, id: str) -> tuple[str, int] | None:
        """Where the job waits: a key and its version. It reads all that waits."""
        after, word = "", id.encode()
        while found := await self.store.scan(self._waits, after, PAGE):
            for key, value, version in found:
                if word in value and any(job.id == id for job in unpacked(value, self._where).jobs):
                    return key, version
            after = found[-1][0]
        return None

    async def waiting(self) -> tuple[int, float | None]:
        """How many jobs wait, and since when the first of them."""
        (tail, _), first = await asyncio.gather(self.tail(), self.store.scan(self._waits, "", 1))
        if not first:
            return 0, None
        return tail - self._number(first[0][0]), self._entry(*first[0]).batch.at

    async def trouble(self) -> Trouble | None:
        """What is wrong, as it was told last."""
        found = (await self.store.get([f"{self._prefix}trouble"]))[0]
        return None if found is None else _trouble(found[0])

    async def entries(self, after: str = "") -> list[Entry]:
        """The next that wait, behind this key."""
        return [self._entry(*each) for each in await self.store.scan(self._waits, after, PAGE)]

    async def refused(self, after: str = "") -> list[tuple[str, Refused]]:
        """Those put aside, by the key, which is the next page's `after`."""
        found = await self.store.scan(f"{self._prefix}refused/", after, PAGE)
        return [(key, _refused(value)) for key, value, _ in found]

    async def drop_refused(self, keys: Sequence[str]) -> None:
        """Forget them."""
        await self.store.delete(dict.fromkeys(keys))

    def _entry(self, key: str, value: bytes, version: int) -> Entry:
        return Entry(key, version, unpacked(value, self._where))

    def _number(self, key: str) -> int:
        return int(key.removeprefix(self._waits), 16)
