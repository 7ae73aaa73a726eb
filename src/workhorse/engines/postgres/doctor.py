"""What a person wants to know of the server, and what is wrong with it."""

from typing import Final

from workhorse.engines.postgres import schema
from workhorse.engines.postgres.link import Link, Record

Pairs = list[tuple[str, str]]

LONG: Final = 60.0
"""Seconds for which a transaction may stay open: nothing that dies meanwhile can be cleaned away, and claims get slower."""

FEW: Final = 10_000
"""Dead rows that do not matter."""

FULL: Final = 0.8
"""The share of the server's connections that may be in use."""

_SERVER: Final = """
select version() as version, pg_size_pretty(pg_database_size(current_database())) as size,
    pg_encoding_to_char((select encoding from pg_database where datname = current_database())) as encoding,
    current_setting('synchronous_commit') as synchronous_commit, current_setting('fsync') as fsync,
    current_setting('full_page_writes') as full_page_writes, current_setting('autovacuum') as autovacuum,
    current_setting('track_counts') as track_counts, (select sum(numbackends) from pg_stat_database)::integer as connections,
    current_setting('max_connections')::integer - current_setting('superuser_reserved_connections')::integer as room,
    pg_has_role('pg_read_all_stats', 'usage') as sees_all, (select value from workhorse.about where name = 'schema') as schema
"""
_TABLES: Final = """
select s.relname as name, pg_total_relation_size(s.relid) as size, s.n_live_tup as live, s.n_dead_tup as dead,
    coalesce(to_char(greatest(s.last_vacuum, s.last_autovacuum), 'YYYY-MM-DD HH24:MI'), 'never') as vacuumed,
    coalesce(array_to_string(c.reloptions, ',') ~ 'autovacuum_enabled=(false|off|no|0)', false) as unattended
from pg_stat_user_tables as s join pg_class as c on c.oid = s.relid
where s.schemaname = $1::text order by 2 desc
"""
_HOLDERS: Final = """
select pid, coalesce(usename, '') as usename, coalesce(application_name, '') as program, coalesce(state, '') as state,
    extract(epoch from clock_timestamp() - xact_start)::float8 as seconds
from pg_stat_activity
where pid <> pg_backend_pid() and backend_type = 'client backend'
    and (backend_xmin is not null or backend_xid is not null or state like 'idle in transaction%')
    and clock_timestamp() - xact_start > make_interval(secs => $1::float8)
order by xact_start limit 5
"""
_PREPARED: Final = """
select gid, extract(epoch from clock_timestamp() - prepared)::float8 as seconds from pg_prepared_xacts
where clock_timestamp() - prepared > make_interval(secs => $1::float8) order by prepared limit 5
"""
_SLOTS: Final = """
select slot_name from pg_replication_slots where not active and (xmin is not null or catalog_xmin is not null) order by 1 limit 5
"""


async def describe(link: Link) -> Pairs:
    """Facts, each with its name."""
    (server,) = await link.fetch(_SERVER)
    tables = await link.fetch(_TABLES, link.place.schema)
    big = [f"{it['name']} {it['size']:,} bytes, {it['live']:,} rows, {it['dead']:,} dead" for it in tables[:2]]
    sees = "all sessions" if server["sees_all"] else "its own sessions only: grant pg_read_all_stats to see all"
    return [
        ("server", link.name),
        ("PostgreSQL", server["version"].partition(" on ")[0].removeprefix("PostgreSQL ")),
        ("schema", f"{link.place.schema}, version {server['schema']}"),
        ("commits", f"synchronous_commit {server['synchronous_commit']}, fsync {server['fsync']}"),
        ("connections", f"{server['connections']} of {server['room']}"),
        ("size", f"{server['size']}: {'; '.join(big)}"),
        ("vacuum", f"autovacuum {server['autovacuum']}; jobs last at {_vacuumed(tables)}"),
        ("user sees", sees),
    ]


async def check(link: Link) -> Pairs:
    """Problems, each with its fix."""
    (server,) = await link.fetch(_SERVER)
    return [
        *_of_schema(server, link),
        *_of_durability(server),
        *_of_room(server),
        *_of_vacuum(server, await link.fetch(_TABLES, link.place.schema), link.place.schema),
        *[_of_holder(holder) for holder in await link.fetch(_HOLDERS, LONG)],
        *[_of_prepared(each) for each in await link.fetch(_PREPARED, LONG)],
        *[_of_slot(slot) for (slot,) in await link.fetch(_SLOTS)],
    ]


def _of_schema(server: Record, link: Link) -> Pairs:
    problems: Pairs = []
    if server["schema"] != schema.newest():
        what = f"the tables of schema {link.place.schema} have version {server['schema']}, and this release has {schema.newest()}"
        problems.append((what, "finish the upgrade: the newest release everywhere, and `workhorse migrate`"))
    if server["encoding"] != "UTF8":
        what = f"the database is encoded as {server['encoding']}: names and ids that it does not know are refused"
        problems.append((what, "create one with encoding UTF8"))
    return problems


def _of_durability(server: Record) -> Pairs:
    problems: Pairs = []
    if server["synchronous_commit"] == "off":
        what = "synchronous_commit is off: a crash of the server forgets the jobs it accepted in its last moments"
        problems.append((what, "alter role or alter database … set synchronous_commit = on, or in postgresql.conf"))
    for setting in ("fsync", "full_page_writes"):
        if server[setting] == "off":
            what = f"{setting} is off: a crash of the machine can lose or damage the whole database"
            problems.append((what, f"{setting} = on in postgresql.conf, then reload"))
    return problems


def _of_room(server: Record) -> Pairs:
    if server["connections"] < FULL * server["room"]:
        return []
    what = (
        f"{server['connections']} of {server['room']} connections are in use: workers that start now may be turned away"
    )
    return [(what, "raise max_connections, lower ?connections=, or put PgBouncer between (?pgbouncer=on)")]


def _of_vacuum(server: Record, tables: list[Record], schema: str) -> Pairs:
    problems: Pairs = []
    for setting in ("autovacuum", "track_counts"):
        if server[setting] == "off":
            problems.append(
                (f"{setting} is off: dead rows pile up, and claims get slower", f"{setting} = on, then reload")
            )
    for table in tables:
        name, live, dead = table["name"], table["live"], table["dead"]
        if table["unattended"]:
            what = f"autovacuum is switched off for {schema}.{name}"
            problems.append((what, f"alter table {schema}.{name} reset (autovacuum_enabled)"))
        if dead > FEW and dead > live:
            what = (
                f"{schema}.{name} has {dead:,} dead rows beside {live:,} living ones, last vacuumed {table['vacuumed']}"
            )
            problems.append((what, f"end what keeps them (long transactions), then: vacuum (analyze) {schema}.{name}"))
    return problems


def _of_holder(holder: Record) -> tuple[str, str]:
    who = " ".join(word for word in (f"process {holder['pid']}", holder["usename"], holder["program"]) if word)
    state = holder["state"] if holder["state"].startswith("idle in transaction") else "in a transaction"
    what = (
        f"{who} is {state} for {holder['seconds']:.0f} s: what dies meanwhile cannot be vacuumed, and claims get slower"
    )
    return what, f"end it: select pg_terminate_backend({holder['pid']}); and set idle_in_transaction_session_timeout"


def _of_prepared(prepared: Record) -> tuple[str, str]:
    what = f"a prepared transaction, {prepared['gid']!r}, has been open for {prepared['seconds']:.0f} s: nothing can be vacuumed"
    return what, "commit prepared or rollback prepared, by its name"


def _of_slot(slot: str) -> tuple[str, str]:
    what = f"the replication slot {slot!r} is not used, and holds back vacuum and the log"
    return what, f"start its reader, or: select pg_drop_replication_slot('{slot}')"


def _vacuumed(tables: list[Record]) -> str:
    return next((table["vacuumed"] for table in tables if table["name"] == "jobs"), "never")
