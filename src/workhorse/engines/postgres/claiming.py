"""Claim: each priority level in turn, the queues in their order, none of them more than its share."""

import time
from collections.abc import Sequence
from typing import Final

from workhorse.core.contract import Claim, Envelope
from workhorse.engines import tokens
from workhorse.engines.keeping import SECOND, micros
from workhorse.engines.postgres import envelopes
from workhorse.engines.postgres.link import Link, Record
from workhorse.engines.postgres.news import News

_CLAIM: Final = """
with moment as materialized (select workhorse.now_us() as now),
ready as materialized (
    select l.queue, l.priority, l.floor, l.n, count(*) over (partition by l.priority) as ready
    from unnest($1::text[], $2::smallint[], $3::bigint[]) with ordinality as l(queue, priority, floor, n)
    where exists (
        select from workhorse.jobs j where j.queue = l.queue and j.priority = l.priority and j.state = 0
            and j.due >= l.floor and j.due <= (select now from moment) and j.lease <= (select now from moment)
    ) and not exists (select from workhorse.paused p where p.queue = l.queue)
),
turn as materialized (  -- each its share; the rest of it goes to who has more than a share
    select r.queue, r.priority, r.floor, r.n, part.round, part.skip, part.most
    from ready r cross join lateral (values
        (1, 0, case when r.ready = 1 then $4::integer else greatest(1, $4 / 2) end), (2, greatest(1, $4 / 2), $4)
    ) as part(round, skip, most)
    where part.round = 1 or r.ready > 1
    order by r.priority desc, part.round, r.n
),
found as materialized (
    select f.seq, f.due, f.odd, t.round, t.n from turn t cross join lateral (
        select j.seq, j.due, j.lane is not null or j.ukey is not null as odd from workhorse.jobs j
        where j.queue = t.queue and j.priority = t.priority and j.state = 0 and j.due >= t.floor
            and j.due <= (select now from moment) and j.lease <= (select now from moment)
        order by j.due offset t.skip limit t.most for update skip locked
    ) f limit $4
),
special as materialized (
    select exists (select from found where odd) or exists (select from workhorse.asking where seq > 0) as special
),
held as (
    update workhorse.jobs j set token = $5, lease = (select now from moment) + $6, worker = $7,
        crashes = j.crashes + (j.token <> 0)::integer
    from found f where j.seq = f.seq and not (select special from special)
    returning j.seq, j.id, j.task, j.payload, j.attempt, j.trail, j.extra, j.queue, j.priority, j.crashes, j.accepted,
        j.expires <= (select now from moment) as expired, j.cancel, f.due, f.round, f.n
)
select h.seq, h.id, h.task, h.payload, h.attempt, h.trail, h.extra, h.queue, h.priority, h.crashes, h.accepted, h.expired,
    h.cancel, h.due, s.special
from special s left join held h on true order by h.priority desc, h.round, h.n, h.due
"""
_SPECIAL: Final = "select *, false from workhorse.claim($1, $2, $3, $4, $5)"
_ENTER: Final = """
with made as (insert into workhorse.workers (name) values ($1) on conflict (name) do nothing returning id)
select id from made union all select id from workhorse.workers where name = $1
"""
_LEVELS: Final = (3, 2, 1)
_SLACK: Final = SECOND // 5
"""Microseconds for which a job that becomes visible late, behind others of its queue and level, is still met at once."""

_FULL: Final = 1.0
"""Seconds between two looks at everything that is due: they find the jobs whose claims are lost."""

_SPECIAL_FOR: Final = 5.0
"""Seconds for which claims go straight to the function after they met a lane or a unique key."""


class Claims:
    """Of one engine: what it knows of the queues, to save the server walking over what was claimed long ago."""

    def __init__(self, link: Link, news: News, worker: str) -> None:
        self._link, self._news, self._name = link, news, worker
        self._worker: int | None = None
        self._floors: dict[tuple[str, int], int] = {}
        self._looked = self._special = float("-inf")

    async def claim(self, queues: Sequence[str], limit: int, lease: float) -> list[Claim]:
        """What is due, at most `limit`."""
        names = list(dict.fromkeys(queues))
        if self._worker is None:
            self._worker = await self._enter()
        token = tokens.fresh()
        values = token, micros(lease)
        if time.monotonic() < self._special:
            return await self._claim_special(names, limit, *values)
        if full := time.monotonic() - self._looked >= _FULL:
            self._forget_floors()
        rows = await self._look(names, limit, *values)
        if rows[0]["seq"] is None and not rows[0]["special"] and not full:
            self._forget_floors()
            rows = await self._look(names, limit, *values)
        if rows[0]["special"]:
            self._special = time.monotonic() + _SPECIAL_FOR
            return await self._claim_special(names, limit, *values)
        return [] if rows[0]["seq"] is None else self._claims(rows, token)

    async def _look(self, queues: list[str], limit: int, token: int, lease: int) -> list[Record]:
        places = [(queue, level) for level in _LEVELS for queue in queues]
        floors = [self._floors.get(place, 0) for place in places]
        names, levels = zip(*places, strict=True)
        return await self._link.fetch(_CLAIM, names, levels, floors, limit, token, lease, self._worker)

    async def _claim_special(self, queues: list[str], limit: int, token: int, lease: int) -> list[Claim]:
        rows = await self._link.fetch(_SPECIAL, queues, limit, lease, token, self._worker)
        made = self._claims(rows, token)
        if admitting := {
            claim.job.queue for claim in made if claim.job.lane is not None and claim.job.lane.width is None
        }:
            self._news.tell(admitting)  # a rate alone: the claim admits the next
        return made

    def _claims(self, rows: list[Record], token: int) -> list[Claim]:
        made: list[Claim] = []
        prefix = f"{token:016x}."
        place, last = ("", 0), 0
        for row in rows:
            (
                seq,
                id,
                task,
                payload,
                attempt,
                trail,
                extra,
                queue,
                priority,
                crashes,
                accepted,
                expired,
                cancel,
                due,
                _,
            ) = row
            if extra is None:
                env = Envelope(
                    id, task, payload, queue, "", {}, priority, 0, None, None, attempt, "", False, trail or b""
                )
            else:
                env = envelopes.envelope(id, task, payload, attempt, trail, extra, queue, priority)
            made.append(Claim(env, f"{prefix}{seq}", crashes, accepted / SECOND, bool(expired), cancel))
            if place != (queue, priority):
                self._raise_floor(place, last)
                place = queue, priority
            last = due
        self._raise_floor(place, last)
        return made

    def _raise_floor(self, place: tuple[str, int], due: int) -> None:
        if due:
            self._floors[place] = max(self._floors.get(place, 0), due - _SLACK)

    def _forget_floors(self) -> None:
        self._floors.clear()
        self._looked = time.monotonic()

    async def _enter(self) -> int:
        while True:
            if found := await self._link.fetch(_ENTER, self._name):
                return int(found[0][0])
