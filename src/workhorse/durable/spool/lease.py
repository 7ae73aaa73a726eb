"""Who sends on: one at a time, for as long as a lease lasts, so that two do not do the same work. One that died, or stood still, is
followed by another; what it may still send then is known at the far side already, by its ids."""

import time
import uuid

from workhorse.core.contract import ABSENT, Put, Store

LENGTH = 5.0
"""Seconds."""


class Lease:
    """On this key of a store."""

    def __init__(self, store: Store, key: str, length: float | None = None) -> None:
        self._store, self._key, self._length = store, key, LENGTH if length is None else length
        self._who = uuid.uuid4().hex
        self._version = ABSENT
        self._taken = 0.0  # by the monotonic clock, before the store was asked: never later than by the store's own

    async def hold(self) -> bool:
        """Take it, or keep it: for at least two thirds of its length from now on. False: somebody else has it."""
        began = time.monotonic()
        if self._version != ABSENT and began - self._taken < self._length / 3:
            return True
        version = await self._put(self._version)
        if version is None:  # perhaps it ran out, and nobody has it
            version = await self._put(await self._free())
        self._version, self._taken = version or ABSENT, began
        return version is not None

    async def freed(self, timeout: float) -> None:
        """Return when somebody else's may have ended."""
        found = (await self._store.get([self._key]))[0]
        if found is not None:
            await self._store.wait({self._key: found[1]}, timeout)

    async def release(self) -> None:
        """Let others have it at once."""
        version, self._version = self._version, ABSENT
        if version != ABSENT:
            await self._store.delete({self._key: version})

    async def _put(self, expect: int) -> int | None:
        value = f"{await self._store.now()} {self._who}".encode()
        return (await self._store.put([Put(self._key, value, expect, self._length)]))[0]

    async def _free(self) -> int:
        """The version to take it over from. A dead one's, taken before the clock was set back, would last until then."""
        (found,) = await self._store.get([self._key])
        if found is None:
            return ABSENT
        taken = float(found[0].partition(b" ")[0])
        return found[1] if taken > await self._store.now() + self._length else ABSENT
