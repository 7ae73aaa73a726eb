"""Which jobs a filter means, as SQL; and rows as people see them."""

from typing import Any, Final

from workhorse.core.contract import Filter, Row
from workhorse.engines.keeping import SECOND
from workhorse.engines.sqlite import envelopes
from workhorse.engines.sqlite.tx import Tx, words

_STATES: Final = {
    "scheduled": "j.state = 0 and j.token = 0 and j.due > :now",
    "ready": "j.state = 0 and j.due <= :now",  # also one whose lease ran out
    "running": "j.state = 0 and j.token <> 0 and j.due > :now",
    "parked": "j.state = 1",
    "succeeded": "j.state = 2",
    "dead": "j.state = 3",
    "cancelled": "j.state = 4",
}
_INDEXES: Final = {"parked": "parked", "succeeded": "ended", "dead": "ended", "cancelled": "ended"}
_STATUS: Final = (
    "case j.state when 1 then 'parked' when 2 then 'succeeded' when 3 then 'dead' when 4 then 'cancelled' else"
    " case when j.due <= :now then 'ready' when j.token = 0 then 'scheduled' else 'running' end end"
)
_KEPT: Final = "(j.state < 2 or j.due > :now)"  # what only waits to be pruned is not shown
_TEXT: Final = (
    "(instr(lower(j.id || ' ' || j.task || ' ' || coalesce(j.reason, '') || ' ' || coalesce(cast(j.extra as text), '')), :text)"
    " or instr(lower(cast(coalesce(j.payload, (select b.payload from workhorse_bodies b where b.seq = j.seq)) as text)), :text)"
    " or instr(lower(cast(j.trail as text)), :text))"
)
_COLUMNS: Final = ", ".join(f"j.{name}" for name in envelopes.COLUMNS.split(", "))


def count(tx: Tx, by: str) -> dict[str, dict[str, int]]:
    """Jobs by name and status; by status and queue."""
    name = {"queue": "j.queue", "task": "j.task", "status": _STATUS}[by]
    inner = "j.queue" if by == "status" else _STATUS
    found: dict[str, dict[str, int]] = {}
    sql = f"select {name}, {inner}, count(*) from workhorse_jobs j where {_KEPT} group by 1, 2 order by 1, 2"
    for outer, each, number in tx.con.execute(sql, {"now": tx.now}):
        found.setdefault(outer, {})[each] = number
    return found


def find(tx: Tx, which: Filter, limit: int) -> list[Row]:
    """In the order of ids, so that a page needs only the last one's."""
    table, where, values = _chosen(tx, which)
    sql = (
        f"select {_COLUMNS}, {_STATUS}, j.accepted, j.due, j.ended, j.crashes, j.reason, j.lane, w.name, j.cancel, j.state"
        f" from {table} left join workhorse_workers w on w.id = j.worker"
        f" where {where} and j.id > :after order by j.id limit :limit"
    )
    rows = tx.con.execute(sql, {**values, "after": which.after, "limit": limit}).fetchall()
    bodies = _bodies(tx, [row[0] for row in rows if row[3] is None])
    return [_row(row, bodies) for row in rows]


def numbers_of(tx: Tx, which: Filter, after: int, limit: int) -> list[int]:
    """The rows that the filter means, in chunks by their numbers."""
    table, where, values = _chosen(tx, which)
    sql = f"select j.seq from {table} where {where} and j.id > :page and j.seq > :after order by j.seq limit :limit"
    found = tx.con.execute(sql, {**values, "page": which.after, "after": after, "limit": limit})
    return [seq for (seq,) in found]


def _chosen(tx: Tx, which: Filter) -> tuple[str, str, dict[str, object]]:
    where, values = [_KEPT], dict[str, object](now=tx.now)
    table = "workhorse_jobs j"
    if which.ids:
        where.append("j.id in (select value from json_each(:ids))")
        values["ids"] = words(which.ids)
    if which.queue is not None:
        where.append("j.queue = :queue")
        values["queue"] = which.queue
    if which.task is not None:
        where.append("j.task = :task")
        values["task"] = which.task
    if which.status is not None:
        where.append(_STATES.get(which.status, "0"))
        if which.status in _INDEXES and not which.ids:
            table += f" indexed by workhorse_jobs_{_INDEXES[which.status]}"
            where.append("j.state > 1" if _INDEXES[which.status] == "ended" else "j.state = 1")
    if which.text:
        where.append(_TEXT)
        values["text"] = which.text.lower()
    return table, " and ".join(where), values


def _bodies(tx: Tx, seqs: list[int]) -> dict[int, bytes]:
    sql = "select payload from workhorse_bodies where seq = ?"
    return {seq: found[0] for seq in seqs if (found := tx.one(sql, seq))}


def _row(row: tuple[Any, ...], bodies: dict[int, bytes]) -> Row:
    status, accepted, due, ended, crashes, reason, lane, worker, cancel, state = row[9:]
    return Row(
        job=envelopes.envelope(row[:9], bodies),
        status=status,
        accepted=accepted / SECOND,
        due=due / SECOND if state == 0 else None,
        ended=None if ended is None else ended / SECOND,
        crashes=crashes,
        reason=f"no slot in lane {lane}" if status == "parked" else reason or "",
        worker=(worker or "") if status == "running" else "",
        cancel=bool(cancel),
        place=row[0],
    )
