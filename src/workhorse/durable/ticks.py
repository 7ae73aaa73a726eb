"""The ticks of a schedule: what is due, under which ids, and the mark up to which all is decided, as a fact under `tick/`.

A tick is published under an id made of the schedule's name and the moment, and then the mark is moved forward, if nobody did
meanwhile. Whoever dies between the two leaves the tick to the next, who publishes the same id again.
"""

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

import msgspec

from workhorse.core import ids
from workhorse.core.contract import ABSENT, Put, Store
from workhorse.core.durations import seconds
from workhorse.core.schedule import Schedule, latest

PREFIX: Final = "tick/"

SOON: Final = 5.0
"""Seconds by which a worker under load may be late: no tick is missed for that."""

LATE: Final = 60.0
"""Seconds by which the latest tick may be late, so that a restart costs none."""

_NAME: Final = 120
"""Characters of a schedule's name that stand in an id as they are."""


class Mark(msgspec.Struct, frozen=True):
    """`since`: when the schedule was first seen; `at`: up to which moment all ticks are decided; `last`: the last one enqueued.
    In seconds since the epoch, by the engine's clock."""

    since: float
    at: float
    last: float | None = None
    paused: bool = False


class Marked(NamedTuple):
    """A mark, and the version that stands; None: it is yet to begin."""

    mark: Mark | None
    version: int


class Step(NamedTuple):
    """What a look has to do. `run`: moments to be enqueued, oldest first; `skipped`: the first and the last that are not, if any;
    `mark`: how it then stands."""

    run: Sequence[float]
    skipped: tuple[float, float] | None
    mark: Mark


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Mark).decode


def name_of(app: str, task: str) -> str:
    """A schedule's name: two services of one installation may have a task of the same name."""
    return f"{app}~{task}"


def task_of(name: str) -> str:
    """The task's name in a schedule's."""
    return name.partition("~")[2]


def due(schedule: Schedule, mark: Mark | None, now: float) -> Step | None:
    """What to do now; None: nothing, as no moment has come since the mark."""
    if mark is None:
        return Step((), None, begun(now))
    first = upcoming(schedule, mark)
    if mark.paused or first > now:
        return None
    found = latest(schedule, mark.at, now, mark.since, schedule.catch_up + math.ceil(SOON) + 2)
    on_time = [it for it in found if now - it <= SOON] or [it for it in found[-1:] if now - it <= LATE]
    late = found[: len(found) - len(on_time)]
    skipped = late[: max(0, len(late) - schedule.catch_up)]
    run = [*late[len(skipped) :], *on_time]
    last = run[-1] if run else mark.last
    return Step(run, (first, skipped[-1]) if skipped else None, msgspec.structs.replace(mark, at=found[-1], last=last))


def upcoming(schedule: Schedule, mark: Mark) -> float:
    """The first moment after the mark."""
    return next(schedule.after(mark.at, mark.since))


def begun(now: float) -> Mark:
    """Of a schedule that is seen for the first time: what was before is no miss."""
    return Mark(since=math.ceil(now), at=now)


def turned(mark: Mark, paused: bool, now: float) -> Mark:
    """Paused, or resumed: what came during the pause is skipped."""
    at = max(mark.at, now) if mark.paused else mark.at
    return msgspec.structs.replace(mark, at=at, paused=paused)


def id_of(name: str, moment: float) -> str:
    """The id of a tick's job."""
    if len(name) > _NAME:
        name = f"{name[: _NAME - 33]}-{hashlib.blake2b(name.encode(), digest_size=16).hexdigest()}"
    said = datetime.fromtimestamp(moment, UTC).isoformat().removesuffix("+00:00")
    return f"{ids.TICK}{name.replace('/', '@')}~{said}Z"  # a slash is no character of an id


def lag(schedule: Schedule, id: str) -> float:
    """The tick's share of the jitter, in seconds: made of its id, so that whoever publishes it says the same."""
    share = int.from_bytes(hashlib.blake2b(id.encode(), digest_size=8).digest()) / 2**64
    return seconds(schedule.jitter, "jitter") * share


async def marks(store: Store, names: Iterable[str]) -> Mapping[str, Marked]:
    """How these schedules stand."""
    asked = list(names)
    found = await store.get([PREFIX + name for name in asked])
    return {name: _read(fact) for name, fact in zip(asked, found, strict=True)}


async def known(store: Store) -> Mapping[str, Marked]:
    """All that were ever seen, also those that no code has any more."""
    found: dict[str, Marked] = {}
    after = ""
    while page := await store.scan(PREFIX, after):
        found |= {key.removeprefix(PREFIX): _read((value, version)) for key, value, version in page}
        after = page[-1][0]
    return found


def put(name: str, mark: Mark, version: int) -> Put:
    """The mark moved, where it still stands at this version."""
    return Put(PREFIX + name, _encode(mark), version)


def _read(fact: tuple[bytes, int] | None) -> Marked:
    if fact is None:
        return Marked(None, ABSENT)
    try:
        return Marked(_decode(fact[0]), fact[1])
    except msgspec.DecodeError:  # nothing can be made of it: the schedule begins anew
        return Marked(None, fact[1])
