"""A person's orders: put back, cancel, delete; a chunk at a time, each chunk a transaction of its own."""

from collections.abc import Awaitable, Callable
from typing import Final

from workhorse.core import trail as trails
from workhorse.core.contract import Filter
from workhorse.engines import intake, keeping
from workhorse.engines.keeping import micros
from workhorse.engines.postgres import search
from workhorse.engines.postgres.link import Link
from workhorse.engines.postgres.news import News

CHUNK: Final = 1000
"""Jobs in one transaction, so that workers get their turns while a million dead letters go."""

Order = Callable[[Link, News, Filter, int], Awaitable[tuple[int, int | None]]]
"""Does it to the next chunk behind a row's number; answers how many it was done to, and the last number (None: there are no more)."""

_THESE: Final = (
    f"{search.MOMENT}, these as materialized ({{these}}), picked as (select array(select seq from these) as seqs)"
)
_LAST: Final = "(select max(seq) from these) as last"
_CANCEL: Final = f"{_THESE} select c.*, {_LAST} from picked, workhorse.cancel(picked.seqs, {{status}}::text) as c"
_ERASE: Final = (
    f"{_THESE} select e.*, {_LAST} from picked,"
    " workhorse.erase(picked.seqs, {status}::text, {note}::bytea, {life}::bigint) as e"
)
_DEAD: Final = (
    f"{_THESE} select j.seq, j.attempt, j.trail, j.lane, j.extra"
    " from these join workhorse.jobs j on j.seq = these.seq order by j.seq"
)
_REVIVE: Final = (
    "select done, queues, keys from workhorse.revive($1::bigint[], $2::integer[], $3::bytea[], $4::text[], $5::integer[],"
    " $6::boolean[], $7::bigint[], $8::integer[])"
)


async def retry(link: Link, news: News, which: Filter, after: int) -> tuple[int, int | None]:
    """Put dead ones back. What is put into their trails is made here, so they are seen first; one that has changed by then stays."""
    these, values = search.picking(which, after, CHUNK, "j.state = 3")
    found = await link.fetch(_DEAD.format(these=these), *values)
    if not found:
        return 0, None
    lanes = [intake.lane_of(row["extra"]) for row in found]
    (did,) = await link.fetch(
        _REVIVE,
        [row["seq"] for row in found],
        [row["attempt"] for row in found],
        [trails.renewed(row["trail"] or b"", row["attempt"]) for row in found],
        [row["lane"] for row in found],
        [lane and lane.width for lane in lanes],
        [lane and lane.ordered for lane in lanes],
        [lane and micros(lane.every) for lane in lanes],
        [lane and lane.burst for lane in lanes],
    )
    news.tell(did["queues"] or (), did["keys"] or ())
    return did["done"], found[-1]["seq"]


async def cancel(link: Link, news: News, which: Filter, after: int) -> tuple[int, int | None]:
    """Mark those that have not ended. One that nobody holds becomes due at once, parked or not; one that is held is told by `extend`:
    made due as well, it would be claimed twice."""
    these, values = search.picking(which, after, CHUNK)
    values.append(which.status)
    (did,) = await link.fetch(_CANCEL.format(these=these, status=f"${len(values)}"), *values)
    news.tell(did["queues"] or ())
    return did["done"], did["last"]


async def delete(link: Link, news: News, which: Filter, after: int) -> tuple[int, int | None]:
    """Forget them, whatever they do; who waits for the result of one that had not ended is told."""
    these, values = search.picking(which, after, CHUNK)
    values += [which.status, keeping.DELETED, micros(keeping.DELETED_TTL)]
    status, note, life = (f"${len(values) - back}" for back in (2, 1, 0))
    (did,) = await link.fetch(_ERASE.format(these=these, status=status, note=note, life=life), *values)
    news.tell(did["queues"] or (), did["keys"] or ())
    news.wear(did["done"])
    return did["done"], did["last"]
