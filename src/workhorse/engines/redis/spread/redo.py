"""What an outcome leaves to do elsewhere: kept as a fact in its queue's own slot, written by the script that settles it, and removed when
it is done. Whoever finds an old one does it: the first may have died."""

import asyncio
from collections.abc import Sequence
from typing import Final

import msgspec

from workhorse.core.contract import Envelope, Outcome, Put
from workhorse.engines.redis.spread.parts import Part, Parts
from workhorse.engines.redis.spread.publishing import publish

OLD: Final = 5_000_000
"""Microseconds after which nobody is at it any more, as far as one can tell."""

PREFIX: Final = "redo/"
_PAGE: Final = 100

Rest = tuple[Sequence[Put], Sequence[Envelope]]

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[list[Put], list[Envelope]]).decode


def leaves(outcome: Outcome) -> bool:
    """Whether there is anything to do elsewhere."""
    return bool(outcome.writes or outcome.publish)


def entry(outcome: Outcome) -> Put:
    """The fact to write with its end. What was expected of a fact is decided by then."""
    writes = [msgspec.structs.replace(put, expect=None) for put in outcome.writes if put.expect is None]
    return Put(key(outcome), _encode((writes, outcome.publish)))


def key(outcome: Outcome) -> str:
    """Of its entry: each claim has one of its own."""
    return f"{PREFIX}{outcome.claim.job.id}~{outcome.claim.token}"


async def carry_out(parts: Parts, part: Part, keys: Sequence[str]) -> None:
    """Do what these entries say, and remove them. Twice is as good as once: the jobs have ids, and the facts are the same."""
    found = [each for each in await part.store.get(keys) if each is not None]
    rest: list[Rest] = [_decode(value) for value, _ in found]
    if writes := [put for puts, _ in rest for put in puts]:
        await parts.center.store.put(writes)
    if jobs := [env for _, envs in rest for env in envs]:
        await publish(parts, jobs)
    if found:
        await part.store.delete(dict.fromkeys(keys))


async def carry_out_old(parts: Parts, queues: Sequence[str]) -> None:
    """What was left by those who died before they did it."""

    async def one(part: Part) -> None:
        found = await part.store.scan(PREFIX, "", _PAGE)
        if not found:
            return
        seconds, micros = await part.link.ask("TIME")
        now = int(seconds) * 1_000_000 + int(micros)
        if old := [key for key, _, version in found if version < now - OLD]:  # versions follow the server's clock
            await carry_out(parts, part, old)

    await asyncio.shield(asyncio.ensure_future(parts.each(queues, one)))
