"""One page of jobs, from publishing it at the target to giving it up at the source. Killed anywhere, it is done again: the same
id published twice is one job, and what is given up already is not listed any more."""

import time
from collections.abc import Mapping, Sequence
from typing import Final

from workhorse.core.contract import ABSENT, Broker, Engine, Envelope, Filter, Held, Inspector, Put, Row, Store
from workhorse.core.errors import WorkhorseError
from workhorse.durable import results
from workhorse.durable.moving import packing
from workhorse.durable.moving.account import Account

WAITING: Final[tuple[Held, ...]] = ("ready", "scheduled", "parked")
"""The states of a job that nobody holds, and that has not ended."""

MOVED_TTL: Final = 3600.0
"""Seconds for which whoever waits at the source for the result of a job that moved can learn of it."""

TWICE: Final = "a worker of the source claimed it while it moved"


class Delivery:
    """Carries pages, and keeps the account."""

    def __init__(self, source: Engine, target: Engine, account: Account) -> None:
        self._from, self._from_store = inspector_of(source), source.store
        self._broker, self._there, self._store = broker_of(target), target.inspector, target.store
        self._account = account

    async def carry(self, rows: Sequence[Row], *, dry: bool = False) -> None:
        """Move these, all dead or all waiting, in this order; with `dry` only say what would go."""
        now, features = time.time(), self._broker.features
        packed = [(row, packing.packed(row, features, now)) for row in rows]
        going: list[tuple[Row, Envelope]] = []
        for row, env in packed:
            if why := self._unfit(row, env, now):
                self._account.keep(why, [env.id])
            else:
                going.append((row, env))
        if dry:
            self._count([row for row, _ in going])
        elif arrived := await self._deliver(going):
            await self._give_up(arrived)

    def _unfit(self, row: Row, env: Envelope, now: float) -> str:
        if row.cancel and self._there is None:
            return "it was asked to cancel, and the target takes no such orders"
        return packing.unfit(env, self._broker.features, now)

    def _count(self, rows: Sequence[Row]) -> None:
        for row in rows:
            self._account.went(row.status)

    async def _deliver(self, going: Sequence[tuple[Row, Envelope]]) -> list[Row]:
        """Publish them; those that stand at the target now."""
        await forget_absence(self._store, [env.id for _, env in going])
        answers = await self._broker.publish([env for _, env in going]) if going else []
        accepted: list[tuple[Row, Envelope]] = []
        for pair, answer in zip(going, answers, strict=True):
            if answer.kind == "accepted":
                accepted.append(pair)
            else:
                why = answer.reason or f"its unique key is taken at the target, by {answer.of}"
                self._account.keep(why, [pair[1].id])
        if self._there is not None and (cancelled := [env.id for row, env in accepted if row.cancel]):
            await self._there.cancel(Filter(ids=cancelled))
        return await self._verified(accepted)

    async def _verified(self, sent: Sequence[tuple[Row, Envelope]]) -> list[Row]:
        there = await found(self._there, [env.id for _, env in sent])
        arrived: list[Row] = []
        for row, env in sent:
            why = packing.differs(env, there[env.id]) if env.id in there and not row.cancel else ""
            if why:
                self._account.keep(why, [env.id])
                continue
            self._account.verified += env.id in there
            self._account.unseen += env.id not in there
            arrived.append(row)
        return arrived

    async def _give_up(self, rows: Sequence[Row]) -> None:
        """Delete them at the source, each only as long as it is what it was listed as."""
        ids = [row.job.id for row in rows]
        states: tuple[Held, ...] = ("dead",) if rows[0].status == "dead" else WAITING
        still = await _deleted(self._from, ids, states)
        gone = [row for row in rows if row.job.id not in still]
        self._count(gone)
        await say_moved(self._from_store, [row.job.id for row in gone if row.status != "dead"])
        if still:
            await self._take_back([row for row in rows if row.job.id in still])

    async def _take_back(self, rows: Sequence[Row]) -> None:
        """A worker of the source has these after all, although their queue is paused: they must not run at the target, too."""
        ids = [row.job.id for row in rows]
        both = set(ids if self._there is None else await _deleted(self._there, ids, (*WAITING, "dead")))
        self._account.doubled += sorted(both)
        self._account.keep(TWICE, [id for id in ids if id not in both])


async def _deleted(inspector: Inspector, ids: Sequence[str], states: Sequence[Held]) -> Mapping[str, Row]:
    """Delete those of these jobs that are in one of these states; what is left of them."""
    while True:
        for status in states:
            await inspector.delete(Filter(ids=ids, status=status))
        left = await found(inspector, ids)
        if not any(row.status in states for row in left.values()):
            return left  # else one became due between two looks, or was made ready by a slot that was freed: look again


async def found(inspector: Inspector | None, ids: Sequence[str]) -> Mapping[str, Row]:
    """Those of these jobs that the inspector knows, whatever became of them."""
    if inspector is None or not ids:
        return {}
    return {row.job.id: row for row in await inspector.list(Filter(ids=ids), len(ids))}


async def say_moved(store: Store | None, ids: Sequence[str]) -> None:
    """Who waits at the source is told; the engine said that the job was deleted."""
    if store is not None and ids:
        await store.put([Put(results.key(id), results.MOVED, None, MOVED_TTL) for id in ids])


async def forget_absence(store: Store | None, ids: Sequence[str]) -> None:
    """A job that comes back to where it moved from is not absent there any more."""
    if store is None or not ids:
        return
    facts = zip(ids, await store.get([results.key(id) for id in ids]), strict=True)
    absent = {
        results.key(id): fact[1]
        for id, fact in facts
        if fact is not None and fact[0] in (results.MOVED, results.DELETED)
    }
    if absent:
        await store.delete({key: version or ABSENT for key, version in absent.items()})


def inspector_of(engine: Engine) -> Inspector:
    """WorkhorseError where there is none."""
    if engine.inspector is None:
        raise WorkhorseError("the source cannot show its jobs")
    return engine.inspector


def broker_of(engine: Engine) -> Broker:
    """WorkhorseError where there is none."""
    if engine.broker is None:
        raise WorkhorseError("a URL that names no broker: it has no jobs, and none can go there")
    return engine.broker
