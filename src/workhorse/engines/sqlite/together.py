"""Lanes, many at once: what `lanes` does for one, in a few statements for a thousand. A statement costs more than its rows."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from workhorse.core.contract import Lane
from workhorse.engines.keeping import micros
from workhorse.engines.sqlite import lanes
from workhorse.engines.sqlite.inserts import Insert
from workhorse.engines.sqlite.tx import Tx, numbers, words

FEW: Final = 4
"""So many lanes are as fast one by one."""

_INSERT: Final = Insert("insert into workhorse_lanes (lane, width, ordered, every, burst)", 5)
_FIRST: Final = (
    "select * from (select lane, (select seq from workhorse_jobs where lane = l.lane and state = 1 order by rank, seq limit 1)"
    " as seq from workhorse_lanes l where lane in (select value from json_each(?)) and taken < coalesce(width, 1))"
    " where seq is not null"
)


def enroll(tx: Tx, its: Mapping[str, Lane]) -> None:
    """Lanes by their keys: the new ones are made, and those whose numbers have changed take the new ones."""
    sql = (
        "select lane, width, ordered, every, burst from workhorse_lanes where lane in (select value from json_each(?))"
    )
    known = {key: tuple(old) for key, *old in tx.all(sql, words(its))}
    _INSERT.run(tx.con, [(key, *_numbers(lane)) for key, lane in its.items() if key not in known])
    for key, old in known.items():
        if old != _numbers(its[key]):
            lanes.enroll(tx, its[key])


def admit(tx: Tx, keys: Iterable[str]) -> None:
    """Give their free slots away, one a lane and round."""
    left = list(dict.fromkeys(keys))
    while len(left) > FEW:
        found = tx.all(_FIRST, words(left))
        left = [key for key, _ in found]
        these = numbers([seq for _, seq in found])
        tx.run(
            "update workhorse_lanes set taken = taken + 1 where lane in (select value from json_each(?))", words(left)
        )
        sql = (
            "update workhorse_jobs set state = 0, slot = 1, due = max(due, ?) where seq in (select value from json_each(?))"
            " returning queue"
        )
        tx.queues.update(queue for (queue,) in tx.all(sql, tx.now, these))
    for key in left:
        lanes.admit(tx, key)


def vacate(tx: Tx, keys: Iterable[str]) -> None:
    """Slots of jobs that have ended, one for each time that a key is named: the next ones are admitted."""
    by_count: dict[int, list[str]] = {}
    for key, count in Counter(keys).items():
        by_count.setdefault(count, []).append(key)
    for count, same in by_count.items():
        tx.run(
            "update workhorse_lanes set taken = taken - ? where lane in (select value from json_each(?))",
            count, words(same),
        )  # fmt: skip
    admit(tx, [key for same in by_count.values() for key in same])


def _numbers(lane: Lane) -> tuple[int | None, int, int, int]:
    return lane.width, int(lane.ordered), micros(lane.every), lane.burst
