"""What a handle asks of its app: where a job is, what came of it, what it has been through; and the order to cancel."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from workhorse.app.sagas import Sagas
from workhorse.core.contract import Engine, Filter, Row
from workhorse.core.effort import Attempt
from workhorse.core.errors import JobNotFound
from workhorse.core.handle import Decode, Status
from workhorse.durable.groups import Groups
from workhorse.durable.history import attempts


class Answers:
    """`engine` is the open one of the running loop."""

    def __init__(self, engine: Callable[[], Awaitable[Engine]], sagas: Sagas, groups: Groups) -> None:
        self._engine, self._sagas, self._groups = engine, sagas, groups

    async def status(self, id: str) -> Status:
        """JobNotFound when nothing is known of it."""
        its = await self._sagas.head(id)
        if its is not None:
            return its.status
        try:
            return (await self._row(id)).status  # type: ignore[return-value]  # the contract's words are Status'
        except JobNotFound:
            if (await self._engine()).store is not None and await self._groups.is_open(id):
                return "waiting"
            raise

    async def cancel(self, id: str) -> bool:
        """False when it had ended."""
        if await self._sagas.knows(id):
            return await self._sagas.cancel(id)
        inspector = (await self._engine()).inspector
        return inspector is not None and bool(await inspector.cancel(Filter(ids=[id])))

    async def history(self, id: str, decode: Decode) -> Sequence[Attempt[Any]]:
        """Oldest first."""
        if (its := await self._sagas.head(id)) is not None:
            return await self._sagas.attempts(id, its, decode)
        row = await self._row(id)
        return await attempts(row, (await self._engine()).store, decode)

    async def _row(self, id: str) -> Row:
        inspector = (await self._engine()).inspector
        row = None if inspector is None else await inspector.show(id)
        if row is None:
            raise JobNotFound(
                f"job {id}: nothing is known of it; its id is wrong, or it ended and is not kept any longer"
            )
        return row
