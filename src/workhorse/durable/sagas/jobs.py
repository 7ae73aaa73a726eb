"""The jobs that belong to a saga beside its first: turns, orders from outside, and the one that forgets it."""

import msgspec

from workhorse.core import document
from workhorse.core.contract import Envelope
from workhorse.core.document import NO_ARGS, NO_KWARGS, Malformed, NewerVersion, Overrides
from workhorse.core.errand import Errand, Kind, Parent
from workhorse.core.sagas.task import lane
from workhorse.durable.sagas import keys


class Address(msgspec.Struct, frozen=True):
    """Where the jobs of a saga are enqueued: as its first was."""

    saga: str
    born: str
    task: str
    queue: str
    priority: int
    headers: dict[str, str] = {}


def of_parent(parent: Parent) -> Address:
    """The address of the saga that a job's end wakes."""
    return Address(parent.saga, parent.born, parent.task, parent.queue, parent.priority, parent.headers)


def turn(
    to: Address, kind: Kind = "wake", *, what: int | str, delay: float = 0, number: int = 0, name: str = ""
) -> Envelope:
    """In the saga's lane; `what` makes its id, and is the number of the entry that it is about where no other is given."""
    errand = Errand(kind, to.saga, to.born, number or (what if isinstance(what, int) else 0), name)
    job = _job(to, keys.job(to.saga, to.born, what), errand)
    return msgspec.structs.replace(job, delay=delay, lane=lane(to.saga))


def order(to: Address, id: str, errand: Errand) -> Envelope:
    """Beside the lane: it puts a fact, and then wakes the saga."""
    return _job(to, f"{to.saga}~{id}", errand)


def is_first(job: Envelope) -> bool:
    """Whether it is a saga's own job, by which people know it."""
    return job.lane is not None and job.lane == lane(job.id)


def is_later(job: Envelope) -> bool:
    """Whether it is one of those that follow the first, and mean nothing by themselves."""
    try:
        return b'"errand"' in job.payload and document.decode(job.payload).overrides.errand is not None
    except (Malformed, NewerVersion):
        return False


def called(job: Envelope, parent: Parent) -> Envelope:
    """The same job, whose end wakes this saga."""
    found = document.decode(job.payload)
    own = msgspec.structs.replace(found.overrides, parent=parent)
    payload = document.encode(bytes(found.args), bytes(found.kwargs), found.tagged, own)
    return msgspec.structs.replace(job, payload=payload)


def _job(to: Address, id: str, errand: Errand) -> Envelope:
    payload = document.encode(bytes(NO_ARGS), bytes(NO_KWARGS), False, Overrides(errand=errand))
    return Envelope(id, to.task, payload, to.queue, headers=to.headers, priority=to.priority)
