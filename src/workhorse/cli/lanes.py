"""Lanes and unique keys in words: what they ask for, who is parked in which, and why a job waits."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from workhorse.core.contract import Filter, Inspector, Lane, Row, Unique

LOOKED_AT: Final = 1000
"""Parked jobs that are counted by lane: the oldest ones."""

SHOWN: Final = 5

_UNTIL: Final = {"claimed": "until it is claimed", "settled": "until it ends", "kept": "as long as it is kept"}


class Crowd(msgspec.Struct, frozen=True):
    """Those parked in one lane."""

    lane: Lane
    first: Row
    count: int


async def crowded(inspector: Inspector) -> tuple[list[Crowd], bool]:
    """The lanes with the most parked jobs, and whether there are more jobs than were looked at."""
    rows = await inspector.list(Filter(status="parked"), LOOKED_AT)
    by_lane: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if row.job.lane is not None:
            by_lane[row.job.lane.key].append(row)
    crowds = [Crowd(first.job.lane, first, len(all)) for all in by_lane.values() if (first := all[0]).job.lane]
    return sorted(crowds, key=lambda crowd: -crowd.count)[:SHOWN], len(rows) == LOOKED_AT


def of_lane(lane: Lane) -> str:
    """`at most 5 at once, one each 0.6 s`."""
    words: list[str] = []
    if lane.ordered:
        words.append("one at a time, in order")
    elif lane.width is not None:
        words.append(f"at most {lane.width:,} at once")
    if lane.every:
        words.append(f"one each {lane.every:g} s")
    return ", ".join(words)


def of_unique(unique: Unique) -> str:
    """`one job until it ends, and for no less than 60 s`."""
    within = "" if unique.within is None else f", and for no less than {unique.within:g} s from its acceptance"
    return f"one job {_UNTIL[unique.until]}{within}"


def why(row: Row, paused: Sequence[str]) -> str:
    """Why the job does not run; empty: it does, or has ended, or only waits for a worker."""
    job, reasons = row.job, list[str]()
    if row.status == "parked" and job.lane is not None:
        reasons.append(f"no slot in its lane ({of_lane(job.lane)})")
    if row.status == "scheduled":
        rated = job.lane is not None and job.lane.every
        reasons.append("not due yet" + (", as the rate of its lane allows" if rated else ""))
    if job.queue in paused and row.status in ("parked", "scheduled", "ready"):
        reasons.append(f"the queue {job.queue} is paused")
    return "; ".join(reasons)


def documents(row: Row, paused: Sequence[str]) -> dict[str, Any]:
    """The same for programs."""
    lane, unique = row.job.lane, row.job.unique
    return {
        "waits": why(row, paused),
        "lane": None if lane is None else {**msgspec.to_builtins(lane), "says": of_lane(lane)},
        "unique": None if unique is None else {**msgspec.to_builtins(unique), "says": of_unique(unique)},
    }
