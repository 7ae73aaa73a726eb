"""Turns a claim into an outcome: finds the task, decodes, calls, decides. The only place that decides."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import msgspec

from workhorse.core import trail as trails
from workhorse.core.clock import Clock
from workhorse.core.contract import Cancelled, Claim, Dead, Outcome, Put, Released, Retried, Succeeded
from workhorse.core.document import Document, Gathering, Malformed, NewerVersion, decode
from workhorse.core.happenings import JobEnded, JobStarted, JobSucceeded
from workhorse.core.instrument import Bus
from workhorse.core.registry import Registry
from workhorse.core.sagas.task import SagaTask
from workhorse.core.schema import Unfit
from workhorse.core.trail import Record
from workhorse.durable import results
from workhorse.durable.follow_ups import Ended, FollowUps, Sequel
from workhorse.durable.gathering import Broken, Incomplete, gathered
from workhorse.worker import copies, together
from workhorse.worker.backoff import Backoff
from workhorse.worker.call import Plan, Planner, Terms, arguments_of, sequel_of, with_first
from workhorse.worker.pool import Pool
from workhorse.worker.running import Report, Running
from workhorse.worker.sagas import parents
from workhorse.worker.sagas.scene import Scene
from workhorse.worker.sagas.turns import Turns
from workhorse.worker.shares import own, share
from workhorse.worker.verdict import Done, Failed, Interrupted, Later, Many, Unfitting, Verdict

T = TypeVar("T")

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
        follow_ups: FollowUps,
        backoff: Backoff,
        scene: Callable[[], Awaitable[Scene]],
    ) -> None:
        self._registry, self._bus, self._clock, self._pool = registry, bus, clock, pool
        self._report, self._unknown_for = report, unknown_for
        self._follow_ups, self._backoff = follow_ups, backoff
        self._planner = Planner()
        self._turns = Turns(scene, self._unknown, self._bury)

    def prepare(self, claim: Claim) -> Plan | Outcome:
        """How the job is to be run; or its outcome, when it is not to be run at all."""
        task = self._registry.serving(claim.job)
        chained = isinstance(task, SagaTask)  # cancelled or after too many crashes, it has something to undo
        if claim.cancel and not chained:
            return Cancelled(claim, (results.of_cancel(claim.job.id, DEFAULT_TTL),))
        if claim.expired:
            return self._bury(claim, "expired", DEFAULT_TTL)
        if task is None and copies.is_unasked(claim.job, self._registry):
            return copies.passed_over(claim)
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
        if its.document.overrides.hops > self._follow_ups.max_hops:
            reason = f"it followed {its.document.overrides.hops} jobs, and max_hops is {self._follow_ups.max_hops}"
            return self._bury(claim, reason, its.terms.result_ttl)
        return copies.into_lane(its, claim, self._clock.time) or its

    async def not_run(self, outcome: Outcome) -> Outcome:
        """What `prepare` decided, with what follows from it."""
        job = outcome.claim.job
        task = self._registry.serving(job)
        try:
            document = decode(job.payload)
        except (Malformed, NewerVersion):
            document = _EMPTY
        sequel = sequel_of(task, document.overrides)
        if sequel is not None:
            outcome = await self._after(
                Ended(outcome, self._clock.time(), lambda: arguments_of(task, document)), sequel
            )
        return parents.told(outcome, document.overrides.parent)

    async def run(self, its: Plan, running: Running) -> Outcome | None:
        """What became of the job; None when it is not ours any more."""
        if its.terms.batch is not None:
            return (await self.run_together([(its, running)], running))[0]
        started = self._clock.time()
        if its.document.overrides.gathers is not None:
            gathered = await self._gathered(its, its.document.overrides.gathers, running.claim)
            if isinstance(gathered, Outcome):
                return await self.not_run(gathered)
            its = gathered
        self.begin(its, running)
        if isinstance(its.terms.task, SagaTask):
            return await self._turned(its, running)
        try:
            args, kwargs = its.arguments()
        except Unfit as error:
            verdict: Verdict = Unfitting(str(error))
        else:
            verdict = await self._pool.call(its.terms, args, kwargs, running)
        return await self._concluded(verdict, its, running, started)

    def begin(self, its: Plan, running: Running) -> None:
        """An attempt begins, here or in the hands of who consumes."""
        running.plan, running.report = its, self._report
        if self._bus.wants(JobStarted):
            self._bus.say(JobStarted(running.claim))

    async def conclude(self, verdict: Verdict, its: Plan, running: Running, started: float) -> Outcome | None:
        """What a verdict makes of the job, with what follows from it; None when it is not ours any more."""
        return await self._concluded(verdict, its, running, started)

    def hand_back(self, claim: Claim, why: str) -> Outcome:
        """For somebody else, with a growing delay; dead after `unknown_for` with nobody."""
        return self._unknown(claim, why)

    async def _turned(self, its: Plan, running: Running) -> Outcome | None:
        outcome = await self._turns.run(its, running)
        if isinstance(outcome, Dead):  # any other end of a turn is not the saga's
            outcome = await self.not_run(outcome)
        if outcome is not None:
            self._tell(outcome, None, running.began)
        return outcome

    async def run_together(self, plans: Sequence[tuple[Plan, Running]], lead: Running) -> list[Outcome | None]:
        """The same for the jobs of a batch: one call, `lead`, and what became of each."""
        started = self._clock.time()
        verdicts: dict[Running, Verdict] = {}
        fitting: list[tuple[Plan, Running]] = []
        items: list[Any] = []
        for its, running in plans:
            self.begin(its, running)
            try:
                items.append(its.item())
                fitting.append((its, running))
            except Unfit as error:
                verdicts[running] = Unfitting(str(error))
        if fitting:
            call = together.begin(lead, fitting, self._report)
            verdict = await self._pool.call(call.terms, (items,), {}, lead)
            call.end()
            verdicts.update(zip((running for _, running in fitting), share(verdict, len(items)), strict=True))
        ends = [self._concluded(own(verdicts[it], it.why), its, it, started) for its, it in plans]
        return await asyncio.gather(*ends)  # what they write into a store is committed together

    async def _concluded(self, verdict: Verdict, its: Plan, running: Running, started: float) -> Outcome | None:
        outcome = self._decide(verdict, its.terms, running.claim, started)
        if its.terms.sequel is not None and outcome is not None:
            outcome = await self._followed(outcome, verdict, its, its.terms.sequel, started)
        if outcome is not None:
            if its.document.overrides.parent is not None:
                outcome = parents.told(outcome, its.document.overrides.parent)
            self._tell(outcome, verdict, running.began)
        return outcome

    async def _followed(self, outcome: Outcome, verdict: Verdict, its: Plan, sequel: Sequel, started: float) -> Outcome:
        result, missing = (verdict.result, verdict.missing) if isinstance(verdict, Done) else (b"", "")
        try:
            if missing and (sequel.own.then or sequel.own.member is not None):
                raise Unfit(missing)
            ended = Ended(outcome, started, its.arguments, result, its.terms.schema.decode_result)
            return await self._after(ended, sequel)
        except Unfit as error:
            why = Failed("Unfit", f"its result cannot be handed on: {error}", again=False)
            dead = self._failed(outcome.claim, why, its.terms, started)
            return await self._after(Ended(dead, started, its.arguments), sequel)

    async def _after(self, ended: Ended, sequel: Sequel) -> Outcome:
        return await self._patiently(ended.outcome.claim, lambda: self._follow_ups.after(ended, sequel))

    async def _patiently(self, claim: Claim, verb: Callable[[], Awaitable[T]]) -> T:
        """A store that is away is waited for, as the settle will be."""
        answer = await self._backoff.keep_trying(f"store {claim.job.id} {claim.token}", verb, lambda: False)
        assert answer is not None, "it never gives up"
        return answer

    async def _gathered(self, its: Plan, asked: Gathering, claim: Claim) -> Plan | Outcome:
        """With the results of its group; or it comes again when all of them are there."""
        try:
            first = await self._patiently(claim, lambda: self._first(claim.job.id, asked))
            return with_first(its, first)
        except Broken as error:
            return self._bury(claim, str(error), its.terms.result_ttl)
        except Incomplete as error:
            trail = trails.load(claim.job.trail)
            waited = trail.hand_backs
            trail = msgspec.structs.replace(trail, hand_backs=waited + 1, note=str(error))
            # at once the first time: the settle may be under way beside us
            return Released(claim, trail=trails.dump(trail), after=min(0.05 * 2**waited, 30.0) if waited else 0.0)

    async def _first(self, id: str, asked: Gathering) -> bytes:
        return await gathered(self._follow_ups.groups, id, asked, self._registry.get)

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
            case Interrupted() | Many():
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


_EMPTY = Document()


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
