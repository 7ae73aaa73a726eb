"""One call of one task: what its payload asks for, its arguments, and its result as bytes."""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from workhorse.core.document import Document, Malformed, NewerVersion, decode, retry_from_doc
from workhorse.core.retry import Retry
from workhorse.core.schema import Unfit
from workhorse.core.task import Task
from workhorse.worker.verdict import Done, Failed, Unfitting, Verdict, judge, plain


class Request(msgspec.Struct, frozen=True):
    """What a process of the pool gets: where it finds the task, and the job's payload as it came."""

    module: str
    qualname: str
    payload: bytes


class Plan(msgspec.Struct, frozen=True, gc=False):
    """How a job wants to be run: what its own options said, else what its task declares."""

    task: Task[..., Any]
    document: Document
    retry: Retry
    timeout: float | None
    result_ttl: float
    max_crashes: int

    def arguments(self) -> tuple[Sequence[Any], Mapping[str, Any]]:
        """Ready for the call; Unfit when they do not fit the signature."""
        document = self.document
        return self.task.schema.decode(document.args, document.kwargs, document.tagged)


def plan(task: Task[..., Any], payload: bytes) -> Plan:
    """Malformed or NewerVersion when the payload is not what this version reads."""
    document = decode(payload)
    own, declared = document.overrides, task.settings
    return Plan(
        task,
        document,
        declared.retry if own.retry is None else retry_from_doc(own.retry, declared.retry),
        declared.timeout if own.timeout is msgspec.UNSET else own.timeout,
        declared.result_ttl if own.result_ttl is msgspec.UNSET else own.result_ttl,
        declared.max_crashes if own.max_crashes is msgspec.UNSET else own.max_crashes,
    )


def call_sync(task: Task[..., Any], payload: bytes) -> Verdict:
    """Call a sync task with the arguments of a payload, here and now."""
    try:
        its = plan(task, payload)
        args, kwargs = its.arguments()
    except (Malformed, NewerVersion, Unfit) as error:
        return Unfitting(str(error))
    try:
        value = task.fn(*args, **kwargs)
    except BaseException as error:
        return judge(error, its.retry)
    return done(its, value)


def done(its: Plan, value: Any) -> Verdict:
    """A result that cannot be encoded does not undo the work: the job is done, and says why its result is missing."""
    if inspect.iscoroutine(value):
        value.close()
        return Failed(
            "TypeError", "it returned a coroutine that nobody awaited; declare it with `async def`", again=False
        )
    if not its.result_ttl:
        return Done()
    try:
        return Done(its.task.schema.encode_result(value))
    except Unfit as error:
        return Done(missing=plain(error))


def keeps_result(task: Task[..., Any] | None, payload: bytes) -> bool:
    """Whether the job's ending writes a result: what its own options said, else its task."""
    try:
        own = decode(payload).overrides.result_ttl
    except (Malformed, NewerVersion):
        return True
    if own is not msgspec.UNSET:
        return own > 0
    return task is None or task.settings.result_ttl > 0
