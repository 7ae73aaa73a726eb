"""Jobs that came together, as the bytes of one fact, and as they are sent on later."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import msgspec

from workhorse.core.contract import Envelope
from workhorse.core.errors import EngineRefused

VERSION: Final = 1

BYTES: Final = 4 << 20
"""Of one fact, about; a larger job stands alone."""


class Batch(msgspec.Struct, frozen=True):
    """`at`: when they came, by the spool's clock."""

    at: float
    jobs: Sequence[Envelope]
    version: int = VERSION


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Batch).decode


def packed(jobs: Sequence[Envelope], now: float) -> bytes:
    """The fact's value."""
    return _encode(Batch(now, jobs))


def unpacked(value: bytes, where: str) -> Batch:
    """What was packed. EngineRefused: it is damaged, or of a newer release; it stays where it is."""
    try:
        found = _decode(value)
    except msgspec.MsgspecError as error:
        raise EngineRefused(f"{where}: expected spooled jobs, got damaged bytes ({error}); they stay there") from error
    if found.version > VERSION:
        raise EngineRefused(
            f"{where}: expected spooled jobs of version {VERSION}, got {found.version}: a newer Workhorse wrote them; upgrade"
        )
    return found


def in_parts(jobs: Iterable[Envelope]) -> Iterator[list[Envelope]]:
    """In their order, each part small enough for one fact."""
    part: list[Envelope] = []
    size = 0
    for job in jobs:
        size += len(job.payload) + len(job.trail)
        if part and size > BYTES:
            yield part
            part, size = [], len(job.payload) + len(job.trail)
        part.append(job)
    if part:
        yield part


def aged(batch: Batch, now: float) -> list[Envelope]:
    """As they are published now: what counts from a job's acceptance has counted since it came to the spool."""
    age = max(0.0, now - batch.at)
    return [_aged(job, age) if job.delay or job.expires is not None or job.unique else job for job in batch.jobs]


def _aged(job: Envelope, age: float) -> Envelope:
    unique = job.unique
    if unique is not None and unique.within is not None:
        unique = msgspec.structs.replace(unique, within=max(0.0, unique.within - age))
    return msgspec.structs.replace(
        job,
        delay=max(0.0, job.delay - age),
        expires=None if job.expires is None else max(0.0, job.expires - age),
        unique=unique,
    )
