"""The end of a job: its slot and its unique key are free, its row is kept for a while; then it is forgotten."""

from collections.abc import Sequence
from typing import Final, TypeAlias

from workhorse.engines import keeping
from workhorse.engines.keeping import FOREVER, micros
from workhorse.engines.sqlite import lanes, together, uniques
from workhorse.engines.sqlite.tx import DEAD, Tx, numbers

Hanging: TypeAlias = tuple[str, str | None, int, str | None]
"""Of a job: id, lane, slot, ukey."""

HANGING: Final = "id, lane, slot, ukey"


def kept_until(tx: Tx, state: int, id: str, ttl: float = 0) -> int:
    """Until when an ended row is kept: as long as the policy says, and as the facts that were written with its end."""
    if state == DEAD:
        return min(tx.now + tx.policy.dead_retain, FOREVER)
    kept = max(tx.policy.retain, micros(ttl))
    return tx.now + (kept if keeping.is_ours(id) else max(kept, keeping.GIVEN))


def end(tx: Tx, job: tuple[int, str, str | None, int, str | None], state: int, kept: int, reason: str | None) -> None:
    """The job (seq, id, lane, slot, ukey) has come to its end."""
    seq, id, lane, slot, ukey = job
    if kept <= tx.now:
        forget(tx, [seq])
        tx.ended += lane is not None or ukey is not None  # what they leave for a while is pruned
        return
    tx.run(
        "update workhorse_jobs set state = ?, ended = ?, due = ?, reason = ? where seq = ?",
        state, tx.now, kept, reason, seq,
    )  # fmt: skip
    tx.ended += 1
    if ukey is not None:
        uniques.release(tx, [(ukey, id)], uniques.SETTLED)
    if slot and lane is not None:
        lanes.free(tx, seq, lane)


def forget(tx: Tx, seqs: list[int]) -> None:
    """Delete the rows, whatever state they are in, with all that hangs on them."""
    if not seqs:
        return
    these = numbers(seqs)
    hanging = tx.all(
        f"select {HANGING} from workhorse_jobs where seq in (select value from json_each(?))"
        " and (lane is not null or ukey is not null)",
        these,
    )
    forget_bodies(tx, seqs)
    tx.run("delete from workhorse_jobs where seq in (select value from json_each(?))", these)
    let_go(tx, hanging, uniques.KEPT)


def let_go(tx: Tx, ended: Sequence[Hanging], moment: int) -> None:
    """Free the keys and slots of jobs that have come to this moment; a lane of nobody is forgotten with them."""
    uniques.release(tx, [(ukey, id) for id, _, _, ukey in ended if ukey is not None], moment)
    together.vacate(tx, [lane for _, lane, slot, _ in ended if slot and lane is not None])
    if moment == uniques.KEPT:
        lanes.sweep(tx, {lane for _, lane, _, _ in ended if lane is not None})


def forget_bodies(tx: Tx, seqs: list[int]) -> None:
    """Delete the payloads of these that were too large for their rows."""
    if seqs:
        tx.run("delete from workhorse_bodies where seq in (select value from json_each(?))", numbers(seqs))
