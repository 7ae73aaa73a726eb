"""Our rows in the caller's own transaction: SQL text and parameters for whatever driver runs it. No answer is read."""

from collections.abc import Iterator, Sequence
from typing import Final

from workhorse.core import ids
from workhorse.core.contract import ABSENT, Envelope, Lane, Put, Unique
from workhorse.core.errors import EnqueueRefused
from workhorse.engines import intake
from workhorse.engines.keeping import micros
from workhorse.engines.sqlite import envelopes, results, topics, uniques
from workhorse.engines.sqlite.homes import Home

Statement = tuple[str, tuple[object, ...]]

_OLD: Final = "select seq from workhorse_jobs where id = ? and state > 1 and due <= ?"
_TAKEN: Final = "select id from workhorse_uniques where ukey = ? and (freed = 0 or within > ?)"
_EVENT: Final = (
    f"{envelopes.INTO} select ? || '@' || b.queue, b.queue, ?, coalesce(b.priority, ?), ?, ?, ?,"
    " coalesce(? + cast(b.expires * 1000000 as integer), ?), ?, ?, ?, ?, ?, ?, ?, ?, ?"
    f" from workhorse_bindings b where {topics.BOUND.replace(':topic', '?')} group by b.queue on conflict (id) do nothing"
)
_BODY: Final = (
    "insert into workhorse_bodies (seq, payload) select seq, ? from workhorse_jobs where payload is null and {}"
    " on conflict (seq) do nothing"
)
_VERSION: Final = "(select value from workhorse_counters where name = 'version')"


class Statements:
    """As the contract says; EnqueueRefused for jobs that cannot be stored."""

    def __init__(self, home: Home) -> None:
        self._home = home

    def statements(self, jobs: Sequence[Envelope], puts: Sequence[Put], /) -> list[Statement]:
        refused = [(env.id, reason) for env in jobs if (reason := intake.refusal(env))]
        if refused:
            raise EnqueueRefused(refused)
        now, dead = self._home.now(), self._home.policy.dead_retain
        made = [each for env in jobs for each in (_job(env, now, dead) if env.queue else _event(env, now))]
        return made + [each for put in puts for each in _put(put, now)]


def _job(env: Envelope, now: int, dead_retain: int) -> Iterator[Statement]:
    values = envelopes.full(env, now, now + dead_retain)
    unique = env.unique if not env.dead else None
    if not ids.is_ours(env.id):  # one made of chance does not come again
        yield from _forgotten(env.id, now)
        yield results.UNLESS_STORED, (env.id, env.id)
    if unique is None:
        yield f"{envelopes.INTO} values ({envelopes.MARKS}) on conflict (id) do nothing", values
    else:
        yield from _unique(env, unique, values, now)
    if len(env.payload) > envelopes.INLINE:
        yield _BODY.format("id = ? and accepted = ?"), (env.payload, env.id, now)
    if env.lane is not None and not env.dead:
        yield from _lane(env.lane)


def _forgotten(id: str, now: int) -> Iterator[Statement]:
    """A row that is no longer kept, and only waits to be pruned, does not stand in the way of a new job."""
    yield f"update workhorse_uniques set freed = 1 where id = ? and exists ({_OLD})", (id, id, now)
    yield f"delete from workhorse_bodies where seq in ({_OLD})", (id, now)
    yield f"delete from workhorse_jobs where seq in ({_OLD})", (id, now)


def _unique(env: Envelope, unique: Unique, values: tuple[object, ...], now: int) -> Iterator[Statement]:
    if unique.conflict == "replace":
        due = intake.due(env, now)
        waiting = f"id in ({_TAKEN}) and id <> ? and ukey = ? and token = 0 and state < 2"
        yield (
            f"update workhorse_jobs set payload = ?, due = ? where {waiting}",
            (env.payload, due, unique.key, now, env.id, unique.key),
        )
    yield (
        f"{envelopes.INTO} select {envelopes.MARKS} where not exists ({_TAKEN}) on conflict (id) do nothing",
        (*values, unique.key, now),
    )
    within = now + micros(unique.within) if unique.within else 0
    yield (
        "insert into workhorse_uniques (ukey, id, until, within) select ?, id, ?, ? from workhorse_jobs where id = ? and accepted = ?"
        " and ukey = ? on conflict (ukey) do update set id = excluded.id, until = excluded.until, within = excluded.within,"
        " freed = 0 where freed = 1 and within <= ?",
        (unique.key, uniques.UNTIL[unique.until], within, env.id, now, unique.key, now),
    )


def _lane(lane: Lane) -> Iterator[Statement]:
    yield (
        "insert into workhorse_lanes (lane, width, ordered, every, burst) values (?, ?, ?, ?, ?) on conflict (lane) do update"
        " set width = excluded.width, ordered = excluded.ordered, every = excluded.every, burst = excluded.burst",
        (lane.key, lane.width, int(lane.ordered), micros(lane.every), lane.burst),
    )
    yield "insert into workhorse_asking (lane) values (?) on conflict (lane) do nothing", (lane.key,)


def _event(env: Envelope, now: int) -> Iterator[Statement]:
    id, _, task, priority, due, attempt, accepted, expires, *rest = envelopes.full(env, now, now)
    topic = (env.topic,) * topics.BOUND.count(":topic")
    yield _EVENT, (id, task, priority, due, attempt, accepted, now, expires, *rest, *topic)
    if len(env.payload) > envelopes.INLINE:
        low, high = f"{env.id}@", f"{env.id}A"  # A follows @: all copies, by the index
        yield _BODY.format("id > ? and id < ? and accepted = ?"), (env.payload, low, high, now)
    if env.lane is not None:
        yield from _lane(env.lane)


def _put(put: Put, now: int) -> Iterator[Statement]:
    """What it expects in vain fails the caller's transaction: two rows of one key, or a version that is null."""
    expires = None if put.ttl is None else now + micros(put.ttl)
    yield "update workhorse_counters set value = value + 1 where name = 'version'", ()
    if put.expect is not None:
        yield "delete from workhorse_facts where key = ? and expires <= ?", (put.key, now)
    if put.expect:
        yield (
            "insert into workhorse_facts (key, value, version) select ?, ?, null"
            " where not exists (select 1 from workhorse_facts where key = ? and version = ?)",
            (put.key, put.value, put.key, put.expect),
        )
    insert = f"insert into workhorse_facts (key, value, version, expires) values (?, ?, {_VERSION}, ?)"
    overwrite = " on conflict (key) do update set value = excluded.value, version = excluded.version, expires = excluded.expires"
    yield insert + ("" if put.expect == ABSENT else overwrite), (put.key, put.value, expires)
