"""Redis for the conformance suite: one private server whose clock the tests move, and a prefix for each test."""

from collections.abc import Iterator

import pytest

from servers.redis import Redis
from workhorse.engine import Engine
from workhorse.engines.redis.engine import redis


class OnRedis:
    """`redis://HOST/0?prefix=NAME`: each engine has connections of its own, as another process would."""

    kind = "redis"
    without = ("statements",)
    server: Redis

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def private_server(cls) -> Iterator[None]:
        with Redis(cls.kind, clock=True, fast=True) as cls.server:
            yield

    def engine(self, name: str) -> Engine:
        return redis(self.server.url(prefix=name, poll=0.05))

    async def pass_time(self, seconds: float) -> None:
        self.server.move(seconds)
