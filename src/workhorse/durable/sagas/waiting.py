"""For who waits for a saga's result: how its head is to be taken where no result stands."""

from workhorse.core.errors import JobCancelled, JobFailed, JobNotFound, SagaMismatch
from workhorse.core.sagas.records import Error
from workhorse.durable.sagas import head
from workhorse.durable.sagas.head import Head

LOOK = 30.0
"""Seconds: it is woken by the head, and by the result."""


def patience(id: str, text: bytes) -> float:
    """How long to wait before the next look. Raises what a saga that has ended, or that stands still, has to tell."""
    its = head.load(text)
    if its is None or not (its.over or its.stuck):
        return LOOK
    raise _told(id, its)


def _told(id: str, its: Head) -> Exception:
    if its.status == "mismatched":
        return SagaMismatch(f"saga {id}: {its.why}; it goes on with resume() once the code is right")
    if its.status == "compensation_failed":
        error = its.error or Error("JobCancelled", "it was cancelled")
        return JobFailed(error.type, f"{error.message} (and it could not be undone: {its.why})", error.traceback)
    if its.error is not None:
        return JobFailed(its.error.type, its.error.message, its.error.traceback)
    if its.cancelled:
        return JobCancelled(f"saga {id} was cancelled, and is undone")
    return JobNotFound(f"saga {id} succeeded; its result was not kept, or has expired (result_ttl)")
