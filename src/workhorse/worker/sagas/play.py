"""A job of a saga, played once: from what the store knows to an outcome."""

import uuid
from collections.abc import Callable
from typing import TypeAlias

import msgspec

from workhorse.core.contract import Claim, Outcome, Succeeded
from workhorse.core.errand import Errand
from workhorse.core.sagas.records import Begin
from workhorse.core.schema import Unfit
from workhorse.durable.sagas import head
from workhorse.durable.sagas import past as pasts
from workhorse.durable.sagas.past import Past
from workhorse.worker.call import Plan, terms_of
from workhorse.worker.running import Running
from workhorse.worker.sagas.scene import Scene
from workhorse.worker.sagas.turn import Turn

HandBack: TypeAlias = Callable[[Claim, str], Outcome]
"""For what this worker cannot run, with the reason: to one that can."""

Bury: TypeAlias = Callable[[Claim, str, float], Outcome]
"""For a job that nobody will run, with the reason and its result's ttl."""


class Play:
    """`presumed`: the job is a saga's first, and new, so that there is nothing to read."""

    def __init__(
        self, scene: Scene, its: Plan, running: Running, presumed: bool, hand_back: HandBack, bury: Bury
    ) -> None:
        self._scene, self._its, self._running, self._presumed = scene, its, running, presumed
        self._hand_back, self._bury = hand_back, bury
        self._turn: Turn | None = None
        self.outcome: Outcome | None = None
        """None: it was interrupted, or another turn was first."""

    async def run(self) -> None:
        """To its outcome."""
        claim, errand = self._running.claim, self._its.document.overrides.errand
        past = Past() if self._presumed else await pasts.read(self._scene.store, id_of(claim, errand))
        begin, known = past.journal.begin, past.head
        if past.corrupt or (begin is None and known is not None and not known.over):
            self.outcome = self._corrupt(past)
        elif past.journal.ended or (known is not None and known.over) or _is_for_another(errand, begin):
            self.outcome = Succeeded(claim)
        else:
            self.outcome = await self._go_on(past, errand)

    async def end(self) -> None:
        """After an interruption: until nothing is being written any more."""
        if self._turn is not None:
            await self._turn.log.rest()

    async def _go_on(self, past: Past, errand: Errand | None) -> Outcome | None:
        scene, claim, terms = self._scene, self._running.claim, self._its.terms
        version, new = terms.task.definition.version, past.journal.begin is None
        begin = past.journal.begin or self._begin(version)
        task = scene.registry.of_version(claim.job.task, begin.version)
        if task is None and begin.version > version:
            return self._hand_back(
                claim, f"no worker here knows version {begin.version} of the saga {terms.task.name!r}"
            )
        if task is not None and not new:
            terms = terms_of(task)
        self._turn = turn = Turn(scene, self._running, terms, errand, past, begin, new)
        if task is None:
            return await turn.refuse(
                f"the saga began with version {begin.version}, and only version {version} is known here; "
                f"declare both, the older one with name={terms.task.name!r}, version={begin.version}"
            )
        try:
            args = terms.schema.decode(begin.args, begin.kwargs, begin.tagged)
        except Unfit as error:
            why = f"arguments do not fit: {error}"
            return self._bury(claim, why, begin.result_ttl) if new else await turn.refuse(why)
        return await turn.run(args, past.cancelled or claim.cancel)

    def _begin(self, version: int) -> Begin:
        document, terms = self._its.document, self._its.terms
        return Begin(
            task=terms.task.name, version=version, born=uuid.uuid4().hex, args=document.args, kwargs=document.kwargs,
            tagged=document.tagged, result_ttl=terms.result_ttl, parent=document.overrides.parent,
            at=self._scene.clock.time(),
        )  # fmt: skip

    def _corrupt(self, past: Past) -> Outcome:
        """The journal is left as it is: nothing is run, nothing is written over."""
        claim, errand = self._running.claim, self._its.document.overrides.errand
        id = id_of(claim, errand)
        why = past.corrupt or f"journal of saga {id}: entry 1 is lost"
        if past.head is None:
            job, now = claim.job, self._scene.clock.time()
            its = head.Head(
                "mismatched", job.task, job.queue, job.priority, 0, "", now, why=why, headers=dict(job.headers)
            )
        else:
            its = msgspec.structs.replace(past.head, status="mismatched", why=why, wakes=0.0)
        return Succeeded(claim, [head.put(id, its, past.version)])


def _is_for_another(errand: Errand | None, begin: Begin | None) -> bool:
    """Whether it came for a saga that is forgotten, or has not begun."""
    if errand is None:
        return False
    return begin is None or errand.born not in ("", begin.born)


def id_of(claim: Claim, errand: Errand | None) -> str:
    """The saga's: its first job's."""
    return claim.job.id if errand is None else errand.saga
