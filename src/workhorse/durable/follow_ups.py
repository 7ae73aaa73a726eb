"""What goes with a job's end: its follow-ups, the task that is told of its death, its part in a group. Written with the outcome."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, Final, TypeAlias

import msgspec

from workhorse.core.clock import Clock
from workhorse.core.contract import Cancelled, Dead, Envelope, Outcome, Released, Retried, Succeeded
from workhorse.core.document import NO_OVERRIDES, FollowUpDoc, Member, Overrides
from workhorse.core.effort import Failure
from workhorse.core.errors import JobFailed
from workhorse.core.instrument import log
from workhorse.core.job import job_of
from workhorse.core.schema import Unfit
from workhorse.core.sequel import envelope_of, whole
from workhorse.durable.groups import End, Groups, of_end
from workhorse.durable.history import failures
from workhorse.durable.results import ErrorDocument

LONGEST_ID: Final = 200

Arguments: TypeAlias = Callable[[], tuple[Sequence[Any], Mapping[str, Any]]]


class Sequel(msgspec.Struct, frozen=True, gc=False):
    """What follows a job: what it carries itself, and whom its task tells of a death."""

    own: Overrides = NO_OVERRIDES
    on_dead: FollowUpDoc | None = None


class Ended(msgspec.Struct, frozen=True):
    """An end as its follow-ups want to know it. `result` is the codec's document, empty when there is none."""

    outcome: Outcome
    started: float
    arguments: Arguments
    result: bytes = b""
    value: Callable[[bytes], Any] | None = None


class FollowUps:
    """Adds to an outcome what goes with it."""

    def __init__(self, groups: Groups, clock: Clock, max_hops: int, max_size: int) -> None:
        self.groups, self.max_hops = groups, max_hops
        self._clock, self._max_size = clock, max_size

    async def after(self, ended: Ended, sequel: Sequel) -> Outcome:
        """The outcome with all of it. Unfit when the result cannot be handed on: the job cannot end so."""
        outcome = ended.outcome
        if isinstance(outcome, Retried | Released):
            return outcome
        writes, publish = list(outcome.writes), list(outcome.publish)
        if isinstance(outcome, Succeeded):
            publish += self._successors(ended, sequel)
        elif isinstance(outcome, Dead):
            publish += self._mourners(ended, sequel)
        if sequel.own.member is not None:
            writes.append(of_end(sequel.own.member, self._end(ended)))
            publish += await self._collector(sequel.own.member)
        return msgspec.structs.replace(outcome, writes=writes, publish=publish)

    def _successors(self, ended: Ended, sequel: Sequel) -> list[Envelope]:
        if not sequel.own.then or not ended.result or ended.value is None:
            return []  # a job that was skipped has nothing to hand on
        job, hops, now = ended.outcome.claim.job, sequel.own.hops + 1, self._clock.time()
        value = ended.value(ended.result)
        found = [
            whole(doc, follow_up_id(job, index), value, hops, job.headers, now)
            for index, doc in enumerate(sequel.own.then)
        ]
        for envelope in found:
            self._fits(envelope)
        return found

    def _mourners(self, ended: Ended, sequel: Sequel) -> list[Envelope]:
        """A death is a death, also when nobody can be told; arguments that are too large, or cannot travel, are left out."""
        doc = sequel.own.on_dead or sequel.on_dead
        if doc is None or sequel.own.hops > self.max_hops:
            return []  # tasks that mourn one another
        for arguments in (ended.arguments, _none):
            try:
                return [self._mourner(doc, ended, arguments, sequel.own.hops + 1)]
            except Unfit as error:
                why = error
        job = ended.outcome.claim.job
        log.error("%s %s is dead, and %s cannot be told: %s", job.task, job.id, doc.task, why)
        return []

    def _mourner(self, doc: FollowUpDoc, ended: Ended, arguments: Arguments, hops: int) -> Envelope:
        job, now = ended.outcome.claim.job, self._clock.time()
        dead = job_of(job, arguments())
        dead = dataclasses.replace(dead, attempts=tuple(_attempts(ended.outcome, now)))
        told = whole(doc, follow_up_id(job, "dead"), dead, hops, job.headers, now)
        self._fits(told)
        return told

    async def _collector(self, member: Member) -> list[Envelope]:
        doc = await self.groups.completed(member)
        if doc is None:
            return []
        return [envelope_of(doc, member.id, bytes(doc.args), doc.overrides.hops, {}, self._clock.time())]

    def _end(self, ended: Ended) -> End:
        outcome, now = ended.outcome, self._clock.time()
        task = outcome.claim.job.task
        if isinstance(outcome, Dead):
            last = _attempts(outcome, now)[-1].value
            assert isinstance(last, JobFailed)
            return End(task, ended.started, now, error=ErrorDocument(last.type, last.message, last.traceback))
        if isinstance(outcome, Cancelled):
            return End(task, ended.started, now, cancelled=True)
        end = End(task, ended.started, now)
        return end if not ended.result else _with_result(end, ended.result)

    def _fits(self, envelope: Envelope) -> None:
        size = len(envelope.payload)
        if size > self._max_size:
            raise Unfit(
                f"follow-up {envelope.task} would take {size:,} bytes, and max_size is {self._max_size:,}; "
                f"hand on a reference instead"
            )


def follow_up_id(job: Envelope, index: object) -> str:
    """Of what follows this attempt: the same when it is settled again."""
    id = f"{job.id}~{job.attempt}~{index}"
    if len(id) <= LONGEST_ID:
        return id
    return f"{blake2b(job.id.encode(), digest_size=16).hexdigest()}~{job.attempt}~{index}"


def _none() -> tuple[Sequence[Any], Mapping[str, Any]]:
    return (), {}


def _attempts(outcome: Outcome, now: float) -> list[Failure]:
    """Those that failed; and of a job that died without another one, its reason as the last."""
    assert isinstance(outcome, Dead)
    if outcome.trail is not None:
        return failures(outcome.trail)
    moment = datetime.fromtimestamp(now, UTC)
    return [*failures(outcome.claim.job.trail), Failure(JobFailed("Dead", outcome.reason), moment, moment)]


def _with_result(end: End, result: bytes) -> End:
    found = msgspec.json.decode(result, type=_Result)
    return msgspec.structs.replace(end, value=found.value, tagged=found.tagged)


class _Result(msgspec.Struct):
    value: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    tagged: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
