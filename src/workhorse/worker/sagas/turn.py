"""One turn of a saga: its code is told all that is known, and runs on until it ends or all of it waits."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec

from workhorse.core import context as contexts
from workhorse.core.context import Context
from workhorse.core.contract import Outcome
from workhorse.core.errand import Errand
from workhorse.core.errors import JobFailed
from workhorse.core.job import Job, job_of
from workhorse.core.retry import Retry
from workhorse.core.sagas import records, telling
from workhorse.core.sagas.records import Begin, Error
from workhorse.core.sagas.saga import Saga
from workhorse.durable.sagas.head import Head
from workhorse.durable.sagas.jobs import Address
from workhorse.durable.sagas.log import Log, Overtaken
from workhorse.durable.sagas.past import Past
from workhorse.worker.call import Terms
from workhorse.worker.running import Running
from workhorse.worker.sagas import arrival
from workhorse.worker.sagas.calls import Calls
from workhorse.worker.sagas.doing import Doer
from workhorse.worker.sagas.ending import Ending
from workhorse.worker.sagas.flow import Flow
from workhorse.worker.sagas.requests import Requests
from workhorse.worker.sagas.scene import Scene
from workhorse.worker.sagas.script import Script
from workhorse.worker.sagas.standing import Standing
from workhorse.worker.sagas.steps import Steps
from workhorse.worker.sagas.teller import Teller
from workhorse.worker.sagas.trying import rule
from workhorse.worker.sagas.undoing import Mismatched, Undoing
from workhorse.worker.sagas.waits import Waits

Arguments = tuple[Sequence[Any], Mapping[str, Any]]


class Turn:
    """Of the saga that began with `begin`; `new`: it begins with this turn."""

    def __init__(
        self, scene: Scene, running: Running, terms: Terms, errand: Errand | None, past: Past, begin: Begin, new: bool
    ) -> None:
        self._scene, self._running, self._claim = scene, running, running.claim
        self._terms, self._errand, self._past, self._begin, self._new = terms, errand, past, begin, new
        to = self._address()
        standing = Standing(to.saga, self._head(to), past.head, past.version)
        self.log = Log(to.saga, past.journal, scene.puts, standing)
        self._flow = Flow(self.log.hold)
        again, anew = self._claim.crashes > 0 and not scene.whole, ""
        if errand is not None and errand.kind == "resume":
            anew = f".{self._claim.job.id.rpartition('~')[2]}"
        requests = Requests(to, past.journal, scene.clock.time, again, anew)
        self._script = Script(self.log, self._flow, requests, scene.clock, self._claim.job.id)
        self._ending = Ending(self._claim, begin, self._script, standing, scene.retain)

    async def run(self, args: Arguments, cancelled: bool) -> Outcome | None:
        """Its outcome; None when another turn was first."""
        script, most = self._script, self._terms.max_crashes
        if self._new:
            script.add(self._begin)
        arrival.wake(script, self._errand)
        if self._past.head is not None and self._past.head.stuck and not self._said_to_go_on:
            return await self._ending.as_it_was()
        arrival.go_on(script, self._errand)
        if self._claim.crashes >= most:
            if (undoing := script.journal.undoing) is not None and not any(script.journal.to_undo()):
                return await self._ending.compensated(
                    undoing.error
                )  # the code kills who asks it, and need not be asked
            arrival.blame(script, self._claim, most)  # before a cancel: they died doing, and not undoing
        if cancelled:
            arrival.cancel(script)
        if self._claim.crashes >= most or self._claim.job.lane is None:
            script.requests.turn(script.journal.count)  # a fresh job, in the saga's lane
            return await self._ending.waiting()
        return await self._play(args)

    async def refuse(self, why: str) -> Outcome | None:
        """Nothing is run: the code here is not the saga's."""
        arrival.wake(self._script, self._errand)
        return await self._ending.stuck("mismatched", why)

    async def _play(self, args: Arguments) -> Outcome | None:
        script, flow, born = self._script, self._flow, self._begin.born
        script.ghost = script.journal.undoing is not None
        doer = Doer(self._scene.pool, self._running, lambda: self._job(args))
        steps = Steps(script, doer, born, self._scene.replays)
        waits = Waits(script, self._scene.store, script.requests.to.saga)
        calls = Calls(script, self._scene.store, self._scene.inspector, self._errand)
        teller = Teller(script.requests.to.saga, born, script, steps, waits, calls)
        token, entered = telling.current.set(teller), contexts.enter(Context.lazily(lambda: self._job(args)))
        try:
            await flow.run(self._terms.fn(Saga(teller), *args[0], **args[1]))
        finally:
            doer.cancel()
            contexts.leave(entered)
            telling.current.reset(token)
        if flow.overtaken or self.log.lost:
            return None
        if flow.mismatch:
            return await self._ending.stuck("mismatched", flow.mismatch)
        return await self._conclude(Undoing(script, doer, steps.deeds, born), calls)

    async def _conclude(self, undoing: Undoing, calls: Calls) -> Outcome | None:
        script, flow = self._script, self._flow
        if not script.ghost:
            if flow.returned is not None:
                return await self._returned(flow.returned[0])
            if flow.raised is None:
                return await self._ending.waiting()
            script.add(records.Undoing(error=_error_of(flow.raised), at=script.at))
        self.log.go_on()
        await calls.recall()
        try:
            how = await undoing.run()
        except Overtaken:
            return None
        except Mismatched as error:
            return await self._ending.stuck("mismatched", str(error))
        return await self._undone(how)

    async def _returned(self, value: Any) -> Outcome | None:
        journal = self._script.journal
        left = [act for path, act in journal.acts.items() if path not in self._script.visited]
        if left:
            first = left[0]
            why = f"entry {first.number} of the journal is {first.started.kind} {first.started.name!r}, and the code ends without it"
            return await self._ending.stuck("mismatched", why)
        return await self._ending.succeeded(value, self._terms)

    async def _undone(self, how: str) -> Outcome | None:
        journal = self._script.journal
        assert journal.undoing is not None
        if how == "ended":
            return await self._ending.compensated(journal.undoing.error)
        if how == "waiting":
            return await self._ending.waiting()
        act = next(act for act in journal.to_undo() if act.stuck is not None)
        assert act.stuck is not None
        error = act.stuck.error
        return await self._ending.stuck(
            "compensation_failed", f"entry {act.number}, {act.started.name}: {error.type}: {error.message}"
        )

    @property
    def _said_to_go_on(self) -> bool:
        return self._errand is not None and self._errand.kind in ("resume", "skip")

    def _address(self) -> Address:
        job, errand = self._claim.job, self._errand
        id = job.id if errand is None else errand.saga
        return Address(id, self._begin.born, job.task, job.queue, job.priority, dict(job.headers))

    def _head(self, to: Address) -> Head:
        """As it is while this turn runs."""
        past, begin = self._past, self._begin
        status: Literal["running", "compensating"] = "running" if past.journal.undoing is None else "compensating"
        if past.head is None:
            its = Head(status, to.task, to.queue, to.priority, begin.version, begin.born, begin.at, headers=to.headers)
        elif past.head.stuck and not self._said_to_go_on:
            return past.head
        else:
            its = msgspec.structs.replace(past.head, status=status)
        return msgspec.structs.replace(its, turn=self._claim.job.id)

    def _job(self, args: Arguments) -> Job[Any]:
        return job_of(msgspec.structs.replace(self._claim.job, id=self._script.requests.to.saga), args)


def _error_of(raised: BaseException) -> Error:
    if isinstance(raised, JobFailed):
        return Error(raised.type, raised.message, raised.traceback)
    ruling = rule(raised, Retry(0), 1)
    return Error(type(raised).__name__, str(raised)) if ruling is None else ruling.error
