"""Settle and extend: what went well with nothing special in one statement, the others by a function on the server."""

from collections.abc import Sequence
from typing import Final, Literal

import msgspec

from workhorse.core.contract import Cancelled, Claim, Dead, Envelope, Outcome, Put, Released, Retried, Succeeded
from workhorse.engines import keeping, tokens
from workhorse.engines.keeping import FOREVER, Policy, micros
from workhorse.engines.postgres import envelopes
from workhorse.engines.postgres.link import Link
from workhorse.engines.postgres.news import News

_SUCCEED: Final = """
with moment as materialized (select workhorse.now_us() as now),
given as materialized (select * from unnest($1::bigint[], $2::bigint[], $3::bigint[]) as g(seq, token, keep)),
done as (
    {done} where j.seq = g.seq and j.token = g.token and j.state < 2 returning j.seq
){wrote}
select seq from given where seq not in (select seq from done)
"""
_KEPT: Final = "update workhorse.jobs j set state = 2, ended = moment.now, due = moment.now + g.keep from given g cross join moment"
_GONE: Final = "delete from workhorse.jobs j using given g"
_WROTE: Final = """,
wrote as (
    insert into workhorse.facts (key, value, version, expires)
    select distinct on (w.key) w.key, w.value, nextval('workhorse.versions'), moment.now + w.ttl
    from unnest($4::bigint[], $5::text[], $6::bytea[], $7::bigint[]) with ordinality as w(seq, key, value, ttl, n)
    cross join moment where (w.seq in (select seq from done)) is true  -- so said, it is looked up in a hash
    order by w.key, w.n desc
    on conflict (key) do update set value = excluded.value, version = excluded.version, expires = excluded.expires
)"""
_END: Final = {kept: _SUCCEED.format(done=done, wrote="") for kept, done in ((True, _KEPT), (False, _GONE))}
_END_AND_WRITE: Final = {
    kept: _SUCCEED.format(done=done, wrote=_WROTE) for kept, done in ((True, _KEPT), (False, _GONE))
}
_SETTLE: Final = "select answers, queues from workhorse.settle($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
_EXTEND: Final = """
with moment as materialized (select workhorse.now_us() as now),
held as materialized (
    select j.seq from unnest($1::bigint[], $2::bigint[]) as g(seq, token) join workhorse.jobs j on j.seq = g.seq and j.token = g.token
    where j.state < 2 order by j.seq for update of j
)
update workhorse.jobs j  -- due as well: what is held for long is not in the way of claims
set due = moment.now + $3, lease = moment.now + $3 from held, moment where j.seq = held.seq
returning j.seq, j.token, j.id, j.cancel
"""
_KINDS: Final[dict[type[Outcome], int]] = {Retried: 0, Released: 1, Succeeded: 2, Dead: 3, Cancelled: 4}

Undone = tuple[Outcome, str]
Plain = dict[int, tuple[int, Outcome]]
"""By row, in the order in which the rows are locked: the token and the outcome."""


class Ended(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """An outcome without its bytes: the fields of the type `workhorse.outcome`. Durations are microseconds."""

    seq: int
    token: int
    id: str
    kind: int
    keep: int
    after: int | None = None
    reason: str | None = None
    trailed: bool = False
    writes: tuple[int, int] = (1, 0)
    expects: bool = False
    jobs: list[envelopes.Given] | None = None
    slice: tuple[int, int] = (1, 0)
    unfit: str | None = None


async def settle(link: Link, news: News, outcomes: Sequence[Outcome]) -> list[Undone]:
    """Each whole or not at all; returned is what was not done, and why."""
    plain, rest = _sorted_out(outcomes)
    undone: list[Undone] = []
    keeps = {seq: keep(link.place.policy, outcome) for seq, (_, outcome) in plain.items()}
    for kept in (True, False):
        if some := {seq: until for seq, until in keeps.items() if (until > 0) is kept}:
            undone += await _succeed(link, news, plain, some, kept)
    if rest:
        undone += await _settle_rest(link, news, rest)
    return undone


def keep(policy: Policy, outcome: Outcome) -> int:
    """For how long an ended row is kept: as long as the policy says, and as the facts that are written with its end."""
    if isinstance(outcome, Dead):
        return min(policy.dead_retain, FOREVER)
    lives = policy.retain
    for put in outcome.writes:
        if put.ttl:
            lives = max(lives, micros(put.ttl))
    return lives if keeping.is_ours(outcome.claim.job.id) else max(lives, keeping.GIVEN)


def _sorted_out(outcomes: Sequence[Outcome]) -> tuple[Plain, list[Outcome]]:
    """What went well with nothing special; and the rest."""
    plain: Plain = {}
    rest: list[Outcome] = []
    for outcome in outcomes:
        job, writes = outcome.claim.job, outcome.writes
        special = outcome.publish or outcome.trail is not None or job.lane is not None or job.unique is not None
        token, seq = tokens.parsed(outcome.claim.token)
        if special or type(outcome) is not Succeeded or seq in plain or (writes and not _is_plain(writes)):
            rest.append(outcome)
        else:
            plain[seq] = token, outcome
    return dict(sorted(plain.items())), rest  # rows are locked as they are given


def _is_plain(writes: Sequence[Put]) -> bool:
    return all(put.expect is None for put in writes)


async def _succeed(link: Link, news: News, plain: Plain, keeps: dict[int, int], kept: bool) -> list[Undone]:
    """Those of the plain ones that `keeps` names: all of them kept for a while, or none."""
    seqs = list(keeps)
    names = [plain[seq][0] for seq in seqs]
    writes = [(seq, put) for seq in seqs for put in plain[seq][1].writes]
    if not writes:
        stale = await link.fetch(_END[kept], seqs, names, list(keeps.values()))
    else:
        owners = [seq for seq, _ in writes]
        facts = [put for _, put in writes]
        stale = await link.fetch(
            _END_AND_WRITE[kept],
            seqs,
            names,
            list(keeps.values()),
            owners,
            [put.key for put in facts],
            [put.value for put in facts],
            ttls(facts),
        )
    news.wear(kept * len(seqs) + len(writes))
    if writes:
        news.tell(keys={put.key for _, put in writes})
    return [(plain[seq][1], "stale") for (seq,) in stale]


def ttls(puts: Sequence[Put]) -> list[int | None]:
    """For the server: microseconds."""
    return [None if put.ttl is None else micros(put.ttl) for put in puts]


async def _settle_rest(link: Link, news: News, rest: list[Outcome]) -> list[Undone]:
    policy = link.place.policy
    puts = [put for outcome in rest for put in outcome.writes]
    jobs = [env for outcome in rest for env in outcome.publish]
    ((answers, queues),) = await link.fetch(
        _SETTLE,
        envelopes.as_json(_ended(policy, rest)),
        [outcome.trail or None for outcome in rest],
        [put.key for put in puts],
        [put.value for put in puts],
        [put.expect for put in puts],
        ttls(puts),
        *_bytes_of(jobs),
        policy.dead_retain,
    )
    news.wear(len(rest) + len(puts))
    news.tell({*queues, *map(_wakes, rest)} - {""}, {put.key for put in puts})
    return [(outcome, why) for outcome, why in zip(rest, answers, strict=True) if why]


def _wakes(outcome: Outcome) -> str:
    """The queue in which it leaves work behind: itself, or the next of its lane."""
    job = outcome.claim.job
    return job.queue if job.lane is not None or isinstance(outcome, Retried | Released) else ""


def _ended(policy: Policy, rest: list[Outcome]) -> list[Ended]:
    made: list[Ended] = []
    put = job = 0
    for outcome in rest:
        writes, follow = (put + 1, put + len(outcome.writes)), (job + 1, job + len(outcome.publish))
        put, job = writes[1], follow[1]
        token, seq = tokens.parsed(outcome.claim.token)
        unfit = next((f"job {env.id}: {why}" for env in outcome.publish if (why := envelopes.refusal(env))), None)
        made.append(
            Ended(
                seq=seq,
                token=token,
                id=envelopes.storable(outcome.claim.job.id),
                kind=_KINDS[type(outcome)],
                keep=keep(policy, outcome),
                after=micros(outcome.after) if isinstance(outcome, Retried | Released) else None,
                reason=envelopes.storable(outcome.reason) if isinstance(outcome, Dead) else None,
                trailed=outcome.trail is not None,
                writes=writes,
                expects=not _is_plain(outcome.writes),
                jobs=[envelopes.given(env) for env in outcome.publish] if outcome.publish and unfit is None else None,
                slice=follow,
                unfit=unfit and envelopes.storable(unfit),
            )
        )
    return made


def _bytes_of(jobs: Sequence[Envelope]) -> envelopes.Bytes:
    fit = [env if not envelopes.refusal(env) else _NOTHING for env in jobs]
    return envelopes.bytes_of(fit)


_NOTHING: Final = Envelope("", "", b"")


async def extend(link: Link, claims: Sequence[Claim], lease: float) -> list[Literal["kept", "lost", "cancel"]]:
    """Keep them; one answer a claim, in order."""
    names = [tokens.parsed(claim.token) for claim in claims]
    rows = await link.fetch(_EXTEND, [seq for _, seq in names], [token for token, _ in names], micros(lease))
    held = {(token, seq): (id, cancel) for seq, token, id, cancel in rows}
    answers: list[Literal["kept", "lost", "cancel"]] = []
    for claim, name in zip(claims, names, strict=True):
        id, cancel = held.get(name, ("", False))
        answers.append("lost" if id != claim.job.id else "cancel" if cancel else "kept")
    return answers
