"""Unique keys: how one is taken and freed. A freed one stays taken until its `within` has passed."""

from collections.abc import Sequence
from typing import Final

from workhorse.core.contract import Unique
from workhorse.engines.keeping import micros
from workhorse.engines.sqlite.inserts import Insert
from workhorse.engines.sqlite.tx import Tx, words

CLAIMED: Final = 0
SETTLED: Final = 1
KEPT: Final = 2
_TAKE: Final = Insert(
    "insert into workhorse_uniques (ukey, id, until, within)",
    4,
    "on conflict (ukey) do update set id = excluded.id, until = excluded.until, within = excluded.within, freed = 0",
)
_THEIRS: Final = "where ukey in (select value from json_each(?)) and id in (select value from json_each(?))"
UNTIL: Final = {"claimed": CLAIMED, "settled": SETTLED, "kept": KEPT}


def take(tx: Tx, its: Sequence[tuple[Unique, str]]) -> None:
    """Each key is its job's from now on."""
    _TAKE.run(tx.con, [(it.key, id, UNTIL[it.until], _within(tx, it)) for it, id in its])


def release(tx: Tx, its: Sequence[tuple[str, str]], moment: int) -> None:
    """Jobs have come to this moment: each key is free, if that is when, and once `within` has passed.

    A key that stands for one of these ids is that job's own, so keys and ids need not be matched one by one.
    """
    if not its:
        return
    keys, ids = words(key for key, _ in its), words(id for _, id in its)
    where = f"{_THEIRS} and until <= ?"
    tx.run(f"delete from workhorse_uniques {where} and within <= ?", keys, ids, moment, tx.now)
    tx.run(f"update workhorse_uniques set freed = 1 {where}", keys, ids, moment)


def _within(tx: Tx, unique: Unique) -> int:
    return tx.now + micros(unique.within) if unique.within else 0
