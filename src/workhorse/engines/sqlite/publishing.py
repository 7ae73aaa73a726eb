"""Publish, inside a transaction: plain jobs in one statement, those with a lane, a unique key or a topic one by one."""

from collections.abc import Sequence

from workhorse.core.contract import Answer, Envelope
from workhorse.engines import intake, keeping
from workhorse.engines.sqlite import collisions, endings, envelopes, lanes, results, topics, uniques
from workhorse.engines.sqlite.tx import PARKED, Tx, words

ACCEPTED = Answer("accepted")
_INSERT = f"{envelopes.INTO} values ({envelopes.MARKS}) returning seq"


def publish(tx: Tx, jobs: Sequence[Envelope]) -> list[Answer]:
    """One answer a job, in order."""
    answers: list[Answer] = []
    plain: list[Envelope] = []
    for env in jobs:
        if reason := intake.refusal(env):
            answers.append(Answer("refused", reason=reason))
        elif not env.queue:
            answers.append(_fan_out(tx, env))
        elif env.lane is None and env.unique is None and not env.dead:
            plain.append(env)
            answers.append(ACCEPTED)
        else:
            answers.append(_accept(tx, env))
    if plain:
        _accept_plain(tx, plain)
    return answers


def _accept_plain(tx: Tx, jobs: list[Envelope]) -> None:
    if given := [env.id for env in jobs if not keeping.is_ours(env.id)]:
        _begin_anew(tx, given)
    before = tx.con.total_changes
    envelopes.INSERT.run(tx.con, [envelopes.plain(env, tx.now) for env in jobs])
    if tx.con.total_changes - before < len(jobs):
        _again(tx, jobs)
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
        uniques.take(tx, env.unique, env.id)
    if env.lane is not None:
        lanes.admit(tx, env.lane.key)
    return ACCEPTED


def _insert(tx: Tx, env: Envelope) -> None:
    row = tx.one(_INSERT, *envelopes.full(env, tx.now, tx.now + tx.policy.dead_retain))
    if row is not None and len(env.payload) > envelopes.INLINE:
        tx.run("insert into workhorse_bodies (seq, payload) values (?, ?)", row[0], env.payload)
    tx.queues.add(env.queue)
