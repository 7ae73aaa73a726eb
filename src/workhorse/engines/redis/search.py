"""Which jobs a filter means: where they may stand at the server, and sifting these places chunk by chunk. No key says which ids there
are in their order, as it would cost each waiting job half as much again; so a page is the first ids of all that fit."""

from bisect import insort
from collections.abc import AsyncIterator
from typing import Any, Final

from workhorse.core.contract import Filter, Row
from workhorse.engines.keeping import SECOND
from workhorse.engines.redis import documents
from workhorse.engines.redis.documents import CANCELLED, DEAD, SUCCEEDED
from workhorse.engines.redis.link import Link
from workhorse.engines.redis.scripts import LEAN_ON_JOBS, Script, script
from workhorse.engines.redis.wire import Word

CHUNK: Final = 100
"""Jobs at which one script looks, about: fewer where they are large."""

ORDERED: Final = 40
"""Jobs to which one script does what people order: each costs as much as two that are only looked at."""

BYTES: Final = 1 << 19
"""So much of their documents."""

_FIRST: Final = 20
_FIND: Final = script(*LEAN_ON_JOBS, "sifting", "find")
_ROWS: Final = script(*LEAN_ON_JOBS, "sifting", "rows")
_LEVELS: Final = (3, 2, 1)
_PHASES: Final = {"succeeded": SUCCEEDED, "dead": DEAD, "cancelled": CANCELLED}


async def sift(
    link: Link, which: Filter, body: Script, *more: Word, before: list[str] | None = None, most: int = CHUNK
) -> AsyncIterator[list[Any]]:
    """What the script answers to each chunk of the jobs that the filter means, `most` about, without its first three words. `before`, where
    it is given: only ids before the last of these, which may change on the way."""
    for source, ids in await _sources(link, which, most):
        cursor, count = b"0", _FIRST
        while True:
            last = before[-1] if before else ""
            said = (which.status or "", which.queue or "", which.task or "", (which.text or "").lower())
            answer = await link.run(body, source, cursor, count, which.after, last, *said, *ids, *more)
            yield answer[3:]
            cursor, looked, size = answer[:3]
            if cursor == b"0":
                break
            count = min(most, max(1, BYTES * (looked + 1) // (size + 1)))


async def _sources(link: Link, which: Filter, most: int) -> list[tuple[str, tuple[str, ...]]]:
    if which.ids:
        ids = sorted(set(which.ids))
        return [("ids", tuple(ids[start : start + most])) for start in range(0, len(ids), most)]
    status = which.status
    if status is None or status == "parked":
        return [("jobs" if status is None else "state", ())]
    queues = [which.queue] if which.queue is not None else await queues_of(link)
    return [(place, ()) for queue in queues for place in _places(status, queue)]


def _places(status: str, queue: str) -> list[str]:
    """The sorted sets in which jobs of this status stand."""
    if status in _PHASES:
        return [f"ended:{_PHASES[status]}:{queue}"]
    waiting = [f"due:{level}:{queue}" for level in _LEVELS]
    held = [f"held:{queue}"]
    return {"ready": waiting + held, "scheduled": waiting, "running": held}.get(status, [])


async def queues_of(link: Link) -> list[str]:
    """The names of all queues that ever had a job."""
    return sorted([name.decode() for name in await link.ask("SMEMBERS", link.key("queues"))])


async def find(link: Link, which: Filter, limit: int) -> list[Row]:
    """In the order of ids, so that a page needs only the last one's."""
    if limit <= 0:
        return []
    first, full = list[str](), list[str]()
    async for ids in sift(link, which, _FIND, before=full):
        for id in {each.decode() for each in ids}.difference(first):
            insort(first, id)
        del first[limit:]
        full[:] = first[-1:] if len(first) == limit else []
    return [row for start in range(0, len(first), CHUNK) for row in await rows(link, first[start : start + CHUNK])]


async def rows(link: Link, ids: list[str]) -> list[Row]:
    """These jobs as people see them, those that are shown."""
    return [_row(*each) for each in await link.run(_ROWS, *[""] * 9, *ids)]


def _row(id: bytes, doc: bytes, state: bytes, trail: bytes, status: bytes, due: bytes) -> Row:
    it = documents.state(state)[1] if state else documents.State()
    job, accepted, _ = documents.opened(id.decode(), doc, it, trail)
    shown = status.decode()
    return Row(
        job=job,
        status=shown,
        accepted=accepted / SECOND,
        due=int(due) / SECOND if due and shown != "parked" else None,
        ended=None if it.ended is None else it.ended / SECOND,
        crashes=it.crashes,
        reason=f"no slot in lane {it.lane}" if shown == "parked" else it.reason,
        worker=it.worker if shown == "running" else "",
        cancel=it.cancel,
        place=it.seq,
    )
