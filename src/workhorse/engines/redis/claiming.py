"""Claim and extend: what the scripts are asked, and what they answer."""

from collections.abc import Iterator, Sequence
from typing import Any, Final, Literal

from workhorse.core.contract import Claim
from workhorse.engines import tokens
from workhorse.engines.keeping import SECOND, micros
from workhorse.engines.redis import documents
from workhorse.engines.redis.link import Link
from workhorse.engines.redis.scripts import CHUNK, script
from workhorse.engines.redis.wire import Word

_CLAIM: Final = script("wakes", "jobs", "uniques", "lanes", "claiming", "claim")
_EXTEND: Final = script("wakes", "jobs", "extend")


async def claim(link: Link, queues: Sequence[str], limit: int, lease: float, worker: str) -> list[Claim]:
    """What is due, at most `limit`."""
    found: list[Claim] = []
    names = list(dict.fromkeys(queues))
    token = f"{tokens.fresh():016x}"
    while (room := min(CHUNK, limit - len(found))) > 0:
        now, spent, batches = await link.run(_CLAIM, room, micros(lease), token, worker, *names)
        more = [each for batch in batches for each in _claims(batch, token, int(now))]
        found += more
        if len(more) < room and not spent:
            break
    return found


def _claims(batch: list[Any], token: str, now: int) -> Iterator[Claim]:
    _, _, ids, docs, special = batch
    histories = {number - 1: (text, trail) for number, text, trail in zip(*[iter(special)] * 3, strict=True)}
    for number, (id, doc) in enumerate(zip(ids, docs, strict=True)):
        if number in histories:
            text, trail = histories[number]
            state = documents.history(text)
            env, accepted, end = documents.opened(id.decode(), doc, state, trail)
            crashes, cancel = state.crashes, state.cancel
        else:
            env, accepted, end = documents.opened(id.decode(), doc)
            crashes, cancel = 0, False
        yield Claim(env, token, crashes, accepted / SECOND, end is not None and end <= now, cancel)


async def extend(link: Link, claims: Sequence[Claim], lease: float) -> list[Literal["kept", "lost", "cancel"]]:
    """Keep them; one answer a claim, in order."""
    answers: list[Any] = []
    for start in range(0, len(claims), CHUNK):
        words: list[Word] = [word for each in claims[start : start + CHUNK] for word in (each.job.id, each.token)]
        answers += await link.run(_EXTEND, micros(lease), *words)
    return [answer.decode() for answer in answers]
