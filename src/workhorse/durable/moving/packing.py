"""A job as it is published at its new place, and whether it arrived there as it was."""

from typing import Final

import msgspec

from workhorse.core.contract import Claim, Envelope, Features, Row, Unique

NEVER: Final = 400 * 86_400.0
"""Seconds for which a job that was asked to cancel is out of reach of claims, until it is asked again."""

NEAR: Final = 0.01
"""Seconds by which two dues may differ: engines round them."""


def packed(row: Row, features: Features, now: float) -> Envelope:
    """The envelope to publish. Its due is a moment; what counts from its acceptance goes on counting from the old one."""
    at = now + NEVER if row.cancel else _due(row)
    return _envelope(row.job, features, at, row.accepted, now, row.crashes, row.reason if row.status == "dead" else "")


def packed_claim(claim: Claim, features: Features, now: float) -> Envelope:
    """The same of a job that was claimed, and so is due."""
    return _envelope(claim.job, features, None, claim.accepted, now, claim.crashes, "")


def unfit(env: Envelope, features: Features, now: float) -> str:
    """Why the target cannot hold it; empty: it can."""
    if env.dead:
        return ""
    if env.lane is not None and not features.lanes:
        return "the target has no lanes, and it has one"
    if env.unique is not None and not features.unique:
        return "the target has no unique keys, and it has one"
    if env.at is not None and env.at - now > features.max_delay:
        return f"the target delays for at most {features.max_delay:g} s, and it is due later"
    if len(env.payload) + len(env.trail) > features.max_size:
        return f"the target takes at most {features.max_size:,} bytes, and it has more"
    return ""


def differs(sent: Envelope, arrived: Row) -> str:
    """How the job of this id that stands at the target is another than the one that was sent; empty: it is not."""
    there = arrived.job
    if (there.task, there.payload) != (sent.task, sent.payload):
        return "another job of this id stands at the target"
    if (there.queue, there.priority) != (sent.queue, sent.priority):
        return "it stands at the target in another queue, or with another priority"
    if arrived.status == "scheduled" and there.attempt == sent.attempt and not _is_due(sent, arrived):
        return "it stands at the target with another due"
    return ""


def _is_due(sent: Envelope, arrived: Row) -> bool:
    return arrived.due is None or abs(arrived.due - (sent.at or 0.0)) <= NEAR


def _due(row: Row) -> float | None:
    """None: now. A parked job has no due; one that is ordered may be parked before its own time."""
    if row.status == "scheduled":
        return row.due
    if row.status == "parked":
        return row.job.at if row.job.at is not None else row.accepted + row.job.delay if row.job.delay else None
    return None


def _envelope(
    job: Envelope, features: Features, at: float | None, accepted: float, now: float, crashes: int, dead: str
) -> Envelope:
    age = max(0.0, now - accepted)
    return msgspec.structs.replace(
        job,
        topic="",
        delay=0,
        at=None if dead else at,
        expires=None if job.expires is None else max(0.0, job.expires - age),
        dead=dead,
        # a move that is taken up again publishes it again: a broker without transactions must look for its record
        look=job.look or not features.transactions,
        unique=None if job.unique is None or dead else _unique(job.unique, job, crashes, age),
    )


def _unique(unique: Unique, job: Envelope, crashes: int, age: float) -> Unique | None:
    """The key as it is still held. It keeps what stands at the target: to replace that was asked for of another time."""
    if unique.until == "claimed" and (job.attempt > 1 or crashes or job.trail):
        return None  # it was claimed before, and a freed key is not taken again
    within = None if unique.within is None else max(0.0, unique.within - age)
    return msgspec.structs.replace(unique, within=within, conflict="keep")
