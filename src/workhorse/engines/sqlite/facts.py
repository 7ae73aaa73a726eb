"""Facts, inside a transaction: values under keys, each write with a version that never comes back."""

from collections.abc import Mapping, Sequence
from typing import Final

from workhorse.core.contract import ABSENT, Put
from workhorse.engines.keeping import FOREVER, micros
from workhorse.engines.prefixes import beyond
from workhorse.engines.sqlite.inserts import Insert
from workhorse.engines.sqlite.tx import Tx, words

_WRITE: Final = Insert(
    "insert into workhorse_facts (key, value, version, expires)",
    4,
    "on conflict (key) do update set value = excluded.value, version = excluded.version, expires = excluded.expires",
)
_LIVING: Final = "(expires is null or expires > ?)"


def get(tx: Tx, keys: Sequence[str]) -> list[tuple[bytes, int] | None]:
    """Value and version of each."""
    sql = f"select value, version from workhorse_facts where key = ? and {_LIVING}"
    found = [tx.one(sql, key, tx.now) for key in keys]
    return [None if row is None else (bytes(row[0]), row[1]) for row in found]


def put(tx: Tx, puts: Sequence[Put]) -> list[int | None]:
    """Each by itself, in order: its new version, or None where `expect` did not hold."""
    first = _versions(tx, len(puts))
    done: list[int | None] = []
    for version, write in enumerate(puts, first):
        if write.expect is not None and _version(tx, write.key) != write.expect:
            done.append(None)
            continue
        _WRITE.run(tx.con, [_values(tx, write, version)])
        tx.keys.add(write.key)
        done.append(version)
    return done


def write(tx: Tx, puts: Sequence[Put]) -> None:
    """Many puts that expect nothing, at once."""
    first = _versions(tx, len(puts))
    _WRITE.run(tx.con, [_values(tx, put, version) for version, put in enumerate(puts, first)])
    tx.keys.update([put.key for put in puts])


def delete(tx: Tx, keys: Mapping[str, int | None]) -> list[bool]:
    """Each key if it still has the expected version (None: any)."""
    sql = f"delete from workhorse_facts where key = ? and {_LIVING} and (? is null or version = ?)"
    tx.keys.update(keys)
    return [tx.run(sql, key, tx.now, version, version) == 1 for key, version in keys.items()]


def scan(tx: Tx, prefix: str, after: str, limit: int) -> list[tuple[str, bytes, int]]:
    """In the order of keys (by code point)."""
    start = max(prefix, after)
    sql = f"select key, value, version from workhorse_facts where key >= ? and key > ? and key < ? and {_LIVING} order by key limit ?"
    found = tx.all(sql, start, after, beyond(prefix), tx.now, limit)
    return [(key, bytes(value), version) for key, value, version in found]


def changed(tx: Tx, known: Mapping[str, int]) -> set[str]:
    """The keys whose version is no longer the known one."""
    sql = f"select key, version from workhorse_facts where key in (select value from json_each(?)) and {_LIVING}"
    now = dict(tx.all(sql, words(known), tx.now))
    return {key for key, version in known.items() if now.get(key, ABSENT) != version}


def next_change(tx: Tx, known: Mapping[str, int]) -> int:
    """When one of these versions is no longer the known one: now, when the first of the facts expires, or in no time to be seen."""
    if changed(tx, known):
        return tx.now
    sql = "select min(expires) from workhorse_facts where key in (select value from json_each(?)) and expires > ?"
    found = tx.one(sql, words(known), tx.now)
    return FOREVER if found is None or found[0] is None else int(found[0])


def _version(tx: Tx, key: str) -> int:
    found = tx.one(f"select version from workhorse_facts where key = ? and {_LIVING}", key, tx.now)
    return ABSENT if found is None else found[0]


def _versions(tx: Tx, count: int) -> int:
    """The first of so many numbers that nobody had before."""
    found = tx.one("update workhorse_counters set value = value + ? where name = 'version' returning value", count)
    assert found is not None
    return int(found[0]) - count + 1


def _values(tx: Tx, put: Put, version: int) -> tuple[object, ...]:
    return put.key, put.value, version, None if put.ttl is None else tx.now + micros(put.ttl)
