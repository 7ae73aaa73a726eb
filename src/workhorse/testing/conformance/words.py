"""The few words that the chapters are written in: a job, publishing it, claiming, settling, waiting for what must come."""

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Any

import pytest

from workhorse.core.ids import new_id
from workhorse.engine import Broker, Claim, Envelope, Filter, Outcome, Put, Released, Retried, Store, Succeeded

QUEUE = "mail"
LEASE = 30.0
LARGEST_TRIED = 64 << 20
A_YEAR = 365 * 86400.0
PATIENCE = 10.0
"""Real seconds after which what should have come at once did not come."""


def job(id: str = "", **fields: Any) -> Envelope:
    """A job for QUEUE (or for its topic), with what a test wants to say of it."""
    fields.setdefault("queue", "" if "topic" in fields else QUEUE)
    fields.setdefault("task", "send")
    fields.setdefault("payload", b"{}")
    return Envelope(id=id or new_id(), **fields)


def too_large(broker: Broker) -> Envelope:
    """A job that this engine must refuse, if such a one is small enough to try."""
    limit = broker.features.max_size
    if limit > LARGEST_TRIED:
        pytest.skip(f"not promised: max_size (this engine says {limit}, more than the suite tries)")
    return job("too-large", payload=b"x" * (limit + 1))


def only(*ids: str) -> Filter:
    """These jobs, by their ids."""
    return Filter(ids=ids)


async def publish(broker: Broker, *jobs: Envelope) -> None:
    """All of them, in one call, and all are accepted."""
    _skip_too_late(broker, max((each.delay for each in jobs), default=0))
    assert [answer.kind for answer in await broker.publish(jobs)] == ["accepted"] * len(jobs)


async def claim(broker: Broker, *queues: str, limit: int = 100, lease: float = LEASE) -> list[Claim]:
    """What one call brings, from QUEUE if no other is named."""
    return await broker.claim(queues or (QUEUE,), limit, lease)


async def claim_one(broker: Broker, *queues: str, lease: float = LEASE) -> Claim:
    """The one job that is due."""
    claims = await claim(broker, *queues, lease=lease)
    assert len(claims) == 1, f"expected one claim, got {[each.job.id for each in claims]}"
    return claims[0]


async def claim_all(broker: Broker, *queues: str, lease: float = LEASE) -> list[Claim]:
    """Claims until a call brings nothing; none is settled, so the lease must not run out meanwhile."""
    found: list[Claim] = []
    while claims := await claim(broker, *queues, lease=lease):
        found += claims
    return found


async def ids(broker: Broker, *queues: str, limit: int = 100) -> list[str]:
    """The ids that one call brings, sorted: only ordered lanes promise an order."""
    return sorted(each.job.id for each in await claim(broker, *queues, limit=limit))


async def settle(broker: Broker, *outcomes: Outcome) -> None:
    """All of them, in one call, and all are done."""
    _skip_too_late(broker, max((each.after for each in outcomes if isinstance(each, Retried | Released)), default=0))
    assert reasons(await broker.settle(outcomes)) == []


async def refused(broker: Broker, *outcomes: Outcome) -> list[str]:
    """The reasons of what a settle did not do."""
    return reasons(await broker.settle(outcomes))


def reasons(undone: Sequence[tuple[Outcome, str]]) -> list[str]:
    return [reason for _, reason in undone]


async def run_through(broker: Broker, held: Claim | None = None) -> list[str]:
    """Settle the one that is held, then each that follows, one at a time; the ids of those that followed, in their order."""
    order: list[str] = []
    if held is not None:
        await settle(broker, Succeeded(held))
    while claims := await claim(broker):
        assert len(claims) == 1, f"expected one at a time, got {[each.job.id for each in claims]}"
        order.append(claims[0].job.id)
        await settle(broker, Succeeded(claims[0]))
    return order


async def put(store: Store, key: str, value: bytes = b"1", expect: int | None = None, ttl: float | None = None) -> int:
    """One write that takes effect; its version."""
    (version,) = await store.put([Put(key, value, expect, ttl)])
    assert version is not None, f"put of {key!r}: expected a version, got None"
    return version


async def value(store: Store, key: str) -> bytes | None:
    """What stands under the key."""
    (found,) = await store.get([key])
    return None if found is None else found[0]


async def promptly(awaitable: Awaitable[Any]) -> Any:
    """Its value, without waiting for long: what must end by itself and does not is a failure, not a hang."""
    async with asyncio.timeout(PATIENCE):
        return await awaitable


async def begun(awaitable: Awaitable[None]) -> "asyncio.Task[None]":
    """The wait as a task that has begun, as far as a few turns of the loop bring it."""
    task = asyncio.ensure_future(_plainly(awaitable))
    for _ in range(10):
        await asyncio.sleep(0)
    return task


async def _plainly(awaitable: Awaitable[None]) -> None:
    await awaitable


def _skip_too_late(broker: Broker, seconds: float) -> None:
    longest = broker.features.max_delay
    if seconds > longest:
        pytest.skip(f"not promised: max_delay of {seconds:g} (this engine says {longest:g})")
