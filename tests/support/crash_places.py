"""Where the data of a crash test lie, looked at beside any engine: what is there, whether it is sound, and time that passes."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

import redis

import consistency
import consistency_postgres
import consistency_redis
from crash_app import LEASE
from servers import Postgres, Redis
from waiting import until
from workhorse.engines.redis import documents

KEPT: Final = 30 * 86_400
"""Seconds, longer than anything is kept that went well."""


class Row(NamedTuple):
    """What is known of a job."""

    state: int
    token: int
    attempt: int
    crashes: int
    cancel: int

    @property
    def held(self) -> bool:
        return self.state < 2 and self.token != 0


class Place(Protocol):
    """A file, a schema, a prefix."""

    url: str

    def rows(self) -> dict[str, Row]:
        """Each job that is known, by its id."""
        ...

    def facts(self, prefix: str) -> list[str]:
        """Keys that begin with it."""
        ...

    def check(self, *, drained: bool) -> None:
        """AssertionError: it is not sound, or there is something left to do."""
        ...

    def quiet(self) -> None:
        """Return when all is done that the dead have asked for."""
        ...

    def forget_leases(self) -> None:
        """Move the clock past the lease of the dead: what they held is due."""
        ...

    def age(self) -> None:
        """Move the clock past the time for which anything is kept that has ended."""
        ...


class File:
    """An SQLite file; its time is the rows' own, which are moved instead."""

    def __init__(self, path: Path) -> None:
        self._path, self.url = path, f"sqlite:///{path}"

    def rows(self) -> dict[str, Row]:
        found = self._run("select id, state, token, attempt, crashes, cancel from workhorse_jobs")
        return {id: Row(*rest) for id, *rest in found}

    def facts(self, prefix: str) -> list[str]:
        return [key for (key,) in self._run("select key from workhorse_facts where key glob ?", f"{prefix}*")]

    def check(self, *, drained: bool) -> None:
        consistency.examined(self._path, drained=drained)

    def quiet(self) -> None:
        """What a process is to its file ends with it."""

    def forget_leases(self) -> None:
        self._run("update workhorse_jobs set due = due - ? where token <> 0 and state < 2", round(LEASE * 1_000_000))

    def age(self) -> None:
        self._run("update workhorse_jobs set due = 0 where state in (2, 4)")
        self._run("update workhorse_facts set expires = 0")

    def _run(self, sql: str, *values: object) -> list[Any]:
        con = sqlite3.connect(self._path, timeout=30)
        try:
            with con:
                return con.execute(sql, values).fetchall()
        finally:
            con.close()


class Schema:
    """Of a PostgreSQL whose clock can be moved."""

    def __init__(self, server: Postgres, database: str, schema: str) -> None:
        self._server, self._database, self._schema = server, database, schema
        self.url = f"{server.url(database)}?prefix={schema}"

    def rows(self) -> dict[str, Row]:
        sql = f"select id, state, token, attempt, crashes, cancel::integer from {self._schema}.jobs"
        return {id: Row(*map(int, rest)) for id, *rest in self._run(sql)}

    def facts(self, prefix: str) -> list[str]:
        return [key for (key,) in self._run(f"select key from {self._schema}.facts") if key.startswith(prefix)]

    def check(self, *, drained: bool) -> None:
        rules = consistency_postgres.at_rest if drained else consistency_postgres.consistent
        rules(self._server, self._database, self._schema)

    def quiet(self) -> None:
        ours = "select pid from pg_stat_activity where application_name = 'workhorse'"
        until(lambda: not self._run(ours))

    def forget_leases(self) -> None:
        self._server.jump(LEASE)

    def age(self) -> None:
        self._server.jump(KEPT)

    def _run(self, sql: str) -> Sequence[tuple[str, ...]]:
        return self._server.sql(sql, self._database)


class Prefix:
    """Of a Redis whose clock can be moved."""

    def __init__(self, server: Redis, prefix: str) -> None:
        self._server, self._base, self.url = server, f"{{{prefix}}}:", server.url(prefix=prefix)
        self._client: redis.Redis[bytes] = redis.Redis.from_url(server.url())

    def rows(self) -> dict[str, Row]:
        docs, states = self._hash("jobs"), self._hash("state")
        return {id.decode(): _row(doc, states.get(id)) for id, doc in docs.items()}

    def facts(self, prefix: str) -> list[str]:
        return [key.decode() for key in self._hash("facts") if key.decode().startswith(prefix)]

    def check(self, *, drained: bool) -> None:
        (consistency_redis.at_rest if drained else consistency_redis.consistent)(self._client, self._base)

    def quiet(self) -> None:
        until(lambda: not any(each["name"] == "workhorse" for each in self._client.client_list()))

    def forget_leases(self) -> None:
        self._server.jump(LEASE)

    def age(self) -> None:
        self._server.jump(KEPT)

    def _hash(self, name: str) -> dict[bytes, bytes]:
        return self._client.hgetall(self._base + name)


def _row(doc: bytes, text: bytes | None) -> Row:
    token, state = documents.state(text) if text else (documents.NOBODY, documents.State())
    env, _, _ = documents.opened("", doc, state)
    return Row(state.phase, int(token, 16), env.attempt, state.crashes, int(state.cancel))
