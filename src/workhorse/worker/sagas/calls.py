"""Other jobs that a saga calls: published with the settle, told by a fact that stands with the end of the job."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from msgspec import Raw

from workhorse.core.contract import Envelope, Filter, Inspector, Store
from workhorse.core.envelope import encode_job
from workhorse.core.errand import Errand, Parent
from workhorse.core.errors import JobCancelled, JobFailed, JobNotFound
from workhorse.core.job import Job
from workhorse.core.sagas.journal import Act
from workhorse.core.sagas.records import Done, Error, Failed
from workhorse.core.schema import decode_any, encode_unknown
from workhorse.core.task import RemoteTask, Task
from workhorse.durable import results
from workhorse.durable.sagas import head, jobs, keys
from workhorse.durable.sagas.jobs import Address
from workhorse.durable.sagas.patience import answered
from workhorse.worker.sagas.script import Script, failure_of
from workhorse.worker.sagas.steps import LARGEST

LOOK = 60.0
"""Seconds before the first look at a job whose end nobody told: it was deleted, say. Each later one waits twice as long."""

LONGEST = 3600.0
"""The most that it waits."""

LEAST = 60.0
"""Seconds that a called job's result lives at least, as its end is told with it."""


class Calls:
    """For one turn of a saga. `errand` is what the turn came for."""

    def __init__(self, script: Script, store: Store, inspector: Inspector | None, errand: Errand | None) -> None:
        self._script, self._store, self._inspector, self._errand = script, store, inspector, errand

    async def call(self, task: Task[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """Its result; JobFailed when it is dead, cancelled or deleted."""
        script = self._script
        path = await script.place()
        texts = _written(task, args, kwargs)
        act = await script.find(path, "call", task.name, lambda args, kwargs: texts == (bytes(args), bytes(kwargs)))
        if act is None:
            act = await script.begin(path, "call", task.name, Raw(texts[0]), Raw(texts[1]))
        if act.done is None and act.failed is None:
            await self._wait(act, task, task.job(*args, **kwargs))
        if act.failed is not None:
            raise failure_of(act.failed)
        assert act.done is not None
        return results.read(self._id_of(act), bytes(act.done.result), _decode_of(task))

    async def recall(self) -> None:
        """What was called and has not ended need not go on: the saga is being undone."""
        for act in self._script.journal.acts.values():
            waited_for = act.started.kind == "call" and act.done is None and act.failed is None
            if waited_for and act.number in self._script.journal.sent and self._inspector is not None:
                await self._cancel(self._inspector, self._id_of(act))

    async def _cancel(self, inspector: Inspector, id: str) -> None:
        row = await inspector.show(id)
        await inspector.cancel(Filter(ids=[id]))
        if row is not None and jobs.is_first(row.job):
            job = row.job
            to = Address(id, "", job.task, job.queue, job.priority, dict(job.headers))
            self._script.requests.order(jobs.order(to, "cancel", Errand("cancel", id)))

    async def _wait(self, act: Act, task: Task[..., Any], job: Job[Any]) -> None:
        script, to = self._script, self._script.requests.to
        if not script.ghost:
            with script.flow.busy():
                gone = await self._is_gone(act)
                (told,) = await answered(lambda: self._store.get([keys.called(to.saga, to.born, act.number)]))
            if told is not None:
                self._ended(act, told[0], task)
                return
            if gone:
                self._failed(act, JobNotFound(f"job {self._id_of(act)} is gone, and did not tell how it ended"))
                return
            if script.requests.anew:
                script.requests.order(self._look(act, 0))
            script.requests.job(act.number, self._envelope(act, task, job), self._look(act, 0))
        await script.flow.park()

    async def _is_gone(self, act: Act) -> bool:
        """Looked at when the turn came for that."""
        errand, inspector = self._errand, self._inspector
        if errand is None or errand.number != act.number or not errand.name or inspector is None:
            return False
        id = self._id_of(act)
        row = await answered(lambda: inspector.show(id))
        (fact,) = await answered(lambda: self._store.get([keys.head(id)]))
        its = None if fact is None else head.load(fact[0])
        alive = not its.over if its is not None else row is not None and row.status not in _ENDED
        if alive:
            self._script.requests.order(self._look(act, int(errand.name) + 1))
        return not alive

    def _ended(self, act: Act, told: bytes, task: Task[..., Any]) -> None:
        try:
            if len(told) > LARGEST:
                raise JobNotFound(f"its result takes {len(told):,} bytes, and the most is {LARGEST:,}")
            results.read(self._id_of(act), told, _decode_of(task))
        except (JobFailed, JobCancelled, JobNotFound) as error:
            self._failed(act, error)
        else:
            self._script.add(Done(of=act.number, result=Raw(told), at=self._script.at))

    def _failed(self, act: Act, error: Exception) -> None:
        if isinstance(error, JobFailed):
            told = Error(error.type, error.message, error.traceback)
        else:
            told = Error(type(error).__name__, str(error))
        self._script.add(Failed(of=act.number, error=told, at=self._script.at))

    def _envelope(self, act: Act, task: Task[..., Any], job: Job[Any]) -> Envelope:
        to = self._script.requests.to
        ttl = max(
            LEAST, job.options.get("result_ttl", LEAST if isinstance(task, RemoteTask) else task.settings.result_ttl)
        )
        its = dataclasses.replace(job, id=self._id_of(act), options={**job.options, "result_ttl": ttl})
        parent = Parent(to.saga, to.born, act.number, to.task, to.queue, to.priority, to.headers)
        return jobs.called(encode_job(its, task), parent)

    def _look(self, act: Act, turn: int) -> Envelope:
        delay = min(LONGEST, LOOK * 2**turn)
        requests = self._script.requests
        what = f"{act.number}.{turn}{requests.anew}"
        return jobs.turn(requests.to, what=what, delay=delay, number=act.number, name=str(turn))

    def _id_of(self, act: Act) -> str:
        to = self._script.requests.to
        return keys.job(to.saga, to.born, f"{act.number}.call")


def _written(task: Task[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[bytes, bytes]:
    if isinstance(task, RemoteTask):
        return encode_unknown(args, kwargs)
    return task.schema.encode(args, kwargs)


def _decode_of(task: Task[..., Any]) -> results.Decode:
    return decode_any if isinstance(task, RemoteTask) else task.schema.decode_result


_ENDED = ("succeeded", "dead", "cancelled")
