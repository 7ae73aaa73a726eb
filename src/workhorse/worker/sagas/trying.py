"""What comes after an attempt that failed: a pause and the next, or nothing."""

from typing import NamedTuple

from workhorse.core.retry import Retry
from workhorse.core.sagas.records import Error
from workhorse.worker.verdict import Done, Failed, Later, judge


class Ruling(NamedTuple):
    """`wait`: seconds before the next attempt, None: there is none; `counts`: it was an attempt, not a snooze."""

    error: Error
    wait: float | None
    counts: bool = True


def rule(raised: BaseException, retry: Retry, attempt: int) -> Ruling | None:
    """None for a Skip: that went well."""
    verdict = judge(raised, retry)
    match verdict:
        case Done():
            return None
        case Later(counts=False):
            return Ruling(Error(verdict.type, verdict.message), verdict.after, counts=False)
        case Later():
            error = Error(verdict.type, verdict.message)
            return Ruling(error, verdict.after if attempt <= retry.retries else None)
        case Failed():
            error = Error(verdict.type, verdict.message, verdict.traceback)
            return _again(error, retry, attempt) if verdict.again else Ruling(error, None)
        case _:
            raise AssertionError(verdict)


def _again(error: Error, retry: Retry, attempt: int) -> Ruling:
    if attempt > retry.retries:
        return Ruling(error, None)
    try:
        return Ruling(error, retry.wait(attempt))
    except Exception as failure:  # any: a delay may be the user's code
        return Ruling(
            Error(error.type, f"{error.message} (and its retry policy failed: {failure})", error.traceback), None
        )
