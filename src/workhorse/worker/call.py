"""One call of one task: what its payload asks for, its arguments, and its result as bytes."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from workhorse.core import sequel
from workhorse.core.batch import Batch
from workhorse.core.coroutines import closed
from workhorse.core.document import (
    NO_OVERRIDES,
    Document,
    Malformed,
    NewerVersion,
    Overrides,
    decode,
    encode,
    retry_from_doc,
)
from workhorse.core.envelope import follow_up
from workhorse.core.follow_up import RESULT
from workhorse.core.retry import Retry
from workhorse.core.schema import Schema, Unfit
from workhorse.core.shape import RunIn
from workhorse.core.task import Task
from workhorse.durable.follow_ups import Sequel
from workhorse.worker.verdict import Done, Failed, plain, text_of


class Request(msgspec.Struct, frozen=True):
    """What a process of the pool gets: where it finds the task, and the job's payload; those of all jobs of a batch."""

    module: str
    qualname: str
    payloads: tuple[bytes, ...]


class Terms(msgspec.Struct, frozen=True, gc=False):
    """How a job is to be run: what its own options said, else what its task declares; with the task's parts at hand."""

    task: Task[..., Any]
    fn: Callable[..., Any]
    schema: Schema
    run_in: RunIn
    takes_context: bool
    retry: Retry
    timeout: float | None
    result_ttl: float
    max_crashes: int
    batch: Batch | None = None
    sequel: Sequel | None = None  # what follows its end, if anything


class Plan(msgspec.Struct, frozen=True, gc=False):
    """The terms of one job, and its arguments as they travelled."""

    terms: Terms
    document: Document
    payload: bytes  # the document's

    def arguments(self) -> tuple[Sequence[Any], Mapping[str, Any]]:
        """Ready for the call; Unfit when they do not fit the signature."""
        return self.terms.task.definition.arguments(self.document)

    def item(self) -> Any:
        """Of a job of a batch: what its caller passed."""
        args, kwargs = self.arguments()
        return args[0] if args else next(iter(kwargs.values()))


class Planner:
    """Makes plans; the terms of a task are worked out once, as most jobs say nothing of their own."""

    def __init__(self) -> None:
        self._terms: dict[Task[..., Any], Terms] = {}

    def plan(self, task: Task[..., Any], payload: bytes) -> Plan:
        """Malformed or NewerVersion when the payload is not what this version reads."""
        document = decode(payload)
        terms = self._terms.get(task)
        if terms is None:
            terms = self._terms[task] = terms_of(task)
        own = document.overrides
        return Plan(terms if own is NO_OVERRIDES else overridden(terms, own), document, payload)


def arguments_of(task: Task[..., Any] | None, document: Document) -> tuple[Sequence[Any], Mapping[str, Any]]:
    """Of a job that is not run; Unfit where nobody knows how to read them."""
    if task is None:
        raise Unfit("nobody here knows its task")
    return task.definition.arguments(document)


def with_first(its: Plan, first: bytes) -> Plan:
    """With one more argument in front, which nobody had when the job was enqueued."""
    document = its.document
    args = sequel.with_first(document.args, first)
    payload = encode(args, bytes(document.kwargs), document.tagged, document.overrides)
    return Plan(its.terms, msgspec.structs.replace(document, args=msgspec.Raw(args)), payload)


def terms_of(task: Task[..., Any]) -> Terms:
    """What the task declares."""
    its = task.settings
    return Terms(
        task, task.definition.runs, task.schema, task.run_in, task.takes_context,
        its.retry, its.timeout, its.result_ttl, its.max_crashes, task.definition.batch, sequel_of(task),
    )  # fmt: skip


def sequel_of(task: Task[..., Any] | None, own: Overrides = NO_OVERRIDES) -> Sequel | None:
    """What follows a job of this task; None where nothing can."""
    mourner = None if task is None else task.settings.on_dead
    if own is NO_OVERRIDES and mourner is None:
        return None
    return Sequel(own, None if mourner is None else follow_up(mourner.job(RESULT)))


def overridden(terms: Terms, own: Overrides) -> Terms:
    """What the job says itself beats its task."""
    return msgspec.structs.replace(
        terms,
        retry=terms.retry if own.retry is None else retry_from_doc(own.retry, terms.retry),
        timeout=terms.timeout if own.timeout is msgspec.UNSET else own.timeout,
        result_ttl=terms.result_ttl if own.result_ttl is msgspec.UNSET else own.result_ttl,
        max_crashes=terms.max_crashes if own.max_crashes is msgspec.UNSET else own.max_crashes,
        sequel=Sequel(own, None if terms.sequel is None else terms.sequel.on_dead),
    )


def done(terms: Terms, value: Any) -> Done | Failed:
    """A result that cannot be encoded does not undo the work: the job is done, and says why its result is missing."""
    if closed(value):
        return Failed(
            "TypeError", "it returned a coroutine that nobody awaited; declare it with `async def`", again=False
        )
    if not terms.result_ttl and terms.sequel is None:
        return _KEPT_NOTHING
    try:
        return Done(terms.schema.encode_result(value))
    except Unfit as error:
        return Done(missing=plain(error))
    except Exception as error:  # the value's own code, say a serializer of its class
        return Done(missing=f"{type(error).__name__}: {text_of(error)}")


_KEPT_NOTHING = Done()


def keeps_result(task: Task[..., Any] | None, payload: bytes) -> bool:
    """Whether the job's ending writes a result: what its own options said, else its task."""
    try:
        own = decode(payload).overrides.result_ttl
    except (Malformed, NewerVersion):
        return True
    if own is not msgspec.UNSET:
        return own > 0
    return task is None or task.settings.result_ttl > 0
