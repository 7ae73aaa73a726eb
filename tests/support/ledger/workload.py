"""What is asked for in a run, all chosen before by a seed: ids, tasks, arguments, lanes, keys, delays, and who will be cancelled."""

import random
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from account import ALWAYS, Wish

CANCEL_AFTER = 20
"""So many pieces later."""

LAST = "last"
"""The kind of those that ask for a unique key when all is over."""

RATE, ANY = "5/s", 1_000_000
"""Of the lanes that have a rate, and no width."""

MIX = {
    "plain": 26, "thread": 8, "flaky": 7, "hopeless": 4, "ordered": 10, "wide": 6, "delayed": 5, "rated": 5, "unique": 5, "cancelled": 4,
    "outlasting": 6, "process": 1, "followed": 6, "batched": 6, "group": 1,
}  # fmt: skip
"""Of a hundred jobs."""


class Piece(msgspec.Struct, frozen=True, omit_defaults=True):
    """One job to be asked for."""

    id: str
    task: str
    wish: Wish
    args: tuple[Any, ...] = ()
    cancel: bool = False
    members: tuple["Piece", ...] = ()
    """Jobs whose ends it collects: it is asked for with them."""

    def all(self) -> tuple["Piece", ...]:
        """What is asked for at once: it and its members."""
        return (self, *self.members)


def plan(seed: int, jobs: int, prefix: str, mix: Mapping[str, float] = MIX) -> list[Piece]:
    """So many, in the order in which they are asked for; one of them is poison. Then each unique key once more, for when all is
    over."""
    chance, lanes = random.Random(seed), max(5, jobs // 400)
    kinds = chance.choices(list(mix), list(mix.values()), k=jobs)
    pieces = [_piece(chance, kind, prefix, number, lanes) for number, kind in enumerate(kinds)]
    pieces[jobs // 3] = Piece(f"{prefix}-poison", "poison", Wish(kind="poison", poison=True))
    return [*pieces, *_once_more(prefix, pieces)]


def before_the_end(pieces: Sequence[Piece]) -> int:
    """How many are asked for while there are faults; the rest are for when nothing is left to do."""
    return sum(piece.wish.kind != LAST for piece in pieces)


def plain(jobs: int, seconds: float) -> list[Piece]:
    """So many that only take so long."""
    return [
        Piece(_id(random.Random(number), "plain", "", number), "work", Wish(), (seconds,)) for number in range(jobs)
    ]


def save(path: Path, pieces: Sequence[Piece]) -> None:
    """For the producers."""
    path.write_bytes(msgspec.json.encode(pieces))


def load(path: Path) -> list[Piece]:
    """What was saved."""
    return msgspec.json.decode(path.read_bytes(), type=list[Piece])


def to_cancel(pieces: Sequence[Piece], before: int, upto: int) -> Iterator[str]:
    """Whom to cancel once the pieces from `before` to `upto` are asked for."""
    for piece in pieces[max(0, before - CANCEL_AFTER) : max(0, upto - CANCEL_AFTER)]:
        yield from (each.id for each in piece.all() if each.cancel)


def _once_more(prefix: str, pieces: Sequence[Piece]) -> list[Piece]:
    """Who takes a key that nobody holds any more is accepted."""
    keys = sorted({piece.wish.unique for piece in pieces} - {""})
    return [
        Piece(f"{prefix}-{LAST}-{n}", "work", Wish(kind=LAST, unique=key), (0.001, 0, key))
        for n, key in enumerate(keys)
    ]


def _piece(chance: random.Random, kind: str, prefix: str, number: int, lanes: int) -> Piece:
    id, short = _id(chance, kind, prefix, number), chance.uniform(0.001, 0.02)
    lane = f"{prefix}-{kind}-{chance.randrange(lanes)}"
    match kind:
        case "thread":
            return Piece(id, "block", Wish(kind=kind), (short,))
        case "process":
            return Piece(id, "crunch", Wish(kind=kind), (id, 20_000))
        case "flaky":
            return Piece(id, "work", Wish(kind=kind, fails=1), (short, 1))
        case "hopeless":
            return Piece(id, "hopeless", Wish(kind=kind, fails=ALWAYS, retries=2))
        case "ordered":
            fails = int(chance.random() < 0.1)
            wish = Wish(kind=kind, lane=lane, ordered=True, fails=fails)
            return Piece(id, "work", wish, (short, fails, lane))
        case "wide":
            return Piece(id, "work", Wish(kind=kind, lane=lane, width=2), (short, 0, lane))
        case "rated":
            return Piece(id, "work", Wish(kind=kind, lane=lane, width=ANY, rate=RATE), (short, 0, lane))
        case "delayed":
            return Piece(id, "work", Wish(kind=kind, delay=chance.uniform(0.2, 3)), (short,))
        case "unique":
            return Piece(id, "work", Wish(kind=kind, unique=lane), (short, 0, lane))
        case "cancelled":
            return _unwanted(chance, id, short, followed=False)
        case "outlasting":
            return Piece(id, "outlast", Wish(kind=kind, max_crashes=100), (chance.uniform(1.2, 2.5),))
        case "batched":
            fails = int(chance.random() < 0.2)
            return Piece(id, "together", Wish(kind=kind, fails=fails and ALWAYS, retries=0), ((id, bool(fails)),))
        case "followed":
            return _followed(chance, id, short)
        case "group":
            ids = [_id(chance, "plain", prefix, number) for _ in range(chance.randint(2, 6))]
            members = tuple(_followed(chance, each, short) for each in ids)
            return Piece(id, "collect", Wish(kind=kind, members=tuple(ids)), members=members)
        case _:
            return Piece(id, "work", Wish(kind=kind), (short,))


def _followed(chance: random.Random, id: str, short: float) -> Piece:
    """By another job, whichever way it ends; most of them do well."""
    match chance.choices(("work", "flaky", "hopeless", "batched", "unwanted"), (5, 2, 2, 1, 1))[0]:
        case "flaky":
            return Piece(id, "work", Wish(kind="flaky", fails=1, followed=True), (short, 1))
        case "hopeless":
            return Piece(id, "hopeless", Wish(kind="hopeless", fails=ALWAYS, retries=2, followed=True))
        case "batched":
            return Piece(id, "together", Wish(kind="batched", retries=0, followed=True), ((id, False),))
        case "unwanted":
            return _unwanted(chance, id, short, followed=True)
        case _:
            return Piece(id, "work", Wish(followed=True), (short,))


def _unwanted(chance: random.Random, id: str, short: float, *, followed: bool) -> Piece:
    """It is cancelled before its time has come, or while it runs."""
    waits = chance.random() < 0.6
    wish = Wish(kind="cancelled", delay=5 if waits else 0, followed=followed)
    return Piece(id, "work", wish, (short if waits else 5.0,), cancel=True)


def _id(chance: random.Random, kind: str, prefix: str, number: int) -> str:
    """Half of them look as the library's own do, half are a person's: they are treated apart."""
    if kind in ("plain", "thread", "flaky"):
        return f"{number:012x}7{chance.getrandbits(76):019x}"
    return f"{prefix}-{kind}-{number:06}"
