"""Unique keys: how one is taken and freed. A freed one stays taken until its `within` has passed."""

from typing import Final

from workhorse.core.contract import Unique
from workhorse.engines.keeping import micros
from workhorse.engines.sqlite.tx import Tx

CLAIMED: Final = 0
SETTLED: Final = 1
KEPT: Final = 2
UNTIL: Final = {"claimed": CLAIMED, "settled": SETTLED, "kept": KEPT}


def take(tx: Tx, unique: Unique, id: str) -> None:
    """The key is this job's from now on."""
    within = tx.now + micros(unique.within) if unique.within else 0
    tx.run(
        "insert into workhorse_uniques (ukey, id, until, within) values (?, ?, ?, ?) on conflict (ukey) do update"
        " set id = excluded.id, until = excluded.until, within = excluded.within, freed = 0",
        unique.key, id, UNTIL[unique.until], within,
    )  # fmt: skip


def release(tx: Tx, key: str, id: str, moment: int) -> None:
    """The job has come to this moment: its key is free, if that is when, and once `within` has passed."""
    tx.run(
        "delete from workhorse_uniques where ukey = ? and id = ? and until <= ? and within <= ?",
        key,
        id,
        moment,
        tx.now,
    )
    tx.run("update workhorse_uniques set freed = 1 where ukey = ? and id = ? and until <= ?", key, id, moment)
