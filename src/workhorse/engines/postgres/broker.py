"""The broker: moves work, each verb one statement or two."""

import os
import socket
from collections.abc import Sequence
from typing import Final, Literal

from workhorse.core.contract import Answer, Claim, Envelope, Features, Outcome
from workhorse.core.errors import DeclarationError
from workhorse.engines import promises
from workhorse.engines.postgres import publishing, settling
from workhorse.engines.postgres.claiming import Claims
from workhorse.engines.postgres.link import Link
from workhorse.engines.postgres.news import News

_BIND: Final = """
insert into workhorse.bindings (topic, queue, priority, expires) values ($1, $2, $3, $4)
on conflict (topic, queue) do update set priority = excluded.priority, expires = excluded.expires
"""
_UNBIND: Final = "delete from workhorse.bindings where topic = $1 and queue = $2"


class Broker:
    """As the contract says."""

    def __init__(self, link: Link, news: News) -> None:
        self._link, self._news = link, news
        self._claims = Claims(link, news, f"{socket.gethostname()}:{os.getpid()}")
        self._features = promises.everything(link.place.policy)

    @property
    def features(self) -> Features:
        return self._features

    async def publish(self, jobs: Sequence[Envelope], /) -> list[Answer]:
        return await publishing.publish(self._link, self._news, jobs)

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
        if any("*" in part and part != "*" for part in topic.split(".")):
            raise DeclarationError(f"topic {topic!r}: expected a star to stand for one whole part between dots")
        if bound:
            await self._link.run(_BIND, topic, queue, priority, expires)
        else:
            await self._link.run(_UNBIND, topic, queue)

    async def claim(self, queues: Sequence[str], limit: int, lease: float, /) -> list[Claim]:
        if limit <= 0 or not queues:
            return []
        return await self._claims.claim(queues, limit, lease)

    async def settle(self, outcomes: Sequence[Outcome], /) -> list[tuple[Outcome, str]]:
        if not outcomes:
            return []
        return await settling.settle(self._link, self._news, outcomes)

    async def extend(self, claims: Sequence[Claim], lease: float, /) -> list[Literal["kept", "lost", "cancel"]]:
        if not claims:
            return []
        return await settling.extend(self._link, claims, lease)

    async def wait(self, queues: Sequence[str], limit: int, timeout: float, /) -> None:
        await self._news.for_work(queues, timeout)
