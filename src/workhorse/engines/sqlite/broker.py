"""The broker: moves work, each verb one operation at the link's desk."""

import os
import socket
from collections.abc import Sequence
from typing import Literal

from workhorse.core.contract import Answer, Claim, Envelope, Features, Outcome
from workhorse.engines import promises
from workhorse.engines.sqlite import claiming, publishing, settling, topics
from workhorse.engines.sqlite.link import Link
from workhorse.engines.sqlite.watch import Watches


class Broker:
    """As the contract says."""

    def __init__(self, link: Link, watches: Watches) -> None:
        self._link, self._watches = link, watches
        self._worker = f"{socket.gethostname()}:{os.getpid()}"
        self._features = promises.everything(link.home.policy)

    @property
    def features(self) -> Features:
        return self._features

    async def publish(self, jobs: Sequence[Envelope], /) -> list[Answer]:
        return await self._link.write(lambda tx: publishing.publish(tx, jobs), len(jobs))

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
        await self._link.write(lambda tx: topics.bind(tx, topic, queue, bound, priority, expires))

    async def claim(self, queues: Sequence[str], limit: int, lease: float, /) -> list[Claim]:
        if limit <= 0 or not queues:
            return []
        return await self._link.hold(lambda tx: claiming.claim(tx, queues, limit, lease, self._worker), limit)

    async def settle(self, outcomes: Sequence[Outcome], /) -> list[tuple[Outcome, str]]:
        if not outcomes:
            return []
        return await self._link.write(lambda tx: settling.settle(tx, outcomes), len(outcomes))

    async def extend(self, claims: Sequence[Claim], lease: float, /) -> list[Literal["kept", "lost", "cancel"]]:
        if not claims:
            return []
        return await self._link.hold(lambda tx: settling.extend(tx, claims, lease), len(claims))

    async def wait(self, queues: Sequence[str], limit: int, timeout: float, /) -> None:
        link = self._link
        with self._watches.listening(queues=set(queues)) as ear:
            due = await link.read(lambda tx: claiming.next_due(tx, queues))
            if due is not None:
                ear.until = due
            await ear.heard(timeout, link.home.now, link.home.steering)
