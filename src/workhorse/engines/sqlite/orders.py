"""A person's orders, inside a transaction: put back, cancel, delete."""

from collections.abc import Callable
from typing import Final

from workhorse.core import trail as trails
from workhorse.engines import intake
from workhorse.engines.sqlite import endings, lanes, results
from workhorse.engines.sqlite.tx import DEAD, LIVE, PARKED, Tx, numbers

Order = Callable[[Tx, list[int]], int]

_THESE: Final = "seq in (select value from json_each(?))"


def retry(tx: Tx, seqs: list[int]) -> int:
    """Put the dead ones of these back: the next attempt, with a fresh budget and no crashes."""
    found = tx.all(
        f"select seq, id, queue, attempt, trail, lane, extra from workhorse_jobs where {_THESE} and state = ?",
        numbers(seqs), DEAD,
    )  # fmt: skip
    for seq, _, queue, attempt, trail, lane, extra in found:
        tx.run(
            "update workhorse_jobs set state = ?, due = ?, token = 0, attempt = attempt + 1, crashes = 0, cancel = 0,"
            " expires = null, ended = null, reason = null, trail = ? where seq = ?",
            LIVE if lane is None else PARKED, tx.now, trails.renewed(trail or b"", attempt), seq,
        )  # fmt: skip
        if lane is not None:
            lanes.restore(tx, intake.lane_of(extra))
            lanes.admit(tx, lane)
        tx.queues.add(queue)
    results.begin_anew(tx, [row[1] for row in found])
    return len(found)


def cancel(tx: Tx, seqs: list[int]) -> int:
    """Mark those that have not ended. One that nobody holds becomes due at once, parked or not; one that is held is told by `extend`:
    made due as well, it would be claimed twice."""
    these = numbers(seqs)
    marked = tx.run(f"update workhorse_jobs set cancel = 1 where {_THESE} and state < 2", these)
    free = tx.all(
        f"update workhorse_jobs set state = 0, due = ? where {_THESE} and state < 2 and token = 0 returning queue",
        tx.now, these,
    )  # fmt: skip
    tx.queues.update(queue for (queue,) in free)
    return marked


def delete(tx: Tx, seqs: list[int]) -> int:
    """Forget them, whatever they do; who waits for the result of one that had not ended is told."""
    found = tx.all(f"select id, state from workhorse_jobs where {_THESE}", numbers(seqs))
    endings.forget(tx, seqs)
    results.say_deleted(tx, [id for id, state in found if state <= PARKED])
    return len(found)
