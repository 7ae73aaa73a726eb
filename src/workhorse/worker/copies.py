"""Copies of events, as the engine made them: those that nobody here asked for, and those that go into a lane first."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from workhorse.core import keyed
from workhorse.core import trail as trails
from workhorse.core.contract import Claim, Envelope, Outcome, Succeeded
from workhorse.core.document import Malformed, NewerVersion, decode
from workhorse.core.job import Job, swift
from workhorse.core.options import KEYED, Priority
from workhorse.core.registry import Registry
from workhorse.core.schema import Unfit
from workhorse.durable.follow_ups import follow_up_id
from workhorse.worker.call import Plan


def is_unasked(job: Envelope, registry: Registry) -> bool:
    """Whether this is an event on a subscriber's queue, of a type that it did not ask for: its topic carries others, too."""
    if not registry.subscribers.on(job.queue):
        return False
    try:
        return decode(job.payload).event is not None
    except (Malformed, NewerVersion):
        return False


def passed_over(claim: Claim) -> Succeeded:
    """There is nothing to be done; its note says so."""
    trail = msgspec.structs.replace(trails.load(claim.job.trail), note="nobody asked for this type on this queue")
    return Succeeded(claim, trail=trails.dump(trail))


def into_lane(its: Plan, claim: Claim, now: Callable[[], float]) -> Outcome | None:
    """Where its subscriber has a limit, an order or a unique key: done, and published again with it, in one step. The key
    stands in the content, which no engine looks into, so that no copy has it. None: it is to be run."""
    job = claim.job
    if its.document.event is None or not job.id.endswith(f"@{job.queue}"):
        return None
    if not (said := its.terms.task.settings.of(KEYED)):
        return None
    try:
        lane, unique = keyed.of(_keyed(job, its, said), its.terms.schema)
    except Unfit:
        return None  # it does not fit, and ends so when it is run
    life = None if job.expires is None else min(job.expires, max(0.001, job.expires - (now() - claim.accepted)))
    again = msgspec.structs.replace(
        job, id=follow_up_id(job, "lane"), topic="", lane=lane, unique=unique,
        delay=0.0, at=None, expires=life, attempt=1, trail=b"",
    )  # fmt: skip
    return Succeeded(claim, publish=(again,))


def _keyed(job: Envelope, its: Plan, said: Mapping[str, Any]) -> Job[Any]:
    """As the job of the subscriber's task that it is, so that both share their lanes."""
    args, kwargs = its.arguments()
    priority = Priority(min(max(job.priority, Priority.LOW), Priority.HIGH))
    return swift(job.id, its.terms.task.name, tuple(args), kwargs, job.queue, priority, job.headers, said)
