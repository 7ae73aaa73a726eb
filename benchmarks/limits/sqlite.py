"""The bare limit: the same rows in the same tables, inserted, claimed and ended by one thread of plain sqlite3, and nothing else."""

import asyncio
import json
import random
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import environments
from work import PAYLOAD
from workhorse import Workhorse

INSERTED, CLAIMED = 1000, 500
"""Jobs in one transaction."""

FIND = (
    "select seq, id, task, payload, attempt, trail, extra, crashes, token from workhorse_jobs"
    " where queue = 'bench' and priority = 2 and state = 0 and due <= ? order by due limit ?"
)
HOLD = "update workhorse_jobs set token = ?, due = ?, worker = 1 where seq in (select value from json_each(?))"
DELETE = "delete from workhorse_jobs where seq in (select value from json_each(?)) and token = ?"
UPDATE = (
    "update workhorse_jobs set state = 2, ended = due, due = due + 3600000000"
    " where seq in (select value from json_each(?)) and token = ?"
)


def limit(jobs: int, synchronous: str) -> dict[str, float]:
    """Jobs a second, by what is done to them."""
    with tempfile.TemporaryDirectory(dir=environments.disk()) as name:
        file = Path(name) / "limit.db"
        columns, row = asyncio.run(_model(file))
        insert = f"insert into workhorse_jobs ({', '.join(columns)}) values ({', '.join('?' * len(columns))})"
        with closing(_connect(file, synchronous)) as con:
            inserted = _timed(lambda: _insert(con, insert, columns.index("id"), row, jobs), jobs)
        told = {"insert": inserted}
        for how, statement in (("delete", DELETE), ("update", UPDATE)):
            copy = shutil.copy(file, file.with_suffix(f".{how}"))
            with closing(_connect(Path(copy), synchronous)) as con:
                told[how] = _timed(lambda con=con, statement=statement: _drain(con, statement, jobs), jobs)
        return told


async def _model(file: Path) -> tuple[list[str], list[object]]:
    """The row that one real job has, in a database that Workhorse made."""
    async with Workhorse(f"sqlite:///{file}", name="bench") as app:
        await app.enqueue(app.job("noop", enqueued=0.0, **PAYLOAD))
    with closing(sqlite3.connect(file)) as con:
        cursor = con.execute("select * from workhorse_jobs")
        row = dict(zip((column[0] for column in cursor.description), cursor.fetchone(), strict=True))
        con.execute("delete from workhorse_jobs")
        con.commit()
    del row["seq"]
    return list(row), list(row.values())


def _connect(file: Path, synchronous: str) -> sqlite3.Connection:
    con = sqlite3.connect(file, isolation_level=None)
    con.execute("pragma journal_mode = wal")
    con.execute(f"pragma synchronous = {synchronous}")
    return con


def _timed(step: Callable[[], None], jobs: int) -> float:
    begun = time.perf_counter()
    step()
    return jobs / (time.perf_counter() - begun)


def _insert(con: sqlite3.Connection, statement: str, place: int, row: list[object], jobs: int) -> None:
    for first in range(0, jobs, INSERTED):
        con.execute("begin immediate")
        con.executemany(statement, _rows(row, place, range(first, min(first + INSERTED, jobs))))
        con.execute("commit")


def _rows(row: list[object], place: int, numbers: range) -> Iterator[list[object]]:
    for number in numbers:
        row[place] = f"{number:032x}"
        yield row


def _drain(con: sqlite3.Connection, end: str, jobs: int) -> None:
    """Claim and end, a transaction each: a job runs in between."""
    ended = 0
    while ended < jobs:
        now, token = int(time.time() * 1e6), random.getrandbits(62)
        con.execute("begin immediate")
        these = json.dumps([row[0] for row in con.execute(FIND, (now, CLAIMED)).fetchall()])
        con.execute(HOLD, (token, now + 30_000_000, these))
        con.execute("commit")
        con.execute("begin immediate")
        ended += con.execute(end, (these, token)).rowcount
        con.execute("commit")


LIMITS = {synchronous: partial(limit, synchronous=synchronous) for synchronous in ("full", "normal")}
