"""Claim from several parts: each level in turn, the queues in their order, none of them more than its share."""

from collections.abc import Iterator, Sequence
from typing import Final

from workhorse.core.contract import Claim
from workhorse.engines.redis.scripts import script
from workhorse.engines.redis.spread.parts import Part, Parts

_LEVELS: Final = script("levels")


async def claim(parts: Parts, queues: Sequence[str], limit: int, lease: float) -> list[Claim]:
    """What is due, at most `limit`."""
    found: list[Claim] = []
    if len(queues) == 1:
        return await (await parts.of(queues[0])).broker.claim(queues, limit, lease)
    for queue, most in await _turns(parts, queues, limit):
        if (room := min(most, limit - len(found))) > 0:
            found += await (await parts.of(queue)).broker.claim((queue,), room, lease)
    return found


async def _turns(parts: Parts, queues: Sequence[str], limit: int) -> list[tuple[str, int]]:
    """From which queue to take how many at most, one after the other."""

    async def due(part: Part, queue: str) -> list[int]:
        counts: list[int] = await part.link.run(_LEVELS, queue)
        return counts

    counts = [await due(await parts.of(queue), queue) for queue in queues]
    by_level = [turn for level in range(3) for turn in _of_level(queues, [each[level] for each in counts], limit)]
    return [
        *by_level,
        *((queue, limit) for queue in queues),
    ]  # the rest: whose lease ran out just now, or was admitted meanwhile


def _of_level(queues: Sequence[str], counts: Sequence[int], limit: int) -> Iterator[tuple[str, int]]:
    ready = [(queue, count) for queue, count in zip(queues, counts, strict=True) if count]
    share = limit if len(ready) == 1 else max(1, limit // 2)
    for queue, count in ready:
        yield queue, min(count, share)
    for queue, count in ready:
        yield queue, max(0, count - share)
