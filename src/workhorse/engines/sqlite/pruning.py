"""Pruning: what is no longer kept goes, in small batches, now and then."""

from typing import Final

from workhorse.engines.keeping import SECOND
from workhorse.engines.sqlite import endings, lanes
from workhorse.engines.sqlite.tx import CANCELLED, DEAD, SUCCEEDED, Tx

BATCH: Final = 1000
_EVERY: Final = 60 * SECOND
_SEEN: Final = 2 * BATCH
"""Facts looked at in one batch, in a round over all of them: twice as many as were written meanwhile. An index on their expiry
would cost each write a fifth of its speed."""

_LANES: Final = 100
"""The same of lanes."""


class Pruner:
    """Knows when it is time: so much has ended or was written since, or a minute has passed."""

    def __init__(self, now: int) -> None:
        self.worn = 0
        self._last = now
        self._place = self._lane = ""

    def wants(self, now: int) -> bool:
        """Whether to prune now."""
        return self.worn >= BATCH or (self.worn > 0 and abs(now - self._last) >= _EVERY)

    def prune(self, tx: Tx) -> None:
        """Forget one batch of ended jobs, facts and unique keys whose time is over."""
        self.rest(tx.now)
        if _jobs(tx) >= BATCH or _uniques(tx) >= BATCH:
            self.worn = BATCH  # there is more
        self._place = _facts(tx, self._place)
        self._lane = _lanes(tx, self._lane)

    def rest(self, now: int) -> None:
        """Not again before there is a reason."""
        self.worn, self._last = 0, now


def _jobs(tx: Tx) -> int:
    old: list[int] = []
    for state in (SUCCEEDED, CANCELLED, DEAD):
        sql = "select seq from workhorse_jobs where state = ? and state > 1 and due <= ? order by due limit ?"
        old += [seq for (seq,) in tx.all(sql, state, tx.now, BATCH - len(old))]
    endings.forget(tx, old)
    return len(old)


def _facts(tx: Tx, after: str) -> str:
    """The place from which to go on; empty: from the start."""
    last = tx.one("select key from workhorse_facts where key > ? order by key limit 1 offset ?", after, _SEEN)
    upto, values = ("", (after, tx.now)) if last is None else (" and key <= ?", (after, tx.now, last[0]))
    sql = f"delete from workhorse_facts where key > ? and expires <= ?{upto} returning key"
    tx.keys.update(key for (key,) in tx.all(sql, *values))
    return "" if last is None else str(last[0])


def _lanes(tx: Tx, after: str) -> str:
    """The place from which to go on. Those of a rate outlive their last job until it has caught up."""
    keys = [
        key for (key,) in tx.all("select lane from workhorse_lanes where lane > ? order by lane limit ?", after, _LANES)
    ]
    lanes.sweep(tx, set(keys))
    return keys[-1] if len(keys) == _LANES else ""


def _uniques(tx: Tx) -> int:
    sql = (
        "delete from workhorse_uniques where ukey in"
        " (select ukey from workhorse_uniques where freed = 1 and within <= ? limit ?)"
    )
    return tx.run(sql, tx.now, BATCH)
