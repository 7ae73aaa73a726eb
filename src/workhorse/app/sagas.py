"""An app's sagas, seen from outside: what handles and the command line ask, and the orders that they give."""

import os
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from secrets import randbits
from typing import Any

from msgspec import Raw

from workhorse.core import names, wire
from workhorse.core.contract import Answer, Engine, Envelope, Filter, Store
from workhorse.core.effort import Attempt, Failure, Success
from workhorse.core.errand import Errand, Kind
from workhorse.core.errors import EnqueueRefused, JobFailed, JobNotFound
from workhorse.core.sagas.handle import Entry
from workhorse.core.sagas.journal import Journal
from workhorse.durable import results
from workhorse.durable.results import Decode
from workhorse.durable.sagas import entries, heads, jobs, keys, past, signals
from workhorse.durable.sagas import head as head_facts
from workhorse.durable.sagas.head import Head
from workhorse.durable.sagas.jobs import Address

REPLAY = "WORKHORSE_REPLAY_SAGAS"
"""In the environment, it makes workers end each turn of a saga after one step, so that all that follows is a replay."""

Send = Callable[[Envelope], Awaitable[Answer]]


def replays() -> bool:
    """Whether workers are to do so."""
    return os.environ.get(REPLAY, "") not in ("", "0")


class Sagas:
    """`send` publishes one job, durably."""

    def __init__(self, engine: Callable[[], Awaitable[Engine]], send: Send) -> None:
        self._engine, self._send = engine, send

    async def head(self, id: str) -> Head | None:
        """Where it stands; None: it has not begun, or is no saga, or is forgotten."""
        store = (await self._engine()).store
        found = None if store is None else (await store.get([keys.head(id)]))[0]
        return None if found is None else head_facts.load(found[0])

    async def knows(self, id: str) -> bool:
        """Whether the job of this id is a saga, begun or not."""
        if await self.head(id) is not None:
            return True
        inspector = (await self._engine()).inspector
        row = None if inspector is None else await inspector.show(id)
        return row is not None and jobs.is_first(row.job)

    async def list(self, status: str | None = None, after: str = "", limit: int = 100) -> Sequence[tuple[str, Head]]:
        """Id and head of those that have begun, in the order of their ids; the last id is the next page's `after`."""
        return await heads.found(await self._store(), status, after, limit)

    async def journal(self, id: str) -> Sequence[Entry]:
        """Every step so far, oldest first. JobNotFound for a saga that nobody knows; Corrupt where its journal is."""
        return entries.of(await self.known(id))

    async def known(self, id: str) -> Journal:
        """All that its journal says."""
        found = await past.read(await self._store(), id)
        if found.head is None and not found.journal.count:
            await self._address(id)  # it exists, and has not begun
        return found.journal

    async def attempts(self, id: str, its: Head, decode: Decode) -> Sequence[Attempt[Any]]:
        """The saga as one attempt, once it has ended."""
        if not its.over:
            return ()
        started, ended = (datetime.fromtimestamp(at, UTC) for at in (its.started, its.ended))
        if its.status == "succeeded":
            fact = (await (await self._store()).get([results.key(id)]))[0]
            return (Success(None if fact is None else results.read(id, fact[0], decode), started, ended),)
        error = its.error
        told = (
            JobFailed("Cancelled", "it was cancelled")
            if error is None
            else JobFailed(error.type, error.message, error.traceback)
        )
        return (Failure(told, started, ended),)

    async def signal(self, id: str, name: str, value: object = None) -> None:
        """Wake a wait of this name, now or later; durable when it returns."""
        names.name(name, "signal: name")
        to = await self._living(id)
        try:
            text = wire.encode(value, f"signal {name}")
        except (TypeError, ValueError) as error:
            raise EnqueueRefused([(id, str(error))]) from None
        if why := await signals.full(await self._store(), id):
            raise EnqueueRefused([(id, why)])
        # so that two of one name from one sender are taken in their order
        its = f"{time.time_ns():016x}{randbits(64):016x}"
        await self._give(jobs.order(to, its, Errand("signal", id, name=name, value=Raw(text))))

    async def cancel(self, id: str) -> bool:
        """Undo what it did, and end; False when it had ended."""
        inspector, its = (await self._engine()).inspector, await self.head(id)
        if its is not None and its.over:
            return False
        # the mark reaches a turn that runs, and a saga that has not begun; the order all others
        marked = inspector is not None and await inspector.cancel(Filter(ids=[id] if its is None else [id, its.turn]))
        if its is None and not marked:
            its = await self.head(id)
            if its is None or its.over:
                return False
        await self._give(jobs.order(await self._address(id), "cancel", Errand("cancel", id)))
        return True

    async def resume(self, id: str) -> None:
        """Go on although it stopped: after `compensation_failed`, or after a mismatch was fixed."""
        await self._turn(id, "resume")

    async def skip(self, id: str, number: int) -> None:
        """Go on with undoing, and leave out the step of this entry. JobNotFound where there is none to be undone."""
        act = (await self.known(id)).act(number)
        if act is None or act.started.kind not in ("step", "action"):
            raise JobNotFound(f"saga {id}: entry {number} is no step; its journal shows the numbers")
        await self._turn(id, "skip", number)

    async def _turn(self, id: str, kind: Kind, number: int = 0) -> None:
        to = await self._living(id)
        await self._give(jobs.turn(to, kind, what=f"{kind}-{time.time_ns():x}", number=number))

    async def _living(self, id: str) -> Address:
        its = await self.head(id)
        if its is not None and its.over:
            raise JobNotFound(f"saga {id} has ended: {its.status}")
        return await self._address(id)

    async def _address(self, id: str) -> Address:
        its = await self.head(id)
        if its is not None:
            return Address(id, its.born, its.task, its.queue, its.priority, its.headers)
        inspector = (await self._engine()).inspector
        row = None if inspector is None else await inspector.show(id)
        if row is None:
            raise JobNotFound(
                f"saga {id}: nothing is known of it; its id is wrong, or it ended and is not kept any longer"
            )
        return Address(id, "", row.job.task, row.job.queue, row.job.priority, dict(row.job.headers))

    async def _give(self, job: Envelope) -> None:
        answer = await self._send(job)
        if answer.kind == "refused":
            raise EnqueueRefused([(job.id, answer.reason)])

    async def _store(self) -> Store:
        store = (await self._engine()).store
        if store is None:
            raise JobNotFound("no store keeps sagas here; give the app a store=")
        return store
