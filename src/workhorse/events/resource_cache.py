"""Bodies of resources that were fetched a short while ago."""

import time
from collections import OrderedDict
from collections.abc import Hashable
from typing import Final

MOST: Final = 1000
"""Bodies that are kept: who used theirs least recently goes first."""


class Cache:
    """Each for `ttl` seconds (0: not at all)."""

    def __init__(self, ttl: float) -> None:
        self._ttl = ttl
        self._kept: OrderedDict[Hashable, tuple[float, bytes]] = OrderedDict()

    def get(self, key: Hashable) -> bytes | None:
        """What is kept under it, if it is not too old."""
        found = self._kept.get(key)
        if found is None:
            return None
        if found[0] <= time.monotonic():
            del self._kept[key]
            return None
        self._kept.move_to_end(key)
        return found[1]

    def put(self, key: Hashable, body: bytes) -> None:
        """Keep it from now on."""
        if self._ttl:
            self._kept[key] = time.monotonic() + self._ttl, body
            self._kept.move_to_end(key)
            while len(self._kept) > MOST:
                self._kept.popitem(last=False)
