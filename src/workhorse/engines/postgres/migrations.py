"""The migrations as an operator sees them: what is there, what is missing, and taking the steps; on a connection of its own."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

from workhorse.core.migrations import Migration
from workhorse.engines.postgres import faults, schema
from workhorse.engines.postgres.pool import Connection, Pool


class Migrations:
    """As the contract says."""

    def __init__(self, pool: Pool) -> None:
        self._pool, self._place = pool, pool.place

    @property
    def newest(self) -> int:
        return schema.newest()

    async def current(self) -> int:
        async with self._connected() as con:
            return await schema.version(con, self._place.schema)

    async def pending(self) -> Sequence[Migration]:
        return schema.steps(self._place.schema)[await self.current() :]

    async def apply(self) -> Sequence[Migration]:
        async with self._connected() as con:
            before = await schema.migrate(con, self._place)
            return schema.steps(self._place.schema)[before:]

    @asynccontextmanager
    async def _connected(self) -> AsyncGenerator[Connection]:
        try:
            con = await self._pool.connect()
            try:
                yield con
            finally:
                await con.close(timeout=self._place.timeout)
        except Exception as error:
            raise faults.translated(error, self._place.name, self._place.schema) from error
