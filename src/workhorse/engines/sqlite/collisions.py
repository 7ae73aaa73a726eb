"""When a unique key is taken already: whose it is, and what becomes of the newcomer."""

from workhorse.core.contract import Answer, Envelope, Unique
from workhorse.engines import intake
from workhorse.engines.keeping import micros
from workhorse.engines.sqlite import endings, envelopes, lanes
from workhorse.engines.sqlite.tx import PARKED, Tx


def standing(tx: Tx, key: str) -> str:
    """The id of the job that the key stands for; empty: the key is free."""
    found = tx.one("select id, within, freed from workhorse_uniques where ukey = ?", key)
    if found is None:
        return ""
    id, within, freed = found
    if not freed:
        holder = tx.one("select seq, state, due from workhorse_jobs where id = ?", id)
        if holder is not None and (holder[1] <= PARKED or holder[2] > tx.now):
            return str(id)
        if holder is not None:  # no longer kept: it only waits to be pruned, and holds nothing
            endings.forget(tx, [holder[0]])
    return str(id) if within > tx.now else ""


def collide(tx: Tx, env: Envelope, unique: Unique, standing: str) -> Answer:
    """The key stands for another job: keep that one, or give it this one's payload and due."""
    if unique.conflict == "replace" and _replace(tx, env, unique, standing):
        return Answer("replaced", of=standing)
    return Answer("duplicate", of=standing)


def _replace(tx: Tx, env: Envelope, unique: Unique, standing: str) -> bool:
    """A waiting one takes this payload and due, and keeps its id, lane and priority; one that runs stays."""
    found = tx.one(
        "select seq, state, slot, lane, extra, queue, cancel from workhorse_jobs"
        " where id = ? and ukey = ? and token = 0 and state <= ?",
        standing, unique.key, PARKED,
    )  # fmt: skip
    if found is None:
        return False
    seq, state, slot, lane, extra, queue, cancel = found
    due = intake.due(env, tx.now)
    inline = env.payload if len(env.payload) <= envelopes.INLINE else None
    tx.run("delete from workhorse_bodies where seq = ?", seq)
    if inline is None:
        tx.run("insert into workhorse_bodies (seq, payload) values (?, ?)", seq, env.payload)
    tx.run(
        "update workhorse_jobs set payload = ?, due = ?, expires = ?, extra = ? where seq = ?",
        inline, due, None if env.expires is None else tx.now + micros(env.expires), intake.repack(extra, env), seq,
    )  # fmt: skip
    if lane is not None and not (
        cancel and due <= tx.now
    ):  # who is asked to cancel needs no slot, and must not wait for one
        lanes.moved(tx, seq, lane, state, slot, due)
    tx.queues.add(queue)
    return True
