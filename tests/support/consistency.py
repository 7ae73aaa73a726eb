"""What must hold in a database of ours whenever nobody is inside a transaction, whatever was killed before; and what more once
all work is done. Each rule is a query for those who break it."""

import sqlite3
import time
from pathlib import Path
from typing import Final

ALWAYS: Final = {
    "a body without a row that asks for it": (
        "select seq from workhorse_bodies where seq not in (select seq from workhorse_jobs where payload is null)"
    ),
    "a row without its payload": (
        "select id from workhorse_jobs where payload is null and seq not in (select seq from workhorse_bodies)"
    ),
    "ended, but not over": "select id from workhorse_jobs where state < 2 and (ended is not null or reason is not null)",
    "over, but never ended": "select id from workhorse_jobs where state > 1 and ended is null",
    "dead without a reason": "select id from workhorse_jobs where state = 3 and reason is null",
    "a reason without a death": "select id from workhorse_jobs where state <> 3 and reason is not null",
    "counts that cannot be": "select id from workhorse_jobs where attempt < 1 or crashes < 0 or state not between 0 and 4",
    "a worker that nobody knows": (
        "select id from workhorse_jobs where worker is not null and worker not in (select id from workhorse_workers)"
    ),
    "a slot held by who may not": "select id from workhorse_jobs where slot = 1 and (state <> 0 or lane is null)",
    "parked without a lane": "select id from workhorse_jobs where state = 1 and lane is null",
    "a lane that is not there": (
        "select id from workhorse_jobs where state < 2 and lane is not null and lane not in (select lane from workhorse_lanes)"
    ),
    "a lane that counts its slots wrong": (
        "select lane, taken from workhorse_lanes as its where taken <>"
        " (select count(*) from workhorse_jobs where lane = its.lane and slot = 1)"
    ),
    "parked before a free slot": (
        "select lane from workhorse_lanes as its where taken < coalesce(width, 1)"
        " and lane not in (select lane from workhorse_asking)"
        " and exists (select 1 from workhorse_jobs where lane = its.lane and state = 1)"
    ),
    "a unique key of nobody": (
        "select ukey from workhorse_uniques as its where freed = 0"
        " and not exists (select 1 from workhorse_jobs where id = its.id and ukey = its.ukey)"
    ),
    "a unique key kept beyond its job's claim": (
        "select ukey from workhorse_uniques as its where freed = 0 and until = 0"
        " and exists (select 1 from workhorse_jobs where id = its.id and (token <> 0 or state > 1))"
    ),
    "a unique key kept beyond its job's end": (
        "select ukey from workhorse_uniques as its where freed = 0 and until = 1"
        " and exists (select 1 from workhorse_jobs where id = its.id and state > 1)"
    ),
    "a result before the end": (
        "select key from workhorse_facts where key like 'result/%'"
        " and substr(key, 8) in (select id from workhorse_jobs where state < 2)"
    ),
    "a result of a job that is not there": (
        "select key from workhorse_facts where key like 'result/%' and value <> cast('{\"deleted\":true}' as blob)"
        " and (expires is null or expires > :now) and substr(key, 8) not in (select id from workhorse_jobs)"
    ),
    "a version from the future, or twice": (
        "select key, version from workhorse_facts where version >"
        " (select value from workhorse_counters where name = 'version')"
        " or version in (select version from workhorse_facts group by version having count(*) > 1)"
    ),
    "no version, or no schema": (
        "select 2 - count(*) from workhorse_counters where name in ('version', 'schema') having count(*) <> 2"
    ),
}

AT_REST: Final = {
    "a job that has not ended": "select id, state from workhorse_jobs where state < 2",
    "a slot that nobody gave back": "select lane from workhorse_lanes where taken <> 0",
    "a lane that nobody answered": "select lane from workhorse_asking",
    "a unique key that nobody gave back": "select ukey from workhorse_uniques where freed = 0 and until < 2",
}


def consistent(con: sqlite3.Connection) -> None:
    """AssertionError names every rule that is broken, and by whom; also when SQLite itself finds the file damaged."""
    verdicts = [verdict for (verdict,) in con.execute("pragma integrity_check(10)")]
    assert verdicts == ["ok"], verdicts
    _hold(con, ALWAYS)


def at_rest(con: sqlite3.Connection) -> None:
    """The same, and nothing is left to do."""
    consistent(con)
    _hold(con, AT_REST)


def examined(path: Path, *, drained: bool = False) -> None:
    """Look at a file, through a connection of its own."""
    con = sqlite3.connect(path, timeout=30)
    try:
        (at_rest if drained else consistent)(con)
    finally:
        con.close()


def _hold(con: sqlite3.Connection, rules: dict[str, str]) -> None:
    now = {"now": time.time_ns() // 1000}
    found = {rule: con.execute(sql, now if ":now" in sql else {}).fetchmany(10) for rule, sql in rules.items()}
    broken = {rule: rows for rule, rows in found.items() if rows}
    assert not broken, broken
