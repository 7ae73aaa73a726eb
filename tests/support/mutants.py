"""Real code that is wrong in one way each, by name: whoever judges runs must catch every one of them.

`with applied("no fencing"):` in this process, or MUTANT="no fencing" in a child that calls `from_environment()`. What a mutant must
remember, it keeps in tables of its own in the same database, so that it is as wrong in several processes as in one.
"""

import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from typing import Any, Final
from unittest.mock import patch

import msgspec

from workhorse.core.contract import ABSENT, Claim, Filter, Outcome, Put, Released, Retried, Store, Succeeded
from workhorse.core.document import Member
from workhorse.durable import groups
from workhorse.durable.follow_ups import Ended, FollowUps, Sequel
from workhorse.engines.keeping import micros
from workhorse.engines.sqlite import claiming, settling
from workhorse.engines.sqlite.inspector import Inspector
from workhorse.engines.sqlite.tx import Tx
from workhorse.worker.call import Plan
from workhorse.worker.crew import Crew
from workhorse.worker.leases import Leases
from workhorse.worker.running import Running

Patch = AbstractContextManager[Any]


def applied(name: str) -> Patch:
    """This mutant, for as long as the block lasts."""
    stack = ExitStack()
    for change in MUTANTS[name]():
        stack.enter_context(change)
    return stack


def from_environment() -> None:
    """The mutant that $MUTANT names, for as long as the process lives."""
    if name := os.environ.get("MUTANT"):
        applied(name)


def _early_settle() -> list[Patch]:
    """Settled when it begins, whatever comes of it."""

    async def run(self: Crew, its: Plan, running: Running) -> None:
        self._end(running, Succeeded(running.claim))
        await self._runner.run(its, running)

    return [patch.object(Crew, "_run", run)]


def _no_fencing() -> list[Patch]:
    """Whoever held the job once may settle it: the token is not looked at."""

    def settle(tx: Tx, outcomes: Sequence[Outcome]) -> list[tuple[Outcome, str]]:
        return _settled_as(tx, outcomes, _present)

    return [patch.object(settling, "settle", settle)]


def _counted_tokens() -> list[Patch]:
    """A job's first claim is called 1, the next one 2; a job that is made anew begins again."""

    def claim(tx: Tx, *rest: Any) -> list[Claim]:
        _remembering(tx)
        claims = []
        for it in _claim(tx, *rest):
            seq = int(it.token.partition(".")[2])
            number = _counted(tx, seq)
            tx.run("update workhorse_jobs set token = ? where seq = ?", number, seq)
            claims.append(msgspec.structs.replace(it, token=f"{number:016x}.{seq}"))
        return claims

    def settle(tx: Tx, outcomes: Sequence[Outcome]) -> list[tuple[Outcome, str]]:
        return _settled_as(tx, outcomes, _same_number)

    return [patch.object(claiming, "claim", claim), patch.object(settling, "settle", settle)]


def _no_renewal() -> list[Patch]:
    """Leases are never extended."""

    async def extend(self: Leases, broker: object) -> None:
        return

    return [patch.object(Leases, "_extend", extend)]


def _cancel_in_memory() -> list[Patch]:
    """A cancel is noted where it was asked for, and nowhere else."""

    async def cancel(self: Inspector, which: Filter) -> int:
        return len(which.ids)

    return [patch.object(Inspector, "cancel", cancel)]


def _hand_backs_counted(column: str) -> list[Patch]:
    """What a worker hands back counts as if it had failed, or died."""

    def settle(tx: Tx, outcomes: Sequence[Outcome]) -> list[tuple[Outcome, str]]:
        undone = _settle(tx, outcomes)
        stale = {id(outcome) for outcome, _ in undone}
        for outcome in outcomes:
            if isinstance(outcome, Released) and id(outcome) not in stale:
                tx.run(f"update workhorse_jobs set {column} = {column} + 1 where id = ?", outcome.claim.job.id)
        return undone

    return [patch.object(settling, "settle", settle)]


def _rescue_by_age() -> list[Patch]:
    """Who has held a job for longer than a lease and a half is taken for dead, whatever its lease says."""

    def claim(tx: Tx, queues: Sequence[str], limit: int, lease: float, worker: str) -> list[Claim]:
        _remembering(tx)
        old = "select id from mutant_claims where at < ?"
        tx.run(
            f"update workhorse_jobs set due = ? where state = 0 and token <> 0 and id in ({old})",
            tx.now, tx.now - micros(1.5 * lease),
        )  # fmt: skip
        claims = _claim(tx, queues, limit, lease, worker)
        for it in claims:
            tx.run("insert or replace into mutant_claims (id, at) values (?, ?)", it.job.id, tx.now)
        return claims

    return [patch.object(claiming, "claim", claim)]


_claim, _settle = claiming.claim, settling.settle

Renaming = Callable[[Tx, Claim], str]


def _settled_as(tx: Tx, outcomes: Sequence[Outcome], named: Renaming) -> list[tuple[Outcome, str]]:
    """Settle each under another token; the answers are of the outcomes that were given."""
    given: dict[int, Outcome] = {}
    renamed: list[Outcome] = []
    for outcome in outcomes:
        claim = msgspec.structs.replace(outcome.claim, token=named(tx, outcome.claim))
        renamed.append(msgspec.structs.replace(outcome, claim=claim))
        given[id(renamed[-1])] = outcome
    return [(given[id(outcome)], why) for outcome, why in _settle(tx, renamed)]


def _present(tx: Tx, claim: Claim) -> str:
    """The token that the job has now."""
    found = tx.one("select token, seq from workhorse_jobs where id = ? and token <> 0", claim.job.id)
    return claim.token if found is None else f"{found[0]:016x}.{found[1]}"


def _same_number(tx: Tx, claim: Claim) -> str:
    """The same number, of the row that the job has now."""
    found = tx.one("select seq from workhorse_jobs where id = ?", claim.job.id)
    return claim.token if found is None else f"{claim.token.partition('.')[0]}.{found[0]}"


def _remembering(tx: Tx) -> None:
    tx.run("create table if not exists mutant_claims (id text primary key, at integer)")
    tx.run("create table if not exists mutant_counts (seq integer primary key, number integer)")
    tx.run(
        "create trigger if not exists mutant_forgets after delete on workhorse_jobs"
        " begin delete from mutant_counts where seq = old.seq; end"
    )


def _counted(tx: Tx, seq: int) -> int:
    found = tx.one(
        "insert into mutant_counts values (?, 1) on conflict (seq) do update set number = number + 1 returning number",
        seq,
    )
    assert found is not None
    return int(found[0])


def _looks_first() -> list[Patch]:
    """A member looks for the others' marks, and makes its own with its settle."""

    async def marked(store: Store, member: Member) -> bool:
        mine = groups._mark_key(member.id, 0, member.number)
        others = [groups._mark_key(member.id, 0, number) for number in range(member.of) if number != member.number]
        complete = None not in await store.get(others) if others else True
        await store.put([Put(mine, b"1")])
        return complete

    return [patch.object(groups, "_marked", marked)]


def _ends_early() -> list[Patch]:
    """A member's end is written before its settle: also that of a run that does not count."""

    async def after(self: FollowUps, ended: Ended, sequel: Sequel) -> Outcome:
        member = sequel.own.member
        if member is not None and not isinstance(ended.outcome, Retried | Released):
            put = groups.of_end(member, self._end(ended))
            await (await self.groups._store()).put([msgspec.structs.replace(put, expect=ABSENT)])
        outcome = await _after(self, ended, sequel)
        writes = [put for put in outcome.writes if not put.key.startswith("group/")]
        return msgspec.structs.replace(outcome, writes=writes)

    return [patch.object(FollowUps, "after", after)]


def _follows_early() -> list[Patch]:
    """What follows is published before the settle that decides."""

    async def after(self: FollowUps, ended: Ended, sequel: Sequel) -> Outcome:
        outcome = await _after(self, ended, sequel)
        broker = (await self.groups._engine()).broker
        if broker is not None and outcome.publish:
            await broker.publish(outcome.publish)
        return msgspec.structs.replace(outcome, publish=())

    return [patch.object(FollowUps, "after", after)]


_after = FollowUps.after

MUTANTS: Final[dict[str, Callable[[], list[Patch]]]] = {
    "early settle": _early_settle,
    "no fencing": _no_fencing,
    "looks before it marks": _looks_first,
    "ends before the settle": _ends_early,
    "follows before the settle": _follows_early,
    "counted tokens": _counted_tokens,
    "no renewal": _no_renewal,
    "cancel in memory": _cancel_in_memory,
    "hand-backs counted as attempts": lambda: _hand_backs_counted("attempt"),
    "hand-backs counted as crashes": lambda: _hand_backs_counted("crashes"),
    "rescue by age": _rescue_by_age,
}
