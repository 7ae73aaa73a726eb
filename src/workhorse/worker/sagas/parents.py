"""The end of a job that a saga called: told by a fact, which wakes the saga, in the same settle."""

from typing import TypeVar

import msgspec

from workhorse.core import document
from workhorse.core.contract import Cancelled, Dead, Outcome, Put, Released, Retried
from workhorse.core.document import Malformed, NewerVersion
from workhorse.core.errand import Parent
from workhorse.durable import results
from workhorse.durable.sagas import jobs, keys

E = TypeVar("E", bound=Outcome)


def told(outcome: E, parent: Parent | None) -> E:
    """The same outcome; of a job that has ended, with word of it."""
    if parent is None or isinstance(outcome, Retried | Released):
        return outcome
    fact = Put(keys.called(parent.saga, parent.born, parent.number), _word(outcome))
    return msgspec.structs.replace(
        outcome,
        writes=[*outcome.writes, fact],
        publish=[*outcome.publish, jobs.turn(jobs.of_parent(parent), what=parent.number)],
    )


def parent_of(payload: bytes) -> Parent | None:
    """Whom the end of a job wakes that is not even begun; nobody where its payload cannot be read."""
    try:
        return document.decode(payload).overrides.parent
    except (Malformed, NewerVersion):
        return None


def _word(outcome: Outcome) -> bytes:
    """What stands under its result, or would."""
    for put in outcome.writes:
        if put.key == results.key(outcome.claim.job.id):
            return put.value
    if isinstance(outcome, Cancelled):
        return results.of_cancel(outcome.claim.job.id, 0).value
    why = outcome.reason if isinstance(outcome, Dead) else "it has no result"
    return results.of_missing(outcome.claim.job.id, why, "", 0, 0).value
