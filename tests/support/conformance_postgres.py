"""PostgreSQL for the conformance suite: a server whose clock the tests move, and a schema that is emptied for each test."""

from collections.abc import Sequence
from typing import Final

import asyncpg
import psycopg
import pytest

from servers import Postgres
from servers.fixtures import Shared
from workhorse.engine import Engine
from workhorse.engines import open_engine

_EMPTY: Final = """
do $$ declare _table text; begin
    for _table in select tablename from pg_tables where schemaname = 'emptied' and tablename <> 'about' loop
        execute format('delete from emptied.%I', _table);
    end loop;
    perform setval(format('emptied.%I', sequencename), 1, false) from pg_sequences where schemaname = 'emptied';
end $$
"""


class Steered(Postgres):
    """With a database in it."""

    def start(self) -> None:
        super().start()
        self.place = self.create("jobs")
        self._beside = psycopg.connect(self.place, autocommit=True)

    def emptied(self) -> str:
        """The URL of a schema with nothing in it: a new one takes twenty times as long."""
        self._beside.execute(_EMPTY)
        return f"{self.place}?prefix=emptied"

    def close(self) -> None:
        if self.running:
            self._beside.close()
        super().close()


class OnPostgres:
    """`postgresql://…?prefix=NAME`, on one server for all tests. The first name of a test gets the schema that is emptied."""

    kind = "postgres"
    options = "poll=0.2"
    first = ""

    @pytest.fixture(autouse=True)
    def steered_server(self, shared_servers: Shared) -> None:
        """Tests of one kind share it, and time only goes forward."""
        self.server = shared_servers(
            lambda _, fast: Steered(self.kind, clock=True, fast=fast), f"{self.kind} with a clock"
        )

    def engine(self, name: str) -> Engine:
        if not self.first:
            self.first, self.url = name, self.server.emptied()
        url = self.url if name == self.first else f"{self.server.place}?prefix={_schema(name)}"
        return open_engine(f"{url}&{self.options}")

    async def pass_time(self, seconds: float) -> None:
        self.server.jump(seconds)

    async def transact(self, name: str, statements: Sequence[tuple[str, tuple[object, ...]]], *, commit: bool) -> None:
        connection = await asyncpg.connect(self.server.place)
        try:
            transaction = connection.transaction()
            await transaction.start()
            for text, values in statements:
                await connection.execute(text, *values)
            await (transaction.commit() if commit else transaction.rollback())
        finally:
            await connection.close()


def _schema(name: str) -> str:
    return f"t_{name.replace('-', '_')[-38:]}"
