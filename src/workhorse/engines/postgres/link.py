"""The link: one statement to the server is one transaction, whatever becomes of its caller; what stands in the way is an error of ours."""

import asyncio
import os
import random
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import asyncpg

from workhorse.core.errors import BrokerUnavailable, EngineRefused
from workhorse.engines.passwords import NotLetIn
from workhorse.engines.postgres import faults
from workhorse.engines.postgres.names import in_schema
from workhorse.engines.postgres.pool import Connection, Pool
from workhorse.engines.postgres.urls import Place

T = TypeVar("T")

_TRIES: Final = 12
_LONGEST: Final = 0.5
"""Of a statement that met another's locks in another order; and the longest pause between two, in seconds."""

_GRACE: Final = 2.0
"""Seconds beyond the server's own patience after which its connection is given up: it is half open, or the server hangs."""

Record = asyncpg.Record


class Link:
    """Open from `open` to `close`; both may be called twice. Its verbs belong to the loop it was opened on."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.pool = Pool(place)
        self.collisions = 0
        """Statements that were done again since they met others' locks."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._process = os.getpid()
        self._under_way: set[asyncio.Task[Any]] = set()

    @property
    def name(self) -> str:
        """The place as errors may show it."""
        return self.place.name

    @property
    def is_open(self) -> bool:
        """From `open` to `close`."""
        return self._loop is not None

    def sql(self, text: str) -> str:
        """The text with the name of the schema in use."""
        return in_schema(text, self.place.schema)

    async def open(self, prepare: Callable[[Connection], Awaitable[None]]) -> None:
        """Connect, and have the first connection prepare the place. EngineRefused or BrokerUnavailable says why not."""
        if self._loop is not None:
            return
        self._process = os.getpid()
        try:
            with self._in_our_words():
                con = await self.pool.take()
                try:
                    await prepare(con)
                finally:
                    self.pool.give_back(con)
        except BaseException:
            self.pool.close()
            raise
        self._loop = asyncio.get_running_loop()

    async def close(self) -> None:
        """Finish what is under way, then close."""
        loop, self._loop = self._loop, None
        if loop is None or self._process != os.getpid():
            return
        if loop is asyncio.get_running_loop() and self._under_way:
            await asyncio.wait(self._under_way, timeout=self.place.timeout + _GRACE)
        self.pool.close()

    async def fetch(self, sql: str, *values: object) -> list[Record]:
        """The rows of one statement, which is one transaction. It is never cancelled: who is, leaves it to its end."""
        text = self.sql(sql)
        return await self._shielded(lambda con: con.fetch(text, *values))

    async def run(self, sql: str, *values: object) -> int:
        """As `fetch`; how many rows it inserted, updated or deleted."""
        text = self.sql(sql)
        tag = await self._shielded(lambda con: con.execute(text, *values))
        return int(tag.rpartition(" ")[2])

    async def load(self, table: str, columns: Sequence[str], rows: Sequence[tuple[object, ...]]) -> None:
        """New rows by COPY, all or none; asyncpg.UniqueViolationError where one is there already."""
        schema = self.place.schema
        await self._shielded(
            lambda con: con.copy_records_to_table(table, records=rows, columns=columns, schema_name=schema)
        )

    async def connect(self) -> Connection:
        """A connection outside the pool, for listening; its caller closes it."""
        self._refuse_unusable()
        with self._in_our_words():
            return await self.pool.connect()

    async def _shielded(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        self._refuse_unusable()
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()  # not `shield`: that answers a turn of the loop later
        task = loop.create_task(self._answer(work, answer))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return await answer

    async def _answer(self, work: Callable[[Connection], Awaitable[T]], answer: "asyncio.Future[T]") -> None:
        """Whoever asked may be gone by then."""
        try:
            found = await self._tried(work)
        except Exception as error:
            if not answer.done():
                answer.set_exception(error)
        except BaseException:  # a loop that is torn down
            answer.cancel()
            raise
        else:
            if not answer.done():
                answer.set_result(found)

    async def _tried(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        for tries in range(_TRIES):
            try:
                with self._in_our_words():
                    return await self._guarded(work)
            except faults.Collision:
                self.collisions += 1
                await asyncio.sleep(random.uniform(0, min(_LONGEST, 0.001 * 2**tries)))
        raise faults.away(self.name, f"others' locks were in the way {_TRIES} times; nothing was done")

    async def _guarded(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """The server ends a statement that takes too long; where not even that is heard of, the connection is dropped."""
        con = await self.pool.take()
        guard = asyncio.get_running_loop().call_later(self.place.timeout + _GRACE, con.terminate)
        try:
            return await work(con)
        finally:
            guard.cancel()
            self.pool.give_back(con)

    def _refuse_unusable(self) -> None:
        if self._process != os.getpid():
            raise EngineRefused(
                f"{self.name}: opened by process {self._process}, used in its forked child {os.getpid()}. "
                "A connection does not survive a fork: open an engine of its own in the child."
            )
        if self._loop is None:
            raise BrokerUnavailable(f"{self.name}: expected an open engine, got a closed one; open it first.")
        if self._loop is not asyncio.get_running_loop():
            raise EngineRefused(
                f"{self.name}: opened on one event loop, used on another. A connection belongs to its loop: "
                "open an engine of its own there."
            )

    @contextmanager
    def _in_our_words(self) -> Generator[None]:
        try:
            yield
        except Exception as error:
            found = faults.translated(error, self.name, self.place.schema)
            if isinstance(found, NotLetIn) and self.is_open:
                found = self.place.password.changing(found)
            if found is error:
                raise
            raise found from error
