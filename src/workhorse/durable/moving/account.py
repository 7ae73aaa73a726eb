"""What a move did: how many jobs went by their state, how many were seen to arrive, and which stayed, with the reason."""

from collections.abc import Iterable
from typing import Final

import msgspec

NAMED: Final = 20
"""Jobs of one reason that are named; of the others only the number is kept."""


class Stayed(msgspec.Struct):
    """Those that did not go, for one reason."""

    count: int = 0
    ids: list[str] = []


class Account(msgspec.Struct):
    """The sum of a move.

    `verified`: arrived, and found there with the same payload, attempt and due. `unseen`: accepted, but already gone there when
    looked for, or the target cannot be looked into. `doubled`: a worker of the source had them when they were given up there,
    and one of the target has them too.
    """

    moved: dict[str, int] = {}
    verified: int = 0
    unseen: int = 0
    stayed: dict[str, Stayed] = {}
    doubled: list[str] = []
    paused: list[str] = []
    remains: dict[str, dict[str, int]] | None = None

    @property
    def count(self) -> int:
        """All that went."""
        return sum(self.moved.values())

    @property
    def whole(self) -> bool:
        """Whether nothing stayed, and nothing is at both places."""
        return not self.stayed and not self.doubled

    def went(self, status: str) -> None:
        """One job of this state is moved."""
        self.moved[status] = self.moved.get(status, 0) + 1

    def keep(self, why: str, ids: Iterable[str]) -> None:
        """These stay where they are."""
        for id in ids:
            stayed = self.stayed.setdefault(why, Stayed())
            stayed.count += 1
            if len(stayed.ids) < NAMED:
                stayed.ids.append(id)
