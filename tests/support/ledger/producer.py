"""The process that asks: python -m ledger.producer PLAN FIRST RATE asks for the pieces of a plan from the first on."""

import asyncio
import random
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from account import Accepted, Asked, CancelAcknowledged, CancelAsked, Record, Refused
from ledger import workload
from ledger.app import app, journal
from ledger.journal import now
from ledger.workload import Piece
from workhorse.core.contract import Envelope, Lane, Unique
from workhorse.core.envelope import encode_job
from workhorse.core.job import Job
from workhorse.errors import BrokerUnavailable

T = TypeVar("T")


async def produce(pieces: Sequence[Piece], first: int, rate: float) -> None:
    """So many a second, in batches of any size; whoever has no answer asks again, with the same ids."""
    chance = random.Random(first)
    await _patiently(app.engine)
    async with app:
        while first < len(pieces):
            size = chance.randint(1, max(10, int(rate / 2)))
            await _ask(pieces[first : first + size])
            await _cancel(pieces, first, first + size)
            first += size
            await asyncio.sleep(size / rate)
        await _cancel(pieces, first, first + workload.CANCEL_AFTER)


async def _ask(batch: Sequence[Piece]) -> None:
    """Lanes and unique keys have no option of a task yet: those go to the broker as envelopes."""
    special = [piece for piece in batch if piece.wish.lane or piece.wish.unique]
    plain = [piece for piece in batch if piece not in special]
    if plain:
        await _answered(plain, lambda: _enqueue(plain))
    if special:
        await _answered(special, lambda: _publish(special))


async def _answered(batch: Sequence[Piece], ask: Callable[[], Awaitable[list[Record]]]) -> None:
    async def once() -> None:
        journal.note(*(Asked(at=now(), who=journal.who, job=piece.id, wish=piece.wish) for piece in batch))
        journal.note(*await ask())

    await _patiently(once)


async def _enqueue(batch: Sequence[Piece]) -> list[Record]:
    handles = await app.enqueue_many(_job(piece) for piece in batch)
    return [Accepted(at=now(), who=journal.who, job=handle.id) for handle in handles]


async def _publish(batch: Sequence[Piece]) -> list[Record]:
    broker = (await app.engine()).broker
    assert broker is not None
    answers = await broker.publish([_envelope(piece) for piece in batch])
    return [
        Accepted(at=now(), who=journal.who, job=piece.id)
        if answer.kind == "accepted"
        else Refused(at=now(), who=journal.who, job=piece.id, of=answer.of)
        for piece, answer in zip(batch, answers, strict=True)
    ]


def _job(piece: Piece) -> Job[Any]:
    task = app.registry.get(piece.task)
    assert task is not None
    job = task.job(*piece.args)
    options = {"delay": piece.wish.delay} if piece.wish.delay else {}
    return Job(piece.id, job.task, job.args, job.kwargs, job.queue, job.priority, job.headers, options)


def _envelope(piece: Piece) -> Envelope:
    wish, job = piece.wish, _job(piece)
    envelope = encode_job(job, app.registry.get(job.task))
    lane = Lane(wish.lane, wish.width, wish.ordered) if wish.lane else None
    unique = Unique(wish.unique) if wish.unique else None
    return msgspec.structs.replace(envelope, lane=lane, unique=unique)


async def _cancel(pieces: Sequence[Piece], before: int, upto: int) -> None:
    for job in workload.to_cancel(pieces, before, upto):
        await _patiently(lambda job=job: _cancel_one(job))


async def _cancel_one(job: str) -> None:
    journal.note(CancelAsked(at=now(), who=journal.who, job=job))
    if await app.cancel(job):
        journal.note(CancelAcknowledged(at=now(), who=journal.who, job=job))


async def _patiently(ask: Callable[[], Awaitable[T]]) -> T:
    while True:
        try:
            return await ask()
        except BrokerUnavailable:
            await asyncio.sleep(0.1)


if __name__ == "__main__":
    path, first, rate = sys.argv[1:]
    asyncio.run(produce(workload.load(Path(path)), int(first), float(rate)))
