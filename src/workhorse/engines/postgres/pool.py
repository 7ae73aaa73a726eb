"""The pool: a few connections of one engine, opened when they are needed; the one used last is used next."""

import asyncio
from collections import deque
from contextlib import suppress
from typing import Any, Final, TypeAlias

import asyncpg

from workhorse.engines.postgres.urls import Place

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

_BY_INDEX: Final = {
    "enable_seqscan": "off", "enable_hashjoin": "off", "enable_mergejoin": "off", "jit": "off",
    "plan_cache_mode": "force_generic_plan",
}  # fmt: skip
"""Every verb knows its rows by an index. A plan is kept for as long as the connection: made while a table was empty, it would read
all of it when there are a million rows. And it is kept: left to itself, the server plans some verbs anew each time, which takes as
long as running them."""


class Pool:
    """Belongs to the loop it is used on."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._idle: list[Connection] = []
        self._all: set[Connection] = set()
        self._opening = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def take(self) -> Connection:
        """One of them, alone, until it is given back."""
        while True:
            while self._idle:
                con = self._idle.pop()
                if not con.is_closed():
                    return con
                self._all.discard(con)
            if len(self._all) + self._opening < self.place.connections:
                return await self._open()
            await self._turn()

    def give_back(self, con: Connection) -> None:
        """For the next caller. One that is broken is replaced by that one's."""
        if con.is_closed():
            self._all.discard(con)
        elif con in self._all:
            self._idle.append(con)
        else:  # closed meanwhile
            con.terminate()
        self._wake()

    async def connect(self, **settings: str) -> Connection:
        """One that is not of the pool; its caller closes it."""
        place = self.place
        options: dict[str, Any] = {}
        if place.pgbouncer:
            options["statement_cache_size"] = 0
        else:
            patience = str(round(place.timeout * 1000))
            options["server_settings"] = {"application_name": "workhorse", "statement_timeout": patience, **settings}
        if place.password.path:
            options["password"] = self._secret
        return await asyncpg.connect(place.dsn, timeout=place.timeout, **options)

    def close(self) -> None:
        """All of them, at once: what is under way on one is lost."""
        for con in tuple(self._all):
            with suppress(Exception):  # of a loop that is closed, too
                con.terminate()
        self._all.clear()
        self._idle.clear()

    async def _open(self) -> Connection:
        self._opening += 1
        try:
            con = await self.connect(**_BY_INDEX)
        except BaseException:
            self._wake()
            raise
        finally:
            self._opening -= 1
        self._all.add(con)
        return con

    async def _turn(self) -> None:
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except BaseException:
            if turn.done() and not turn.cancelled():
                self._wake()  # the turn goes to the next one
            raise

    def _wake(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return

    async def _secret(self) -> str:
        return await asyncio.to_thread(self.place.password.read)
