"""Settle: what went well with nothing special in groups, the others one by one."""

import asyncio
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Final

from workhorse.core.contract import Cancelled, Dead, Envelope, Outcome, Put, Released, Retried, Succeeded
from workhorse.engines import intake, keeping
from workhorse.engines.keeping import Policy, micros
from workhorse.engines.redis import topics
from workhorse.engines.redis.documents import CANCELLED, DEAD, SUCCEEDED
from workhorse.engines.redis.link import Link
from workhorse.engines.redis.publishing import words as jobs_as_words
from workhorse.engines.redis.scripts import LEAN_ON_JOBS, SPECIAL, chunks, script
from workhorse.engines.redis.wire import Word

_SETTLE: Final = script(*LEAN_ON_JOBS, "plain", "accepting", "settling", "settle")
_ENDINGS: Final[dict[type[Outcome], Word]] = {
    Succeeded: SUCCEEDED,
    Cancelled: CANCELLED,
    Dead: DEAD,
    Retried: "retried",
    Released: "released",
}

Undone = tuple[Outcome, str]


async def settle(link: Link, outcomes: Sequence[Outcome]) -> list[Undone]:
    """Each whole or not at all; returned is what was not done, and why."""
    events = any(not env.queue for outcome in outcomes if outcome.publish for env in outcome.publish)
    bindings = await topics.bindings(link) if events else ()
    batches = [_Batch(chunk, link.place.policy, bindings) for chunk in chunks(outcomes, _size)]
    if len(batches) == 1:
        return await _send(link, batches[0])
    undone = await asyncio.gather(*(_send(link, batch) for batch in batches))
    return list(chain.from_iterable(undone))


def _size(outcome: Outcome) -> tuple[int, int]:
    cost = 1 if _is_plain(outcome) else SPECIAL
    if not (outcome.writes or outcome.publish):
        return cost, 0
    cost += 2 * len(outcome.writes) + SPECIAL * len(outcome.publish)
    return cost, sum([len(put.value) for put in outcome.writes]) + sum([len(env.payload) for env in outcome.publish])


async def _send(link: Link, batch: "_Batch") -> list[Undone]:
    said = await link.run(_SETTLE, *batch.words())
    return [(batch.sent[number - 1], why.decode()) for number, why in zip(said[::2], said[1::2], strict=True)]


class _Batch:
    """Outcomes of one script, and the order in which they are sent."""

    def __init__(self, outcomes: Sequence[Outcome], policy: Policy, bindings: Sequence[topics.Binding]) -> None:
        self._outcomes, self._policy, self._bindings = outcomes, policy, bindings
        self.sent: list[Outcome] = []

    def words(self) -> list[Word]:
        """What the script reads."""
        groups: dict[tuple[str, str, int], dict[str, Outcome]] = {}
        rest: list[Outcome] = []
        for outcome in self._outcomes:
            job = outcome.claim.job
            if _is_plain(outcome):
                kept = kept_for(self._policy, SUCCEEDED, job.id, outcome.writes)
                same = groups.setdefault((outcome.claim.token, job.queue, kept), {})
                if same.setdefault(job.id, outcome) is outcome:
                    continue
            rest.append(outcome)
        sent: list[Word] = []
        for (token, queue, kept), same in groups.items():
            sent += self._plain(token, queue, kept, same)
        for outcome in rest:
            sent += self._one(outcome)
        return sent

    def _plain(self, token: str, queue: str, kept: int, same: dict[str, Outcome]) -> Iterable[Word]:
        self.sent += same.values()
        writes = [
            (number, put.key, put.value, _ttl(put))
            for number, outcome in enumerate(same.values(), 1)
            if outcome.writes
            for put in outcome.writes
        ]
        return "plain", token, queue, kept, len(same), *same, 4 * len(writes), *chain.from_iterable(writes)

    def _one(self, outcome: Outcome) -> Iterable[Word]:
        self.sent.append(outcome)
        job, ending = outcome.claim.job, _ENDINGS[type(outcome)]
        refusal = next((f"job {env.id}: {why}" for env in outcome.publish if (why := intake.refusal(env))), "")
        if isinstance(outcome, Retried | Released):
            span = micros(outcome.after)
        else:
            span = kept_for(self._policy, int(ending), job.id, outcome.writes)
        writes = [(put.key, put.value, "" if put.expect is None else put.expect, _ttl(put)) for put in outcome.writes]
        jobs = [] if refusal else jobs_as_words(self._copied(outcome.publish), self._policy)
        reason = outcome.reason if isinstance(outcome, Dead) else ""
        has_trail, trail = int(outcome.trail is not None), outcome.trail or b""
        head = (job.id, outcome.claim.token, ending, span, job.attempt, reason, has_trail, trail, refusal)
        return "one", *head, 4 * len(writes), len(jobs), *chain.from_iterable(writes), *jobs

    def _copied(self, jobs: Sequence[Envelope]) -> list[Envelope]:
        return [copy for env in jobs for copy in ([env] if env.queue else topics.copies(self._bindings, env))]


def _is_plain(outcome: Outcome) -> bool:
    job = outcome.claim.job
    if outcome.publish or outcome.trail is not None or job.lane is not None or job.unique is not None:
        return False
    if type(outcome) is not Succeeded:
        return False
    return not outcome.writes or all(put.expect is None for put in outcome.writes)


def _ttl(put: Put) -> Word:
    return "" if put.ttl is None else micros(put.ttl)


def kept_for(policy: Policy, state: int, id: str, writes: Sequence[Put]) -> int:
    """How long an ended job is kept: as the policy says, and as long as the facts that were written with its end."""
    if state == DEAD:
        return policy.dead_retain
    kept = max([policy.retain, *[micros(put.ttl or 0) for put in writes]]) if writes else policy.retain
    return kept if keeping.is_ours(id) else max(kept, keeping.GIVEN)
