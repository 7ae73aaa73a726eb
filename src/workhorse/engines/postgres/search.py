"""Which jobs a filter means, as SQL; and rows as people see them."""

from typing import Final

from workhorse.core.contract import Filter, Row
from workhorse.engines.keeping import SECOND
from workhorse.engines.postgres import envelopes
from workhorse.engines.postgres.link import Record

MOMENT: Final = "with moment as materialized (select workhorse.now_us() as now)"
_STATES: Final = {
    "scheduled": "j.state = 0 and j.due > m.now and j.lease <= m.now",
    "ready": "j.state = 0 and j.due <= m.now and j.lease <= m.now",  # also one whose lease ran out
    "running": "j.state = 0 and j.lease > m.now",
    "parked": "j.state = 1",
    "succeeded": "j.state = 2",
    "dead": "j.state = 3",
    "cancelled": "j.state = 4",
}
_STATUS: Final = "workhorse.status(j.state, j.due, j.lease, m.now)"
_KEPT: Final = "(j.state < 2 or j.due > m.now)"  # what only waits to be pruned is not shown
_SHOWN: Final = (
    "j.id, j.task, j.payload, j.attempt, j.trail, j.extra, j.queue, j.priority,"
    f" {_STATUS} as status, j.accepted, greatest(j.due, j.lease) as due, j.ended, j.crashes,"
    " j.reason, j.lane, j.cancel, j.state, j.seq, w.name as worker"
)


def counting(by: str) -> str:
    """Jobs by name and status; by status and queue. It reads every row that is kept."""
    name = {"queue": "j.queue", "task": "j.task", "status": _STATUS}[by]
    inner = "j.queue" if by == "status" else _STATUS
    return (
        f"{MOMENT} select {name} as outside, {inner} as inside, count(*) as number"
        f" from workhorse.jobs j cross join moment m where {_KEPT} group by 1, 2 order by 1, 2"
    )


def counted(rows: list[Record]) -> dict[str, dict[str, int]]:
    """The answer to `counting`."""
    found: dict[str, dict[str, int]] = {}
    for outside, inside, number in rows:
        found.setdefault(outside, {})[inside] = number
    return found


def finding(which: Filter, limit: int) -> tuple[str, list[object]]:
    """The rows that the filter means, in the order of ids, so that a page needs only the last one's."""
    where, values = chosen(which)
    values += [which.after, limit]
    return (
        f"{MOMENT} select {_SHOWN} from workhorse.jobs j cross join moment m left join workhorse.workers w on w.id = j.worker"
        f" where {where} and j.id > ${len(values) - 1}::text order by j.id limit ${len(values)}::bigint",
        values,
    )


def picking(which: Filter, after: int, limit: int, also: str = "true") -> tuple[str, list[object]]:
    """The numbers of such rows, a chunk at a time; stands inside a statement that begins with MOMENT."""
    where, values = chosen(which)
    values += [which.after, after, limit]
    page, last, most = (f"${len(values) - back}" for back in (2, 1, 0))
    return (
        f"select j.seq from workhorse.jobs j cross join moment m where {where} and {also} and j.id > {page}::text"
        f" and j.seq > {last}::bigint order by j.seq limit {most}::bigint",
        values,
    )


def chosen(which: Filter) -> tuple[str, list[object]]:
    """The condition on a job `j` at a moment `m`, and its parameters."""
    where, values = [_KEPT], list[object]()
    if which.ids:
        values.append(list(which.ids))
        where.append(f"j.id = any(${len(values)}::text[])")
    if which.queue is not None:
        values.append(which.queue)
        where.append(f"j.queue = ${len(values)}::text")
    if which.task is not None:
        values.append(which.task)
        where.append(f"j.task = ${len(values)}::text")
    if which.status is not None:
        where.append(_STATES.get(which.status, "false"))
    if which.text:
        values.append(which.text.lower())
        where.append(_containing(f"${len(values)}::text"))
    return " and ".join(where), values


def _containing(text: str) -> str:
    """Payloads may be any bytes: both sides are compared as ASCII, with what is not ASCII written as its octal numbers."""
    needle = f"encode(convert_to({text}, 'UTF8'), 'escape')"
    words = "lower(concat_ws(' ', j.id, j.task, j.reason) collate \"C\")"
    inside = " or ".join(
        f"position({needle} in lower(encode(j.{column}, 'escape') collate \"C\")) > 0"
        for column in ("extra", "trail", "payload")
    )
    return f"(position({text} in {words}) > 0 or {inside})"


def row(found: Record) -> Row:
    """One of `finding`."""
    id, task, payload, attempt, trail, extra, queue, priority, *_ = found
    state, ended = found["state"], found["ended"]
    return Row(
        job=envelopes.envelope(id, task, payload, attempt, trail, extra or b"{}", queue, priority),
        status=found["status"],
        accepted=found["accepted"] / SECOND,
        due=found["due"] / SECOND if state == 0 else None,
        ended=None if ended is None else ended / SECOND,
        crashes=found["crashes"],
        reason=f"no slot in lane {found['lane']}" if state == 1 else found["reason"] or "",
        worker=(found["worker"] or "") if found["status"] == "running" else "",
        cancel=found["cancel"],
        place=found["seq"],
    )
