"""What must hold in a schema of ours on PostgreSQL whenever nobody is inside a transaction, whatever was killed before; and what more once
all work is done. Each rule is a query for those who break it."""

from collections.abc import Mapping
from typing import Final

from servers import Postgres

ALWAYS: Final = {
    "ended, but not over": "select id from workhorse.jobs where state < 2 and (ended is not null or reason is not null)",
    "over, but never ended": "select id from workhorse.jobs where state > 1 and ended is null",
    "dead without a reason": "select id from workhorse.jobs where state = 3 and reason is null",
    "a reason without a death": "select id from workhorse.jobs where state <> 3 and reason is not null",
    "counts that cannot be": "select id from workhorse.jobs where attempt < 1 or crashes < 0 or state not between 0 and 4",
    "a worker that nobody knows": (
        "select id from workhorse.jobs where worker is not null and worker not in (select id from workhorse.workers)"
    ),
    "a slot held by who may not": "select id from workhorse.jobs where slot and (state <> 0 or lane is null)",
    "parked without a lane": "select id from workhorse.jobs where state = 1 and lane is null",
    "a lane that is not there": (
        "select id from workhorse.jobs where state < 2 and lane is not null and lane not in (select lane from workhorse.lanes)"
        " and lane not in (select lane from workhorse.asking)"
    ),
    "a lane that counts its slots wrong": (
        "select lane from workhorse.lanes l where taken <>"
        " (select count(*) from workhorse.jobs j where j.lane = l.lane and slot)"
    ),
    "parked before a free slot": (
        "select lane from workhorse.lanes l where taken < coalesce(width, 1)"
        " and lane not in (select lane from workhorse.asking)"
        " and exists (select from workhorse.jobs j where j.lane = l.lane and state = 1)"
    ),
    "a unique key of nobody": (
        "select ukey from workhorse.uniques u where not freed"
        " and not exists (select from workhorse.jobs j where j.id = u.id and j.ukey = u.ukey)"
    ),
    "a unique key kept beyond its job's claim": (
        "select ukey from workhorse.uniques u where not freed and until = 0"
        " and exists (select from workhorse.jobs j where j.id = u.id and (token <> 0 or state > 1))"
    ),
    "a unique key kept beyond its job's end": (
        "select ukey from workhorse.uniques u where not freed and until = 1"
        " and exists (select from workhorse.jobs j where j.id = u.id and state > 1)"
    ),
    "a result before the end": (
        "select key from workhorse.facts where key like 'result/%'"
        " and substr(key, 8) in (select id from workhorse.jobs where state < 2)"
    ),
    "a result of a job that is not there": (
        "select key from workhorse.facts where key like 'result/%' and value <> '{\"deleted\":true}'"
        " and (expires is null or expires > workhorse.now_us()) and substr(key, 8) not in (select id from workhorse.jobs)"
    ),
    "a version from the future, or twice": (
        "select key from workhorse.facts where version > (select last_value from workhorse.versions)"
        " or version in (select version from workhorse.facts group by version having count(*) > 1)"
    ),
    "no schema": "select 'schema' where not exists (select from workhorse.about where name = 'schema')",
}

AT_REST: Final = {
    "a job that has not ended": "select id from workhorse.jobs where state < 2",
    "a slot that nobody gave back": "select lane from workhorse.lanes where taken <> 0",
    "a lane that nobody answered": "select lane from workhorse.asking",
    "a unique key that nobody gave back": "select ukey from workhorse.uniques where not freed and until < 2",
}

_DAMAGE: Final = """
create extension if not exists amcheck;
set client_min_messages = warning;
select bt_index_check(i.indexrelid, true) from pg_index i join pg_class c on c.oid = i.indexrelid
join pg_namespace n on n.oid = c.relnamespace join pg_am a on a.oid = c.relam
where n.nspname = '{schema}' and a.amname = 'btree';
"""


def consistent(server: Postgres, database: str, schema: str = "workhorse") -> None:
    """AssertionError names every rule that is broken, and by whom; CalledProcessError says that the server itself finds an index that
    does not fit its table."""
    server.sql(_DAMAGE.format(schema=schema), database)
    _hold(server, database, schema, ALWAYS)


def at_rest(server: Postgres, database: str, schema: str = "workhorse") -> None:
    """The same, and nothing is left to do."""
    consistent(server, database, schema)
    _hold(server, database, schema, AT_REST)


def _hold(server: Postgres, database: str, schema: str, rules: Mapping[str, str]) -> None:
    text = " union all ".join(f"(select $${rule}$$, it.* from ({sql} limit 10) as it)" for rule, sql in rules.items())
    broken: dict[str, list[str]] = {}
    for rule, who in server.sql(text.replace("workhorse.", f"{schema}."), database):
        broken.setdefault(rule, []).append(who)
    assert not broken, broken
