"""Settle and extend, inside a transaction: what went well with nothing special in one statement, the others one by one."""

from collections.abc import Sequence
from typing import Any, Final, Literal

from workhorse.core.contract import Cancelled, Claim, Dead, Outcome, Put, Released, Retried, Succeeded
from workhorse.engines import intake, keeping, tokens
from workhorse.engines.keeping import micros
from workhorse.engines.sqlite import endings, envelopes, facts, lanes
from workhorse.engines.sqlite.publishing import publish
from workhorse.engines.sqlite.tx import CANCELLED, DEAD, SUCCEEDED, Tx, numbers
from workhorse.engines.sqlite.uniques import KEPT, SETTLED

_SUCCEED: Final = (
    "update workhorse_jobs set state = 2, ended = ?, due = ?, slot = 0"
    " where seq in (select value from json_each(?)) and token = ? and state < 2"
)
_FORGET: Final = "delete from workhorse_jobs where seq in (select value from json_each(?)) and token = ? and state < 2"
_HELD: Final = (
    "select seq from workhorse_jobs where seq in (select value from json_each(?)) and token = ? and state < 2"
)
_ENDINGS: Final[dict[type[Outcome], int]] = {Succeeded: SUCCEEDED, Cancelled: CANCELLED, Dead: DEAD}

Undone = tuple[Outcome, str]
Plain = dict[tuple[int, int], dict[int, Outcome]]


def settle(tx: Tx, outcomes: Sequence[Outcome]) -> list[Undone]:
    """Each whole or not at all; returned is what was not done, and why."""
    plain, rest = _sorted_out(tx, outcomes)
    undone = _succeed(tx, plain)
    undone += [(outcome, why) for outcome in rest if (why := _settle_one(tx, outcome))]
    return undone


def _sorted_out(tx: Tx, outcomes: Sequence[Outcome]) -> tuple[Plain, list[Outcome]]:
    """What went well with nothing special, by token and by how long it is kept; and the rest.

    Most come from one claim and are kept alike.
    """
    plain: Plain = {}
    rest: list[Outcome] = []
    claim, ttl, ours, same = "", -1.0, True, dict[int, Outcome]()
    for outcome in outcomes:
        job, writes = outcome.claim.job, outcome.writes
        special = outcome.publish or outcome.trail is not None
        if special or type(outcome) is not Succeeded or (writes and not _is_plain(writes)):
            rest.append(outcome)
            continue
        random, _, row = outcome.claim.token.partition(".")
        lives = _ttl(writes) if writes else 0.0
        if random != claim or lives != ttl or ours is not keeping.is_ours(job.id):
            claim, ttl, ours = random, lives, keeping.is_ours(job.id)
            same = plain.setdefault(
                (tokens.parsed(outcome.claim.token)[0], endings.kept_until(tx, SUCCEEDED, job.id, ttl)), {}
            )
        seq = int(row) if row.isdecimal() else -1
        if seq in same:
            rest.append(outcome)
        else:
            same[seq] = outcome
    return plain, rest


def _is_plain(writes: Sequence[Put]) -> bool:
    return writes[0].expect is None if len(writes) == 1 else all(put.expect is None for put in writes)


def _ttl(writes: Sequence[Put]) -> float:
    return writes[0].ttl or 0.0 if len(writes) == 1 else max((put.ttl or 0.0 for put in writes), default=0.0)


def _succeed(tx: Tx, plain: Plain) -> list[Undone]:
    undone: list[Undone] = []
    writes: list[Put] = []
    for (token, kept), same in plain.items():
        hanging = _hanging(tx, token, same)
        stale = _end_all(tx, token, kept, list(same))
        undone += [(same.pop(seq), "stale") for seq in stale]
        if kept > tx.now:
            tx.ended += len(same)
        else:
            tx.ended += len(hanging)  # what they leave for a while is pruned
            endings.forget_bodies(tx, [seq for seq, it in same.items() if len(it.claim.job.payload) > envelopes.INLINE])
        if hanging:
            endings.let_go(tx, hanging, SETTLED if kept > tx.now else KEPT)
        writes += [put for outcome in same.values() for put in outcome.writes]
    if writes:
        facts.write(tx, writes)
    return undone


def _hanging(tx: Tx, token: int, same: dict[int, Outcome]) -> Sequence[endings.Hanging]:
    """What the lanes and unique keys have of those that are still held; most jobs have neither, and do not pay for it."""
    seqs = [seq for seq, it in same.items() if it.claim.job.lane is not None or it.claim.job.unique is not None]
    sql = f"select {endings.HANGING} from workhorse_jobs where seq in (select value from json_each(?)) and token = ? and state < 2"
    return tx.all(sql, numbers(seqs), token) if seqs else ()


def _end_all(tx: Tx, token: int, kept: int, seqs: list[int]) -> list[int]:
    """End these in one statement; which of them are stale is asked only if some are."""
    sql, values = (_SUCCEED, (tx.now, kept)) if kept > tx.now else (_FORGET, ())
    these = numbers(seqs)
    tx.con.execute("savepoint ending")
    done = tx.run(sql, *values, these, token)
    stale: list[int] = []
    if done < len(seqs):
        tx.con.execute("rollback to ending")
        good = {seq for (seq,) in tx.all(_HELD, these, token)}
        tx.run(sql, *values, numbers(list(good)), token)
        stale = [seq for seq in seqs if seq not in good]
    tx.con.execute("release ending")
    return stale


def _settle_one(tx: Tx, outcome: Outcome) -> str:
    """Why it was not done; empty: it was."""
    token, seq = tokens.parsed(outcome.claim.token)
    job = tx.one(
        "select seq, id, lane, slot, ukey, cancel, queue from workhorse_jobs where seq = ? and token = ? and state < 2",
        seq, token,
    )  # fmt: skip
    if job is None or job[1] != outcome.claim.job.id:
        return "stale"
    for env in outcome.publish:
        if reason := intake.refusal(env):
            return f"job {env.id}: {reason}"
    if not _write(tx, outcome.writes):
        return "conflict"
    if outcome.trail is not None:
        tx.run("update workhorse_jobs set trail = ? where seq = ?", outcome.trail or None, seq)
    if isinstance(outcome, Retried | Released):
        _again(tx, outcome, job)
    else:
        state = _ENDINGS[type(outcome)]
        why = outcome.reason if isinstance(outcome, Dead) else None
        endings.end(tx, job[:5], state, endings.kept_until(tx, state, job[1], _ttl(outcome.writes)), why)
    if outcome.publish:
        publish(tx, outcome.publish)
    return ""


def _write(tx: Tx, writes: Sequence[Put]) -> bool:
    if all(put.expect is None for put in writes):
        if writes:
            facts.write(tx, writes)
        return True
    tx.con.execute("savepoint outcome")
    kept = None not in facts.put(tx, writes)
    if not kept:
        tx.con.execute("rollback to outcome")
    tx.con.execute("release outcome")
    return kept


def _again(tx: Tx, outcome: Retried | Released, job: tuple[Any, ...]) -> None:
    seq, _, lane, slot, _, cancel, queue = job
    due = tx.now if cancel else tx.now + micros(outcome.after)
    counts = isinstance(outcome, Retried)
    tx.run(
        "update workhorse_jobs set state = 0, token = 0, due = ?, attempt = attempt + ?, crashes = case ? when 1 then 0"
        " else crashes end where seq = ?",
        due, counts, counts, seq,
    )  # fmt: skip
    if slot and not lanes.is_ordered(tx, lane):
        lanes.free(tx, seq, lane)  # before its successor asks; this one asks again when it is due
    tx.queues.add(queue)


def extend(tx: Tx, claims: Sequence[Claim], lease: float) -> list[Literal["kept", "lost", "cancel"]]:
    """Keep them; one answer a claim, in order."""
    by_token: dict[int, list[int]] = {}
    names = [tokens.parsed(claim.token) for claim in claims]
    for token, seq in names:
        by_token.setdefault(token, []).append(seq)
    held: dict[tuple[int, int], tuple[str, int]] = {}
    for token, seqs in by_token.items():
        these = "where seq in (select value from json_each(?)) and token = ? and state < 2"
        for seq, id, cancel in tx.all(f"select seq, id, cancel from workhorse_jobs {these}", numbers(seqs), token):
            held[token, seq] = id, cancel
        tx.run(f"update workhorse_jobs set due = ? {these}", tx.now + micros(lease), numbers(seqs), token)
    answers: list[Literal["kept", "lost", "cancel"]] = []
    for claim, name in zip(claims, names, strict=True):
        id, cancel = held.get(name, ("", 0))
        answers.append("lost" if id != claim.job.id else "cancel" if cancel else "kept")
    return answers
