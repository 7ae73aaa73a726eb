"""The process that asks: python -m ledger.producer PLAN FIRST RATE asks for the pieces of a plan from the first on."""

import asyncio
import dataclasses
import random
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from account import Accepted, Asked, CancelAcknowledged, CancelAsked, Record, Refused, Wish
from ledger import workload
from ledger.app import app, collect, follow, journal, mourn
from ledger.journal import now
from ledger.workload import Piece
from workhorse import Job, Limit, Unique
from workhorse.core.typed import OnceOptions
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
    async def once() -> None:
        asked = [each for piece in batch for each in piece.all()]
        journal.note(*(Asked(at=now(), who=journal.who, job=each.id, wish=each.wish) for each in asked))
        alone = [piece for piece in batch if not piece.members]
        handles = await app.enqueue_many(_job(piece) for piece in alone)
        journal.note(*(_answer(piece, handle.id) for piece, handle in zip(alone, handles, strict=True)))
        for piece in batch:
            await _gather(piece)

    await _patiently(once)


async def _gather(piece: Piece) -> None:
    if piece.members:
        group = app.group((_job(each) for each in piece.members), failures="collect")
        await group.then(collect.options(id=piece.id)).enqueue()
        journal.note(*(_answer(each, each.id) for each in piece.all()))


def _answer(piece: Piece, id: str) -> Record:
    """Who has the id of another was skipped for it: their unique key is one."""
    if id == piece.id:
        return Accepted(at=now(), who=journal.who, job=id)
    return Refused(at=now(), who=journal.who, job=piece.id, of=id)


def _job(piece: Piece) -> Job[Any]:
    """Half of the ids look as ours do, which nobody may give by `.options`."""
    task = app.registry.find(piece.task)
    if piece.wish.followed:
        task = task.then(follow).options(on_dead=mourn)
    return dataclasses.replace(task.options(**_options(piece.wish)).job(*piece.args), id=piece.id)


def _options(wish: Wish) -> OnceOptions:
    said = OnceOptions(delay=wish.delay) if wish.delay else OnceOptions()
    if wish.ordered:
        said["ordered_by"] = "{key}"
    elif wish.rate:
        said["limit"] = Limit(rate=wish.rate, key="{key}")
    elif wish.lane:
        said["limit"] = Limit(concurrency=wish.width, key="{key}")
    if wish.unique:
        said["unique"] = Unique(by=("key",))
    return said


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
