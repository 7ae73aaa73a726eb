"""Lanes: who holds a slot, who is parked, and whom a freed slot admits."""

from collections.abc import Iterable
from typing import Any

from workhorse.core.contract import Lane
from workhorse.engines.keeping import micros
from workhorse.engines.sqlite.tx import LIVE, PARKED, Tx, numbers, words


def enroll(tx: Tx, lane: Lane) -> None:
    """The numbers of the job published last hold; those parked under older ones go first."""
    old = tx.one("select width, ordered, every, burst from workhorse_lanes where lane = ?", lane.key)
    new = (lane.width, int(lane.ordered), micros(lane.every), lane.burst)
    if old == new:
        return
    tx.run(
        "insert into workhorse_lanes (width, ordered, every, burst, lane) values (?, ?, ?, ?, ?) on conflict (lane) do update"
        " set width = excluded.width, ordered = excluded.ordered, every = excluded.every, burst = excluded.burst",
        *new, lane.key,
    )  # fmt: skip
    if old is not None:
        if old[1] != new[1]:
            rank = 0 if lane.ordered else -1
            tx.run("update workhorse_jobs set rank = ? * priority where lane = ? and state = 1", rank, lane.key)
        admit(tx, lane.key)


def restore(tx: Tx, lane: Lane | None) -> None:
    """For a dead letter put back: its lane may have been forgotten, or never have been here."""
    if lane is not None and tx.one("select 1 from workhorse_lanes where lane = ?", lane.key) is None:
        enroll(tx, lane)


def admit(tx: Tx, key: str) -> bool:
    """Give the free slots to the first of those parked, due now or at their own time if that is later; whether it gave any."""
    lane = tx.one("select width, taken from workhorse_lanes where lane = ?", key)
    if lane is None:
        return False
    room = (1 if lane[0] is None else lane[0]) - lane[1]
    if room <= 0:
        return False
    first = tx.all(
        "select seq, queue from workhorse_jobs where lane = ? and state = 1 order by rank, seq limit ?", key, room
    )
    if not first:
        return False
    tx.run(
        "update workhorse_jobs set state = 0, slot = 1, due = max(due, ?) where seq in (select value from json_each(?))",
        tx.now, numbers([seq for seq, _ in first]),
    )  # fmt: skip
    tx.run("update workhorse_lanes set taken = taken + ? where lane = ?", len(first), key)
    tx.queues.update(queue for _, queue in first)
    return True


def free(tx: Tx, seq: int, key: str) -> None:
    """Take the slot from this job, which holds one, and admit the next."""
    tx.run("update workhorse_jobs set slot = 0 where seq = ?", seq)
    vacate(tx, key)


def vacate(tx: Tx, key: str) -> None:
    """As `free`, for a job whose row is gone."""
    tx.run("update workhorse_lanes set taken = taken - 1 where lane = ?", key)
    admit(tx, key)


def moved(tx: Tx, seq: int, key: str, state: int, slot: int, due: int) -> None:
    """A waiting job got another due: out of order it asks for a slot only when it is due, and gives back the one it had."""
    if is_ordered(tx, key):
        return
    if due > tx.now:
        tx.run("update workhorse_jobs set state = 0 where seq = ?", seq)
        if slot:
            free(tx, seq, key)
    elif not slot and state == LIVE:
        ask(tx, [(seq, key)])


def ask(tx: Tx, jobs: list[tuple[int, str]]) -> bool:
    """Jobs without a slot want one, behind those parked; whether anybody was admitted."""
    keys = sorted({key for _, key in jobs})
    before = [admit(tx, key) for key in keys]
    tx.run(
        "update workhorse_jobs set state = ? where seq in (select value from json_each(?))",
        PARKED, numbers([seq for seq, _ in jobs]),
    )  # fmt: skip
    after = [admit(tx, key) for key in keys]
    return any(before) or any(after)


def answer_asking(tx: Tx) -> None:
    """Admit those whom a caller's own transaction left parked."""
    for (key,) in tx.all("delete from workhorse_asking returning lane"):
        admit(tx, key)


def is_ordered(tx: Tx, key: str) -> bool:
    """First accepted, first run?"""
    lane = tx.one("select ordered from workhorse_lanes where lane = ?", key)
    return bool(lane and lane[0])


def charge(tx: Tx, key: str) -> int:
    """Charge a claim to the lane's rate. 0: it is within; else the moment to which the claim is put off, and nothing is charged."""
    lane: tuple[Any, ...] | None = tx.one("select every, burst, free_at from workhorse_lanes where lane = ?", key)
    if lane is None or not lane[0]:
        return 0
    every, burst, free_at = lane
    start = max(free_at, tx.now)
    earliest = start - (burst - 1) * every
    if earliest > tx.now:
        return int(earliest)
    tx.run("update workhorse_lanes set free_at = ? where lane = ?", start + every, key)
    return 0


def kinds(tx: Tx, keys: Iterable[str]) -> dict[str, tuple[bool, bool]]:
    """Of each lane: whether it has a rate, and whether a claim hands the slot on: a rate alone, any number run."""
    sql = "select lane, every > 0, width is null from workhorse_lanes where lane in (select value from json_each(?))"
    return {key: (bool(rated), bool(passes)) for key, rated, passes in tx.all(sql, words(keys))}


def sweep(tx: Tx, keys: set[str]) -> None:
    """Forget the lanes that no stored job belongs to, once their rate has caught up."""
    tx.run(
        "delete from workhorse_lanes where lane in (select value from json_each(?)) and taken = 0 and free_at <= ?"
        " and not exists (select 1 from workhorse_jobs where lane = workhorse_lanes.lane)",
        words(keys), tx.now,
    )  # fmt: skip
