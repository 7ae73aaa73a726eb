"""PostgreSQL for the conformance suite: a server whose clock the tests move, and a schema for each name."""

from collections.abc import Sequence

import asyncpg
import pytest

from servers import Postgres
from servers.fixtures import Shared
from workhorse.engine import Engine
from workhorse.engines import open_engine


class Steered(Postgres):
    """With a database in it."""

    def start(self) -> None:
        super().start()
        self.place = self.create("jobs")


class OnPostgres:
    """`postgresql://…?prefix=NAME`, on one server for all tests."""

    kind = "postgres"
    options = "poll=0.2"

    @pytest.fixture(autouse=True)
    def steered_server(self, shared_servers: Shared) -> None:
        """Tests of one kind share it: each has names of its own, and time only goes forward."""
        self.server = shared_servers(
            lambda _, fast: Steered(self.kind, clock=True, fast=fast), f"{self.kind} with a clock"
        )

    def engine(self, name: str) -> Engine:
        return open_engine(f"{self.server.place}?prefix={_schema(name)}&{self.options}")

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
