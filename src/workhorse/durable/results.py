"""Results of jobs as facts, `result/ID`: written with a job's ending, waited for by its handles."""

import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import msgspec

from workhorse.core import trail as trails
from workhorse.core.contract import ABSENT, Engine, Inspector, Put, Row, Store
from workhorse.core.errors import JobCancelled, JobFailed, JobNotFound
from workhorse.core.schema import Unfit
from workhorse.core.trail import Record
from workhorse.durable.sagas import keys, waiting

LOOK = 30.0
"""Seconds between looks at the job itself, in case that nobody writes its result: its row was purged, its worker is older."""

LOOK_UNKEPT = 1.0
"""The same where no result is kept, and so nothing wakes us."""


class ErrorDocument(msgspec.Struct, frozen=True):
    """An error on the wire."""

    type: str
    message: str
    traceback: str = ""


class ResultDocument(msgspec.Struct, frozen=True, omit_defaults=True):
    """What stands under `result/ID`: one of these members, or the codec's own for a value."""

    error: ErrorDocument | None = None
    cancelled: bool = False
    deleted: bool = False
    moved: bool = False
    missing: str = ""
    note: str = ""
    started: float = 0


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(ResultDocument).decode

DELETED = _encode(ResultDocument(deleted=True))
"""What a job leaves that was deleted before its end."""

MOVED = _encode(ResultDocument(moved=True))
"""What a job leaves that went to another engine."""

Decode: TypeAlias = Callable[[bytes], Any]


def key(id: str) -> str:
    """Where a job's result stands."""
    return f"result/{id}"


def head_key(id: str) -> str:
    """Where a group stands whose collector will have this id."""
    return f"group/{id}"


def of_value(id: str, document: bytes, started: float, ttl: float) -> Put:
    """The codec's document of a value, with the moment when its attempt began put in front."""
    return Put(key(id), b'{"started":%.6f,%b' % (started, document[1:]), None, ttl)


def of_missing(id: str, why: str, note: str, started: float, ttl: float) -> Put:
    """For a job that went well and has no value to show: it cannot be encoded, or the task skipped."""
    return Put(key(id), _encode(ResultDocument(missing=why, note=note, started=started)), None, ttl)


def of_error(id: str, record: Record, ttl: float) -> Put:
    """For a dead job."""
    error = ErrorDocument(record.type, record.message, record.traceback)
    return Put(key(id), _encode(ResultDocument(error=error, started=record.started)), None, ttl)


def of_cancel(id: str, ttl: float) -> Put:
    """For a cancelled job."""
    return Put(key(id), _encode(ResultDocument(cancelled=True)), None, ttl)


class Results:
    """Waits for a result: woken by its fact, with a look at the job now and then."""

    def __init__(self, engine: Callable[[], Awaitable[Engine]], keeps: Callable[[Row], bool]) -> None:
        self._engine = engine
        self._keeps = keeps

    async def wait(self, id: str, timeout: float | None, decode: Decode) -> Any:
        """The value; JobFailed, JobCancelled, JobNotFound, or TimeoutError after `timeout` seconds (None: never)."""
        engine = await self._engine()
        if engine.store is None:
            raise JobNotFound(f"job {id}: no results are kept here; give the app a store= that keeps them")
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            found, saga = await engine.store.get([key(id), keys.head(id)])
            if found is not None:
                return read(id, found[0], decode)
            patience = (
                await self._look(id, engine.inspector, engine.store, decode)
                if saga is None
                else waiting.patience(id, saga[0])
            )
            if isinstance(patience, _Found):
                return patience.value
            if end is not None and (patience := min(patience, end - time.monotonic())) <= 0:
                raise TimeoutError(f"job {id} has not ended within {timeout:g} s")
            known = {key(id): ABSENT, keys.head(id): ABSENT if saga is None else saga[1]}
            await engine.store.wait(known, patience)

    async def _look(self, id: str, inspector: Inspector | None, store: Store, decode: Decode) -> "float | _Found":
        """How long to wait before the next look; raises, or has the value, when the job has ended."""
        row = None if inspector is None else await inspector.show(id)
        if row is not None and row.status not in ("succeeded", "dead", "cancelled"):
            return LOOK if self._keeps(row) else LOOK_UNKEPT
        found, saga = await store.get([key(id), keys.head(id)])
        if found is not None:
            return _Found(read(id, found[0], decode))  # it ended between our two looks
        if saga is not None:
            return LOOK_UNKEPT  # its first turn did
        if inspector is None:
            return LOOK_UNKEPT
        if row is None and (await store.get([head_key(id)]))[0] is not None:
            return LOOK  # members of its group have not ended
        raise ended(id, row)


class _Found(msgspec.Struct):
    value: Any


def read(id: str, text: bytes, decode: Decode) -> Any:
    """The value in a result's document, or raise what it tells."""
    try:
        document = _decode(text)
        _raise(id, document)
        return None if document.note else decode(text)
    except (Unfit, ValueError, RecursionError) as error:  # of a release whose task returns something else, say
        raise JobNotFound(f"job {id} has ended, but its result cannot be read: {error}") from error


def _raise(id: str, document: ResultDocument) -> None:
    if document.error is not None:
        raise JobFailed(document.error.type, document.error.message, document.error.traceback)
    if document.cancelled:
        raise JobCancelled(f"job {id} was cancelled")
    if document.deleted:
        raise JobNotFound(f"job {id} was deleted")
    if document.moved:
        raise JobNotFound(f"job {id} was moved to another engine; ask an app on its URL")
    if document.missing:
        raise JobNotFound(f"job {id} succeeded, but its result could not be kept: {document.missing}")


def ended(id: str, row: Row | None) -> Exception:
    """What to raise for a job that has ended and has no result any more, or never had one."""
    if row is None:
        return JobNotFound(f"job {id}: nothing is known of it; its id is wrong, or it ended and is not kept any longer")
    if row.status == "cancelled":
        return JobCancelled(f"job {id} was cancelled")
    if row.status == "succeeded":
        return JobNotFound(f"job {id} succeeded; its result was not kept, or has expired (result_ttl)")
    history = trails.load(row.job.trail).history
    if history:
        last = history[-1]
        return JobFailed(last.type, last.message, last.traceback)
    return JobFailed("Dead", row.reason)
