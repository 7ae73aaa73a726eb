"""Runs the jobs of sagas. The Runner's counterpart for this kind of task: with it the only place that decides an outcome."""

from collections.abc import Awaitable, Callable

import msgspec

from workhorse.core import ids
from workhorse.core import trail as trails
from workhorse.core.contract import Claim, Outcome, Released
from workhorse.core.instrument import log
from workhorse.worker.call import Plan, Terms
from workhorse.worker.running import Running
from workhorse.worker.sagas import orders
from workhorse.worker.sagas.play import Bury, HandBack, Play
from workhorse.worker.sagas.scene import Scene
from workhorse.worker.verdict import Done, Failed, Interrupted, Verdict

AGAIN = 1.0
"""Seconds before a turn is tried again that the worker itself failed on: the store did not answer, say."""


class Turns:
    """For one worker. `scene` is asked for once there is a saga."""

    def __init__(self, scene: Callable[[], Awaitable[Scene]], hand_back: HandBack, bury: Bury) -> None:
        self._make, self._hand_back, self._bury = scene, hand_back, bury
        self._scene: Scene | None = None

    async def run(self, its: Plan, running: Running) -> Outcome | None:
        """What became of the job; None when it is not ours any more."""
        scene = self._scene = self._scene or await self._make()
        claim, errand = running.claim, its.document.overrides.errand
        if errand is not None and errand.kind in ("signal", "cancel", "prune"):
            return await orders.run(scene.store, claim, errand)
        presumed = errand is None and _is_new(claim)
        if claim.cancel:
            running.why = running.why or "cancelled"  # known: who is told of it again must not end what undoes
        while True:
            play = Play(scene, its, running, presumed, self._hand_back, self._bury)
            verdict = await scene.pool.call(_terms(its, play), (), {}, running)
            if isinstance(verdict, Interrupted) and verdict.why == "cancelled":
                await play.end()
                running.claim = claim = msgspec.structs.replace(claim, cancel=True)
            elif not (isinstance(verdict, Done) and play.outcome is None and presumed):
                return _outcome(claim, verdict, play)
            presumed = False


def _is_new(claim: Claim) -> bool:
    """Whether nobody can have begun the saga: its id was drawn for it, and nobody held or handed back its first job."""
    return ids.is_ours(claim.job.id) and not (claim.crashes or claim.job.trail or claim.cancel)


def _terms(its: Plan, play: Play) -> Terms:
    return msgspec.structs.replace(
        its.terms, fn=play.run, run_in="async", takes_context=False, timeout=None, result_ttl=0.0
    )


def _outcome(claim: Claim, verdict: Verdict, play: Play) -> Outcome | None:
    match verdict:
        case Done():
            return play.outcome or _handed_back(claim)  # another turn was first: this one reads what it wrote
        case Interrupted(why="lost"):
            return None
        case Interrupted():
            return _handed_back(claim)
        case Failed():
            log.error(
                "a turn of the saga %s failed in the worker itself: %s\n%s",
                claim.job.id,
                verdict.text,
                verdict.traceback,
            )
        case _:
            pass
    return _handed_back(claim, AGAIN)


def _handed_back(claim: Claim, after: float = 0.0) -> Outcome:
    trail = trails.load(claim.job.trail)
    return Released(
        claim, after=after, trail=trails.dump(msgspec.structs.replace(trail, hand_backs=trail.hand_backs + 1))
    )
