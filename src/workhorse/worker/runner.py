"""Turns a claim into an outcome: finds the task, decodes, calls, decides. The only place that decides."""

import time
from collections.abc import Awaitable, Callable

import msgspec

from workhorse.core import trail as trails
from workhorse.core.clock import Clock
from workhorse.core.contract import Cancelled, Claim, Dead, Outcome, Put, Released, Retried, Succeeded
from workhorse.core.document import Malformed, NewerVersion
from workhorse.core.happenings import JobEnded, JobStarted, JobSucceeded
from workhorse.core.instrument import Bus
from workhorse.core.registry import Registry
from workhorse.core.sagas.task import SagaTask
from workhorse.core.schema import Unfit
from workhorse.core.trail import Record
from workhorse.durable import results
from workhorse.worker.call import Plan, Planner, Terms
from workhorse.worker.pool import Pool
from workhorse.worker.running import Report, Running
from workhorse.worker.sagas import parents
from workhorse.worker.sagas.scene import Scene
from workhorse.worker.sagas.turns import Turns
from workhorse.worker.verdict import Done, Failed, Interrupted, Later, Unfitting, Verdict

DEFAULT_TTL = 3600.0
"""How long the result of a job is kept whose own wishes cannot be read."""


class Runner:
    """One claim at a time through the same steps, for the worker, for a test's bench, for whoever claims."""

    def __init__(
        self,
        registry: Registry,
        bus: Bus,
        clock: Clock,
        pool: Pool,
        report: Report,
        unknown_for: float,
        scene: Callable[[], Awaitable[Scene]],
    ) -> None:
        self._registry, self._bus, self._clock, self._pool = registry, bus, clock, pool
        self._report, self._unknown_for = report, unknown_for
        self._planner = Planner()
        self._turns = Turns(scene, self._unknown, self._bury)

    def prepare(self, claim: Claim) -> Plan | Outcome:
        """How the job is to be run; or its outcome, when it is not to be run at all."""
        its = self._prepared(claim)
        return parents.told(its, parents.parent_of(claim.job.payload)) if isinstance(its, Outcome) else its

    async def run(self, its: Plan, running: Running) -> Outcome | None:
        """What became of the job; None when it is not ours any more."""
        claim = running.claim
        running.plan, running.report = its, self._report
        started = self._clock.time()
        if self._bus.wants(JobStarted):
            self._bus.say(JobStarted(claim))
        if isinstance(its.terms.task, SagaTask):
            verdict: Verdict | None = None
            outcome = await self._turns.run(its, running)
        else:
            verdict = await self._call(its, running)
            outcome = self._decide(verdict, its.terms, claim, started)
        if outcome is not None:
            if verdict is not None or isinstance(outcome, Dead):  # a turn of a saga is not its end
                outcome = parents.told(outcome, its.document.overrides.parent)
            self._tell(outcome, verdict, running.began)
        return outcome

    def _prepared(self, claim: Claim) -> Plan | Outcome:
        task = self._registry.get(claim.job.task)
        chained = isinstance(task, SagaTask)  # cancelled or after too many crashes, it has something to undo
        if claim.cancel and not chained:
            return Cancelled(claim, (results.of_cancel(claim.job.id, DEFAULT_TTL),))
        if claim.expired:
            return self._bury(claim, "expired", DEFAULT_TTL)
        if task is None:
            return self._unknown(claim, f"no worker here knows the task {claim.job.task!r}")
        try:
            its = self._planner.plan(task, claim.job.payload)
        except NewerVersion as error:
            return self._unknown(claim, str(error))
        except Malformed as error:
            return self._bury(claim, f"malformed: {error}", task.settings.result_ttl)
        most = its.terms.max_crashes
        if claim.crashes >= most and not chained:
            reason = f"crashed: {claim.crashes} workers died or hung under it, and max_crashes is {most}"
            return self._bury(claim, reason, its.terms.result_ttl)
        return its

    async def _call(self, its: Plan, running: Running) -> Verdict:
        try:
            args, kwargs = its.arguments()
        except Unfit as error:
            return Unfitting(str(error))
        return await self._pool.call(its.terms, args, kwargs, running)

    def _tell(self, outcome: Outcome, verdict: Verdict | None, began: float) -> None:
        if isinstance(outcome, Succeeded):
            if self._bus.wants(JobSucceeded):
                self._bus.say(JobSucceeded(outcome, time.monotonic() - began))
        else:
            text = verdict.text if isinstance(verdict, Failed) else ""
            self._bus.say(JobEnded(outcome, time.monotonic() - began, text))

    def _decide(self, verdict: Verdict, its: Terms, claim: Claim, started: float) -> Outcome | None:
        match verdict:
            case Done():
                return _succeeded(claim, verdict, its.result_ttl, started)
            case Failed():
                return self._failed(claim, verdict, its, started)
            case Later(counts=False):
                return Released(claim, after=verdict.after)
            case Later():
                return self._failed(claim, Failed(verdict.type, verdict.message), its, started, verdict.after)
            case Unfitting():
                return self._bury(claim, f"arguments do not fit: {verdict.reason}", its.result_ttl)
            case Interrupted(why="cancelled"):
                return Cancelled(claim, _kept(its.result_ttl, results.of_cancel(claim.job.id, its.result_ttl)))
            case Interrupted(why="lost"):
                return None
            case Interrupted():
                return Released(claim)

    def _failed(self, claim: Claim, failure: Failed, its: Terms, started: float, after: float | None = None) -> Outcome:
        """The next attempt, if the budget of retries allows it; else dead."""
        job = claim.job
        record = Record(job.attempt, failure.type, failure.message, failure.traceback, started, self._clock.time())
        history = trails.load(job.trail).after(record)
        retry = job.attempt - history.budget
        reason = failure.text
        if failure.again and retry <= its.retry.retries and not claim.cancel:
            try:
                return Retried(
                    claim, trail=trails.dump(history), after=its.retry.wait(retry) if after is None else after
                )
            except Exception as error:
                reason = f"{reason} (and its retry policy failed: {error})"
        writes = _kept(its.result_ttl, results.of_error(job.id, record, its.result_ttl))
        return Dead(claim, writes, trail=trails.dump(history), reason=reason)

    def _unknown(self, claim: Claim, why: str) -> Outcome:
        """Handed back with a growing delay: in a rolling deploy another worker knows it, or this one will tomorrow."""
        now = self._clock.time()
        trail = trails.load(claim.job.trail)
        since = trail.unknown_since or now
        if now - since >= self._unknown_for:
            return self._bury(claim, f"{why}, nor has any for {self._unknown_for:g} s", DEFAULT_TTL)
        trail = msgspec.structs.replace(trail, unknown_since=since, hand_backs=trail.hand_backs + 1, note=why)
        after = min(max(1.0, now - since), 60.0, self._unknown_for)
        return Released(claim, trail=trails.dump(trail), after=after)

    def _bury(self, claim: Claim, reason: str, ttl: float) -> Dead:
        """Dead without having been called: no attempt is added to its history."""
        now = self._clock.time()
        record = Record(claim.job.attempt, "Dead", reason, "", now, now)
        return Dead(claim, _kept(ttl, results.of_error(claim.job.id, record, ttl)), reason=reason)


def _succeeded(claim: Claim, verdict: Done, ttl: float, started: float) -> Succeeded:
    trail = None
    if verdict.note:
        trail = trails.dump(msgspec.structs.replace(trails.load(claim.job.trail), note=verdict.note))
    if not ttl:
        return Succeeded(claim, trail=trail)
    if verdict.result:
        put = results.of_value(claim.job.id, verdict.result, started, ttl)
    else:
        put = results.of_missing(claim.job.id, verdict.missing, verdict.note, started, ttl)
    return Succeeded(claim, (put,), trail=trail)


def _kept(ttl: float, put: Put) -> tuple[Put, ...]:
    return (put,) if ttl else ()
