"""The broker of spread queues: each verb goes to the parts of the queues it speaks of. What a settle writes elsewhere comes right after."""

import asyncio
from collections.abc import Sequence
from typing import Literal

import msgspec

from workhorse.core.contract import Answer, Claim, Envelope, Features, Outcome
from workhorse.engines import intake
from workhorse.engines.redis import documents, topics
from workhorse.engines.redis.spread import claiming, redo
from workhorse.engines.redis.spread.parts import Part, Parts
from workhorse.engines.redis.spread.publishing import publish

Undone = tuple[Outcome, str]


class Broker:
    """As the contract says, but: a settle is whole in its queue only, and an id, or a unique key, is one within its queue."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    @property
    def features(self) -> Features:
        return msgspec.structs.replace(self._parts.center.broker.features, transactions=False)

    async def publish(self, jobs: Sequence[Envelope], /) -> list[Answer]:
        return await publish(self._parts, jobs)

    async def bind(
        self,
        topic: str,
        queue: str,
        bound: bool = True,
        /,
        *,
        priority: int | None = None,
        expires: float | None = None,
    ) -> None:
        await topics.bind(self._parts.center.link, topics.Binding(topic, queue, priority, expires), bound)

    async def claim(self, queues: Sequence[str], limit: int, lease: float, /) -> list[Claim]:
        names = list(dict.fromkeys(queues))
        if limit <= 0 or not names:
            return []
        await redo.carry_out_old(self._parts, names)
        return await claiming.claim(self._parts, names, limit, lease)

    async def settle(self, outcomes: Sequence[Outcome], /) -> list[Undone]:
        by_queue: dict[str, list[Outcome]] = {}
        for outcome in outcomes:
            by_queue.setdefault(outcome.claim.job.queue, []).append(outcome)
        said = await asyncio.gather(*(self._settle(queue, each) for queue, each in by_queue.items()))
        return [undone for each in said for undone in each]

    async def extend(self, claims: Sequence[Claim], lease: float, /) -> list[Literal["kept", "lost", "cancel"]]:
        places: dict[str, list[int]] = {}
        for place, claim in enumerate(claims):
            places.setdefault(claim.job.queue, []).append(place)
        answers = dict[int, Literal["kept", "lost", "cancel"]]()
        for queue, mine in places.items():
            said = await (await self._parts.of(queue)).broker.extend([claims[place] for place in mine], lease)
            answers.update(zip(mine, said, strict=True))
        return [answers[place] for place in range(len(claims))]

    async def wait(self, queues: Sequence[str], limit: int, timeout: float, /) -> None:
        parts = [(queue, await self._parts.of(queue)) for queue in dict.fromkeys(queues)]
        waits = [asyncio.ensure_future(part.broker.wait((queue,), limit, timeout)) for queue, part in parts]
        if not waits:
            await asyncio.sleep(timeout)
            return
        try:
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)
        for wait in done:
            wait.result()

    async def _settle(self, queue: str, outcomes: Sequence[Outcome]) -> list[Undone]:
        part = await self._parts.of(queue)
        undone, outer, inner = list[Undone](), list[Outcome](), list[Outcome]()
        for outcome in outcomes:
            if why := await self._decide(part, outcome):
                undone.append((outcome, why))
            else:
                outer.append(outcome)
                writes = [redo.entry(outcome)] if redo.leaves(outcome) else []
                inner.append(msgspec.structs.replace(outcome, writes=writes, publish=()))
        refused = {id(each): why for each, why in await part.broker.settle(inner)}
        undone += [(one, refused[id(each)]) for one, each in zip(outer, inner, strict=True) if id(each) in refused]
        # who settled one that is stale now may have died before he did the rest
        failed = {id(each) for each, why in undone if why != "stale"}
        if keys := [redo.key(each) for each in outcomes if redo.leaves(each) and id(each) not in failed]:
            await redo.carry_out(self._parts, part, keys)
        return undone

    async def _decide(self, part: Part, outcome: Outcome) -> str:
        """Why it cannot be settled; empty: it can, and what it expects of facts was so, and these are written."""
        if refusal := next((f"job {env.id}: {why}" for env in outcome.publish if (why := intake.refusal(env))), ""):
            return refusal if await _is_held(part, outcome.claim) else "stale"
        expecting = [put for put in outcome.writes if put.expect is not None]
        if not expecting:
            return ""
        if not await _is_held(part, outcome.claim):
            return "stale"
        return "conflict" if None in await self._parts.center.store.put(expecting) else ""


async def _is_held(part: Part, claim: Claim) -> bool:
    state = await part.link.ask("HGET", part.link.key("state"), claim.job.id)
    return state is not None and documents.state(state)[0] == claim.token.encode()
