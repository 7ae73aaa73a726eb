"""Where a saga stands, as its turn sees it: its head is put with the turn's first line, and again with its settle."""

from typing import Any

import msgspec

from workhorse.core.contract import Put
from workhorse.durable.sagas import head
from workhorse.durable.sagas.head import Head


class Standing:
    """`kept` is the head that was read, of this version: one that another turn has written since is not written over."""

    def __init__(self, id: str, its: Head, kept: Head | None, version: int) -> None:
        self._id, self.head, self._version, self._first = id, its, version, True
        self._kept = kept

    def put(self) -> Put | None:
        """With the first line: that it runs, for people."""
        if not self._first:
            return None
        self._first = False
        return head.put(self._id, self.head, self._version)

    def answered(self, version: int | None) -> None:
        """Where it was not put, the settle's put is not done either, and whoever was first counts."""
        if version is not None:
            self._version, self._kept = version, self.head

    def last(self, **changes: Any) -> list[Put]:
        """With the settle, if it says anything new."""
        its = msgspec.structs.replace(self.head, **changes)
        if its == self._kept:
            return []
        return [head.put(self._id, its, self._version)]
