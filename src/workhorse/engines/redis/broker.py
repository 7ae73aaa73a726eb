"""The broker: moves work, each verb one script for each chunk of jobs."""

import os
import socket
from collections.abc import Sequence
from typing import Literal

from workhorse.core.contract import Answer, Claim, Envelope, Features, Outcome
from workhorse.engines import promises
from workhorse.engines.redis import claiming, publishing, settling, topics
from workhorse.engines.redis.link import Link
from workhorse.engines.redis.pruning import Pruner
from workhorse.engines.redis.waits import Waits


class Broker:
    """As the contract says."""

    def __init__(self, link: Link, waits: Waits, pruner: Pruner) -> None:
        self._link, self._waits, self._pruner = link, waits, pruner
        self._worker = f"{socket.gethostname()}:{os.getpid()}"
        self._features = promises.everything(link.place.policy, statements=False)

    @property
    def features(self) -> Features:
        return self._features

    async def publish(self, jobs: Sequence[Envelope], /) -> list[Answer]:
        return await publishing.publish(self._link, jobs)

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
        await topics.bind(self._link, topics.Binding(topic, queue, priority, expires), bound)

    async def claim(self, queues: Sequence[str], limit: int, lease: float, /) -> list[Claim]:
        if limit <= 0 or not queues:
            return []
        return await claiming.claim(self._link, queues, limit, lease, self._worker)

    async def settle(self, outcomes: Sequence[Outcome], /) -> list[tuple[Outcome, str]]:
        undone = await settling.settle(self._link, outcomes)
        self._pruner.wear(len(outcomes))
        return undone

    async def extend(self, claims: Sequence[Claim], lease: float, /) -> list[Literal["kept", "lost", "cancel"]]:
        return await claiming.extend(self._link, claims, lease)

    async def wait(self, queues: Sequence[str], limit: int, timeout: float, /) -> None:
        self._pruner.wear()
        await self._waits.for_work(queues, timeout)
