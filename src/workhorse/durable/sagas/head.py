"""The head of a saga: one fact that says where it stands, rewritten with the settle of each turn."""

from typing import Literal, TypeAlias

import msgspec

from workhorse.core.contract import Put
from workhorse.core.sagas.records import Error
from workhorse.durable.sagas import keys

Standing: TypeAlias = Literal[
    "running", "waiting", "compensating", "succeeded", "compensated", "compensation_failed", "mismatched"
]

ENDED = ("succeeded", "compensated")
STUCK = ("compensation_failed", "mismatched")
"""It goes on when someone says so."""


class Head(msgspec.Struct, frozen=True, omit_defaults=True):
    """`error`: why it failed; `why`: why it is stuck; `wakes`: when it goes on by itself at the latest (0: it waits for others),
    seconds since the epoch. `queue`, `priority`, `headers`: where its turns are enqueued."""

    status: Standing
    task: str
    queue: str
    priority: int
    version: int
    born: str
    started: float
    ended: float = 0
    cancelled: bool = False
    error: Error | None = None
    why: str = ""
    wakes: float = 0
    turn: str = ""
    headers: dict[str, str] = {}

    @property
    def over(self) -> bool:
        """Whether nothing follows."""
        return self.status in ENDED

    @property
    def stuck(self) -> bool:
        """Whether it waits for someone to say what to do."""
        return self.status in STUCK


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Head).decode


def put(id: str, head: Head, expect: int) -> Put:
    """Over the one of this version alone: a turn that was overtaken rewrites nothing."""
    return Put(keys.head(id), _encode(head), expect)


def load(text: bytes) -> Head | None:
    """None for bytes that are no head: the journal counts, and writes it anew."""
    try:
        return _decode(text)
    except (ValueError, RecursionError):
        return None
