"""The bare limit of Redis: one redis-py connection, in two variants. LISTED is all that Redis could do: names in a list, whoever takes
one has it. DUE is the least that a queue with due times, leases and fencing needs: names by due time, and a token to each that runs."""

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import redis

import environments
from limits import BATCH
from servers import Redis, SyncedRedis
from work import PAYLOAD

BODY = msgspec.json.encode(PAYLOAD)
WAITING, RUNNING, BODIES, TOKENS = "{bench}waiting", "{bench}running", "{bench}bodies", "{bench}tokens"
LEASE = 30_000
"""Milliseconds."""


@dataclass(frozen=True)
class Variant:
    """Its insert, and its scripts; both take the keys in the order above."""

    add: Callable[[Any, Sequence[str]], object]
    claim: str
    end: str


LISTED = Variant(
    lambda pipe, names: pipe.rpush(WAITING, *names),
    claim="""
local names = redis.call('LPOP', KEYS[1], ARGV[1])
local leases = {}
for _, name in ipairs(names or {}) do
    leases[#leases + 1] = 0
    leases[#leases + 1] = name
end
redis.call('ZADD', KEYS[2], unpack(leases))
return {names, redis.call('HMGET', KEYS[3], unpack(names))}
""",
    end="""
table.remove(ARGV, 1)
redis.call('HDEL', KEYS[3], unpack(ARGV))
return redis.call('ZREM', KEYS[2], unpack(ARGV))
""",
)

DUE = Variant(
    lambda pipe, names: pipe.zadd(WAITING, dict.fromkeys(names, time.time() * 1e3)),
    claim="""
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local names = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[1])
local leases, tokens = {}, {}
for _, name in ipairs(names) do
    leases[#leases + 1] = now + ARGV[2]
    leases[#leases + 1] = name
    tokens[#tokens + 1] = name
    tokens[#tokens + 1] = ARGV[3]
end
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, #names - 1)
redis.call('ZADD', KEYS[2], unpack(leases))
redis.call('HSET', KEYS[4], unpack(tokens))
return {names, redis.call('HMGET', KEYS[3], unpack(names))}
""",
    end="""
local token = table.remove(ARGV, 1)
local mine = {}
for place, held in ipairs(redis.call('HMGET', KEYS[4], unpack(ARGV))) do
    if held == token then
        mine[#mine + 1] = ARGV[place]
    end
end
redis.call('HDEL', KEYS[3], unpack(mine))
redis.call('HDEL', KEYS[4], unpack(mine))
return redis.call('ZREM', KEYS[2], unpack(mine))
""",
)


def limit(jobs: int, variant: Variant, kind: Callable[[Path], Redis]) -> dict[str, float]:
    """Jobs a second, by what is done to them."""
    with tempfile.TemporaryDirectory(dir=environments.disk()) as name:
        (folder := Path(name) / "now").mkdir()
        server = kind(folder)
        server.start()
        try:
            with server.client() as client:
                steps = {
                    "insert": partial(_fill, client, variant, jobs),
                    "delete": partial(_drain, client, variant, jobs),
                }
                return {what: _timed(step, jobs) for what, step in steps.items()}
        finally:
            server.stop()


def _timed(step: Callable[[], None], jobs: int) -> float:
    begun = time.perf_counter()
    step()
    return jobs / (time.perf_counter() - begun)


def _fill(client: redis.Redis, variant: Variant, jobs: int) -> None:
    for first in range(0, jobs, BATCH):
        names = [f"{number:032x}" for number in range(first, min(first + BATCH, jobs))]
        with client.pipeline(transaction=True) as together:
            together.hset(BODIES, mapping=dict.fromkeys(names, BODY))
            variant.add(together, names)
            together.execute()


def _drain(client: redis.Redis, variant: Variant, jobs: int) -> None:
    keys, ended = [WAITING, RUNNING, BODIES, TOKENS], 0
    claim, end = client.register_script(variant.claim), client.register_script(variant.end)
    for token in range(jobs):
        if ended == jobs:
            return
        names: list[Any] = claim(keys=keys, args=[BATCH, LEASE, token])[0]
        ended += end(keys=keys, args=[token, *names])


def _limits(kind: Callable[[Path], Redis]) -> Mapping[str, Callable[[int], dict[str, float]]]:
    variants = {"a list": LISTED, "due times, leases, tokens": DUE}
    return {name: partial(limit, variant=variant, kind=kind) for name, variant in variants.items()}


LIMITS, SYNCED = _limits(Redis), _limits(SyncedRedis)
