"""Our schema on the server: its version, and the migrations forward."""

from functools import cache
from importlib.resources import files
from typing import Final

from workhorse.core.errors import EngineRefused
from workhorse.core.migrations import Migration
from workhorse.engines.postgres import faults
from workhorse.engines.postgres.names import in_schema
from workhorse.engines.postgres.pool import Connection
from workhorse.engines.postgres.urls import Place

_LOCK: Final = 0x776F726B68  # one number for every schema: migrations are rare, and may wait for each other

# a query on the catalogue, not to_regclass: that may still believe what it saw before another process created the table
_THERE: Final = (
    "select exists (select from pg_class c join pg_namespace n on n.oid = c.relnamespace"
    " where n.nspname = $1 and c.relname = 'about')"
)


def newest() -> int:
    """The version that this program writes."""
    return len(_migrations())


async def version(con: Connection, schema: str) -> int:
    """The schema's version on this server; 0: none of our tables yet."""
    if not await con.fetchval(_THERE, schema):
        return 0
    found = await con.fetchval(in_schema("select value from workhorse.about where name = 'schema'", schema))
    return 0 if found is None else int(found)


async def prepare(con: Connection, place: Place) -> None:
    """Check the server, and bring the schema forward. EngineRefused, and nothing is touched, if it cannot be used as it is."""
    if con.get_server_version() < (13,):
        number = ".".join(str(part) for part in con.get_server_version()[:2])
        raise EngineRefused(f"{place.name}: expected PostgreSQL 13 or newer, got {number}: upgrade the server.")
    found = await version(con, place.schema)
    _refuse_newer(found, place)
    if found == newest():
        return
    if not place.migrate:
        raise faults.missing(place.name, place.schema, f"version {found} of {newest()}")
    await migrate(con, place)


async def migrate(con: Connection, place: Place) -> int:
    """In one transaction, and one process at a time; the version that was there before."""
    async with con.transaction():
        await con.execute("set local statement_timeout = 0")
        await con.execute("select pg_advisory_xact_lock($1)", _LOCK)
        found = await version(con, place.schema)  # asked again: another process may have been faster
        _refuse_newer(found, place)
        if not await con.fetchval("select exists (select from pg_namespace where nspname = $1)", place.schema):
            await con.execute(f'create schema "{place.schema}"')
        for step in steps(place.schema)[found:]:
            await con.execute(step.sql)
        if found < newest():
            sql = "update workhorse.about set value = $1 where name = 'schema'"
            await con.execute(in_schema(sql, place.schema), newest())
    return found


def steps(schema: str) -> list[Migration]:
    """From no tables at all to the newest version, as they are sent to this schema."""
    return [Migration(number, name, in_schema(sql, schema)) for number, (name, sql) in enumerate(_migrations(), 1)]


def _refuse_newer(found: int, place: Place) -> None:
    if found > newest():
        raise EngineRefused(
            f"{place.name}: expected schema {newest()} or older, got {found}: a newer Workhorse wrote it. "
            "Upgrade this installation, or use another schema with ?prefix=. Nothing was changed."
        )


@cache
def _migrations() -> list[tuple[str, str]]:
    folder = files("workhorse.engines.postgres") / "migrations"
    scripts = sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)
    return [(script.name.removesuffix(".sql"), script.read_text("utf-8")) for script in scripts]
