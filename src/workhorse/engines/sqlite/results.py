"""The facts `result/ID` that are the engine's: what a deleted job leaves behind, what a job that begins anew must not find."""

from collections.abc import Iterable
from typing import Final

from workhorse.core.contract import Put
from workhorse.engines import keeping
from workhorse.engines.sqlite import facts
from workhorse.engines.sqlite.tx import Tx, words

UNLESS_STORED: Final = (
    "delete from workhorse_facts where key = 'result/' || ? and not exists (select 1 from workhorse_jobs where id = ?)"
)
"""Takes the id twice."""


def say_deleted(tx: Tx, ids: Iterable[str]) -> None:
    """These jobs are no more."""
    facts.write(tx, [Put(f"result/{id}", keeping.DELETED, ttl=keeping.DELETED_TTL) for id in ids])


def begin_anew(tx: Tx, ids: Iterable[str]) -> None:
    """What an earlier life of these ids came to must not be taken for the result of this one."""
    these = words(ids)
    sql = "delete from workhorse_facts where key in (select 'result/' || value from json_each(?)) returning key"
    tx.keys.update(key for (key,) in tx.all(sql, these))
