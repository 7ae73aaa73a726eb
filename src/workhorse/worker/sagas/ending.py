"""How a turn ends: one settle with what is left of the journal, the head, the result, and the jobs that follow."""

from collections.abc import Sequence
from typing import Any

from workhorse.core.contract import Claim, Envelope, Outcome, Put, Succeeded
from workhorse.core.sagas.records import Begin, Ended, Error
from workhorse.core.trail import Record
from workhorse.durable import results
from workhorse.durable.sagas import jobs, keys
from workhorse.worker.call import Terms, done
from workhorse.worker.sagas.requests import Requests
from workhorse.worker.sagas.script import Script
from workhorse.worker.sagas.standing import Standing
from workhorse.worker.verdict import Done

LEAST = 3600.0
"""Seconds for which an ended saga is kept at least: a frozen worker that wakes within them finds its next entry taken."""


class Ending:
    """Of one turn."""

    def __init__(self, claim: Claim, begin: Begin, script: Script, standing: Standing, retain: float) -> None:
        self._claim, self._begin, self._script, self._standing, self._retain = claim, begin, script, standing, retain

    @property
    def _requests(self) -> Requests:
        return self._script.requests

    async def waiting(self) -> Outcome | None:
        """Until something comes, or its time."""
        status = "waiting" if self._script.journal.undoing is None else "compensating"
        return await self._settle(status=status, wakes=self._requests.wakes, why="", **self._blame())

    async def stuck(self, status: str, why: str) -> Outcome | None:
        """Until someone says to go on."""
        return await self._settle(status=status, why=why, wakes=0.0, **self._blame())

    async def as_it_was(self) -> Outcome | None:
        """Nothing but the journal has changed."""
        return await self._settle()

    async def succeeded(self, value: Any, terms: Terms) -> Outcome | None:
        """With what the code returned."""
        verdict = done(terms, value)
        missing = "" if isinstance(verdict, Done) and verdict.result else _missing(verdict)
        ttl, id, started = self._begin.result_ttl, self._requests.to.saga, self._begin.at
        if isinstance(verdict, Done) and verdict.result:
            put = results.of_value(id, verdict.result, started, ttl)
        else:
            put = results.of_missing(id, missing, "", started, ttl)
        return await self._over(put, status="succeeded")

    async def compensated(self, error: Error | None) -> Outcome | None:
        """With why it failed; None: it was cancelled."""
        ttl, id, at = self._begin.result_ttl, self._requests.to.saga, self._script.at
        if error is None:
            put = results.of_cancel(id, ttl)
        else:
            put = results.of_error(id, Record(1, error.type, error.message, error.traceback, self._begin.at, at), ttl)
        return await self._over(put, status="compensated", **self._blame())

    def _blame(self) -> dict[str, Any]:
        """Why it is undone, if it is."""
        undoing = self._script.journal.undoing
        return {} if undoing is None else {"error": undoing.error, "cancelled": undoing.error is None}

    async def _over(self, put: Put, **head: Any) -> Outcome | None:
        self._script.add(Ended(status=head["status"], at=self._script.at))
        self._requests.forget()
        kept = max(self._retain, self._begin.result_ttl, LEAST)
        following = [jobs.turn(self._requests.to, "prune", what="prune", delay=kept)]
        writes = [put] if self._begin.result_ttl else []
        if (parent := self._begin.parent) is not None:
            writes.append(Put(keys.called(parent.saga, parent.born, parent.number), put.value))
            following.append(jobs.turn(jobs.of_parent(parent), what=parent.number))
        return await self._settle(writes, following, ended=self._script.at, wakes=0.0, why="", **head)

    async def _settle(
        self, writes: Sequence[Put] = (), following: Sequence[Envelope] = (), **head: Any
    ) -> Outcome | None:
        """None when another turn was first: then nothing of this one counts."""
        script = self._script
        sent = script.requests.record(script.at)
        script.log.hold()
        if sent is not None:
            script.add(sent)
        lines = await script.log.rest()
        if script.log.lost:
            return None
        heads = self._standing.last(**head)
        return Succeeded(self._claim, [*writes, *lines, *heads], [*script.requests.jobs, *following])


def _missing(verdict: object) -> str:
    return verdict.missing if isinstance(verdict, Done) else str(verdict)
