"""What a job carries that belongs to a saga: which saga it is about and what it is to do there, or whom its end wakes."""

from typing import Literal, TypeAlias

import msgspec

Kind: TypeAlias = Literal[
    "wake",  # a turn: something that the saga waits for has come
    "resume",  # a turn: go on although it stopped
    "skip",  # a turn: go on without this step's undo
    "prune",  # a turn: forget the saga
    "signal",  # put a signal, and wake the saga
    "cancel",  # put the order to cancel, and wake the saga
]


class Errand(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What a job does for a saga; a saga's first job carries none.

    `born` tells this saga from an earlier one of the same id; `number` is the journal's entry that it is about (0: none);
    `value` is a signal's, as the codec's document of a result.
    """

    kind: Kind
    saga: str
    born: str = ""
    number: int = 0
    name: str = ""
    value: msgspec.Raw = msgspec.Raw(b"null")


class Parent(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """The saga that a job's end wakes, and the journal's entry that asked for the job; with where its turns are enqueued."""

    saga: str
    born: str
    number: int
    task: str
    queue: str
    priority: int
    headers: dict[str, str] = {}
