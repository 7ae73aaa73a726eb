"""The facts `result/ID` of ids that live again, or are deleted. An engine with a store of its own keeps these by itself, in the
transaction that publishes, puts back or deletes; here each is told apart from a newer one by its version."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from workhorse.core.contract import ABSENT, Filter, Inspector, Put, Row, Store
from workhorse.durable import results

DELETED_TTL: Final = 3600.0
"""Seconds for which whoever waits for a deleted job's result can learn of it."""


async def versions(store: Store, keys: Iterable[str]) -> dict[str, int]:
    """What stands under these keys now, by its version."""
    asked = list(dict.fromkeys(keys))
    found = await store.get(asked)
    return {key: ABSENT if fact is None else fact[1] for key, fact in zip(asked, found, strict=True)}


async def results_of(store: Store, jobs: Iterable[str]) -> dict[str, int]:
    """The results that stand for these jobs, by key, with their versions."""
    return {key: version for key, version in (await versions(store, map(results.key, jobs))).items() if version}


async def forget_earlier(store: Store, inspector: Inspector, given: Sequence[str]) -> None:
    """What an earlier life of these ids came to must not be taken for the result of the one that begins.

    The result is read first, and the job looked for then: a result that stood before its job was gone is of no later life.
    """
    if not (old := await results_of(store, given)):
        return
    stored = {row.job.id for row in await inspector.list(Filter(ids=[_job_of(key) for key in old]), len(old))}
    if gone := {key: version for key, version in old.items() if _job_of(key) not in stored}:
        await store.delete(_any_of(gone))


async def begin_anew(store: Store, jobs: Sequence[str]) -> None:
    """These dead jobs are about to be put back. Killed between the two, they are dead without a result; their trail has the error."""
    if old := await results_of(store, jobs):
        await store.delete(_any_of(old))


async def say_deleted(store: Store, rows: Sequence[Row]) -> None:
    """These jobs are no more; one that ended first keeps its result."""
    await store.put([Put(results.key(row.job.id), results.DELETED, ABSENT, DELETED_TTL) for row in rows])


def _job_of(key: str) -> str:
    return key.removeprefix(results.key(""))


def _any_of(keys: Mapping[str, int]) -> dict[str, int | None]:
    return dict(keys)
