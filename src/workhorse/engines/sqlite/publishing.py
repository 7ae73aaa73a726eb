"""Publish, inside a transaction: plain jobs in one statement, those with a lane, a unique key or a topic one by one
where they meet others."""

from collections.abc import Sequence
from typing import Final

from workhorse.core.contract import Answer, Envelope, Lane
from workhorse.engines import intake, keeping
from workhorse.engines.sqlite import collisions, endings, envelopes, lanes, results, together, topics, uniques
from workhorse.engines.sqlite.inserts import Insert
from workhorse.engines.sqlite.tx import PARKED, Tx, words

ACCEPTED = Answer("accepted")
ALONE: Final = 3
"""Fewer jobs are as fast one by one."""

IN: Final = "in (select value from json_each(?))"
_FULL: Final = Insert(envelopes.INTO, 17)
_INSERT = f"{envelopes.INTO} values ({envelopes.MARKS}) returning seq"


def publish(tx: Tx, jobs: Sequence[Envelope]) -> list[Answer]:
    """One answer a job, in order."""
    answers: list[Answer] = []
    plain: list[Envelope] = []
    refusals = [intake.refusal(env) for env in jobs]
    keyed = _Keyed(tx, [env for env, why in zip(jobs, refusals, strict=True) if (env.lane or env.unique) and not why])
    for env, reason in zip(jobs, refusals, strict=True):
        if reason:
            answers.append(Answer("refused", reason=reason))
        elif not env.queue:
            answers.append(_fan_out(tx, env))
        elif keyed.takes(env):
            answers.append(ACCEPTED)
        elif env.lane is None and env.unique is None and not env.dead:
            plain.append(env)
            answers.append(ACCEPTED)
        else:
            keyed.insert()
            answers.append(_accept(tx, env))
    keyed.insert()
    if plain:
        _accept_plain(tx, plain)
    return answers


class _Keyed:
    """Jobs with a lane or a unique key that meet nobody: they go in together, before the next one that does meet somebody."""

    def __init__(self, tx: Tx, jobs: Sequence[Envelope]) -> None:
        self._tx, self._run = tx, list[Envelope]()
        self._ids, self._keys, self._lanes = set[str](), set[str](), dict[str, Lane]()
        self._off = len(jobs) < ALONE
        if not self._off:
            self._ids = tx.column(f"select id from workhorse_jobs where id {IN}", words(env.id for env in jobs))
            keys = words(env.unique.key for env in jobs if env.unique is not None)
            self._keys = tx.column(f"select ukey from workhorse_uniques where ukey {IN}", keys)

    def takes(self, env: Envelope) -> bool:
        """Whether it goes in with the others."""
        lane, unique = env.lane, env.unique
        if self._off or (lane is None and unique is None) or env.dead or not keeping.is_ours(env.id):
            return False
        if env.id in self._ids or (unique is not None and unique.key in self._keys):
            return False
        if lane is not None and self._lanes.setdefault(lane.key, lane) != lane:
            return False
        self._ids.add(env.id)
        if unique is not None:
            self._keys.add(unique.key)
        self._run.append(env)
        return True

    def insert(self) -> None:
        """Those so far, in their order."""
        if not self._run:
            return
        tx, run, its = self._tx, self._run, self._lanes
        together.enroll(tx, its)
        _FULL.run(tx.con, [envelopes.full(env, tx.now, 0) for env in run])
        uniques.take(tx, [(env.unique, env.id) for env in run if env.unique is not None])
        _entered(tx, run)
        together.admit(tx, its)
        self._run, self._lanes = [], {}


def _accept_plain(tx: Tx, jobs: list[Envelope]) -> None:
    if given := [env.id for env in jobs if not keeping.is_ours(env.id)]:
        _begin_anew(tx, given)
    before = tx.con.total_changes
    envelopes.INSERT.run(tx.con, [envelopes.plain(env, tx.now) for env in jobs])
    if tx.con.total_changes - before < len(jobs):
        _again(tx, jobs)
    _entered(tx, jobs)


def _entered(tx: Tx, jobs: list[Envelope]) -> None:
    for env in jobs:
        tx.queues.add(env.queue)
        if len(env.payload) > envelopes.INLINE:
            _store_body(tx, env)


def _again(tx: Tx, jobs: list[Envelope]) -> None:
    """Some ids were there. One that is no longer kept, and only waits to be pruned, does not stand in the way of a new job."""
    ids = words(env.id for env in jobs)
    stale = tx.all(
        "select id, seq from workhorse_jobs where id in (select value from json_each(?)) and state > ? and due <= ?",
        ids, PARKED, tx.now,
    )  # fmt: skip
    endings.forget(tx, [seq for _, seq in stale])
    gone = {id for id, _ in stale}
    results.begin_anew(tx, gone)
    envelopes.INSERT.run(tx.con, [envelopes.plain(env, tx.now) for env in jobs if env.id in gone])


def _begin_anew(tx: Tx, ids: list[str]) -> None:
    """An id that somebody gave may have lived before; what it came to then may be remembered for longer than its row."""
    stored = {
        id for (id,) in tx.all("select id from workhorse_jobs where id in (select value from json_each(?))", words(ids))
    }
    if fresh := [id for id in ids if id not in stored]:
        results.begin_anew(tx, fresh)


def _store_body(tx: Tx, env: Envelope) -> None:
    """Only for a row that came without one: the same id again must not bring another payload."""
    tx.run(
        "insert into workhorse_bodies (seq, payload) select seq, ? from workhorse_jobs where id = ? and payload is null"
        " on conflict (seq) do nothing",
        env.payload, env.id,
    )  # fmt: skip


def _fan_out(tx: Tx, env: Envelope) -> Answer:
    answers = [_accept(tx, copy) for copy in topics.copies(tx, env)]
    return next((answer for answer in answers if answer.kind != "accepted"), ACCEPTED)


def _accept(tx: Tx, env: Envelope) -> Answer:
    if found := tx.one("select seq, state, due from workhorse_jobs where id = ?", env.id):
        seq, state, due = found
        if state <= PARKED or due > tx.now:
            return ACCEPTED
        endings.forget(tx, [seq])
        results.begin_anew(tx, [env.id])
    elif not keeping.is_ours(env.id):
        results.begin_anew(tx, [env.id])
    if env.dead:
        _insert(tx, env)
        return ACCEPTED
    if env.unique is not None and (standing := collisions.standing(tx, env.unique.key)):
        return collisions.collide(tx, env, env.unique, standing)
    if env.lane is not None:
        lanes.enroll(tx, env.lane)
    _insert(tx, env)
    if env.unique is not None:
        uniques.take(tx, [(env.unique, env.id)])
    if env.lane is not None:
        lanes.admit(tx, env.lane.key)
    return ACCEPTED


def _insert(tx: Tx, env: Envelope) -> None:
    row = tx.one(_INSERT, *envelopes.full(env, tx.now, tx.now + tx.policy.dead_retain))
    if row is not None and len(env.payload) > envelopes.INLINE:
        tx.run("insert into workhorse_bodies (seq, payload) values (?, ?)", row[0], env.payload)
    tx.queues.add(env.queue)
