"""Points of the PostgreSQL engine: see `verbs`. Migrations have `asked`, `statement`, `commit` and `committed`."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import asyncpg

from crashing import cross
from crashing_on.verbs import BROKER, INSPECTOR, PRUNER, STORE, Waiting, asked_for, during, watch
from workhorse.engines.postgres import pruning, schema
from workhorse.engines.postgres.broker import Broker
from workhorse.engines.postgres.inspector import Inspector
from workhorse.engines.postgres.link import Link
from workhorse.engines.postgres.pruning import Pruner
from workhorse.engines.postgres.store import Store

__all__ = ["install", "pruning"]


def install() -> None:
    """From now on this process passes points."""
    for owner, verbs in ((Broker, BROKER), (Store, STORE), (Inspector, INSPECTOR), (Pruner, PRUNER)):
        watch(owner, verbs)
    Link._guarded = _asking(Link._guarded)
    asyncpg.Connection._do_execute = _sending(asyncpg.Connection._do_execute)
    asyncpg.Connection.execute = _executing(asyncpg.Connection.execute)
    schema.migrate = _migrating(schema.migrate)


def _asking(guarded: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(guarded)
    async def asking(*args: Any) -> Any:
        if name := during():
            cross(f"{name}.statement")
        return await guarded(*args)

    return asking


def _sending(do: Callable[..., Any]) -> Callable[..., Any]:
    """What is sent before, to have the statement prepared, does nothing yet."""

    @wraps(do)
    async def sending(self: Any, query: str, executor: Callable[..., Any], *args: Any, **options: Any) -> Any:
        if not (name := during()):
            return await do(self, query, executor, *args, **options)

        def executing(*given: Any) -> Any:
            return Waiting(executor(*given), lambda: cross(f"{name}.sent"))

        with asked_for(""):  # the driver may have questions of its own
            return await do(self, query, executing, *args, **options)

    return sending


def _executing(execute: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(execute)
    async def executing(self: Any, query: str, *args: Any, **options: Any) -> Any:
        if during() == "migrate":
            cross("migrate.commit" if query.startswith("COMMIT") else "migrate.statement")
        return await execute(self, query, *args, **options)

    return executing


def _migrating(migrate: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(migrate)
    async def migrating(*args: Any) -> Any:
        cross("migrate.asked")
        with asked_for("migrate"):
            found = await migrate(*args)
        cross("migrate.committed")
        return found

    return migrating
