"""One call of one task: what its payload asks for, its arguments, and its result as bytes."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from workhorse.core.coroutines import closed
from workhorse.core.document import NO_OVERRIDES, Document, Malformed, NewerVersion, Overrides, decode, retry_from_doc
from workhorse.core.retry import Retry
from workhorse.core.schema import Schema, Unfit
from workhorse.core.shape import RunIn
from workhorse.core.task import Task
from workhorse.worker.verdict import Done, Failed, Unfitting, Verdict, judge, plain, text_of


class Request(msgspec.Struct, frozen=True):
    """What a process of the pool gets: where it finds the task, and the job's payload as it came."""

    module: str
    qualname: str
    payload: bytes


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


class Plan(msgspec.Struct, frozen=True, gc=False):
    """The terms of one job, and its arguments as they travelled."""

    terms: Terms
    document: Document

    def arguments(self) -> tuple[Sequence[Any], Mapping[str, Any]]:
        """Ready for the call; Unfit when they do not fit the signature."""
        document = self.document
        return self.terms.schema.decode(document.args, document.kwargs, document.tagged)


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
        return Plan(terms if own is NO_OVERRIDES else overridden(terms, own), document)


def terms_of(task: Task[..., Any]) -> Terms:
    """What the task declares."""
    its = task.settings
    return Terms(
        task, task.fn, task.schema, task.run_in, task.takes_context,
        its.retry, its.timeout, its.result_ttl, its.max_crashes,
    )  # fmt: skip


def overridden(terms: Terms, own: Overrides) -> Terms:
    """What the job says itself beats its task."""
    return msgspec.structs.replace(
        terms,
        retry=terms.retry if own.retry is None else retry_from_doc(own.retry, terms.retry),
        timeout=terms.timeout if own.timeout is msgspec.UNSET else own.timeout,
        result_ttl=terms.result_ttl if own.result_ttl is msgspec.UNSET else own.result_ttl,
        max_crashes=terms.max_crashes if own.max_crashes is msgspec.UNSET else own.max_crashes,
    )


def call_sync(task: Task[..., Any], payload: bytes) -> Verdict:
    """Call a sync task with the arguments of a payload, here and now."""
    try:
        its = Planner().plan(task, payload)
        args, kwargs = its.arguments()
    except (Malformed, NewerVersion, Unfit) as error:
        return Unfitting(str(error))
    try:
        value = its.terms.fn(*args, **kwargs)
    except BaseException as error:
        return judge(error, its.terms.retry)
    return done(its.terms, value)


def done(terms: Terms, value: Any) -> Verdict:
    """A result that cannot be encoded does not undo the work: the job is done, and says why its result is missing."""
    if closed(value):
        return Failed(
            "TypeError", "it returned a coroutine that nobody awaited; declare it with `async def`", again=False
        )
    if not terms.result_ttl:
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
