"""The bare limit of Redis: one redis-py connection; bodies in a hash, names in a list, names of what runs in a sorted set."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import redis

import environments
from limits import BATCH
from servers import Redis, SyncedRedis
from work import PAYLOAD

BODY = msgspec.json.encode(PAYLOAD)
WAITING, RUNNING, BODIES = "{bench}waiting", "{bench}running", "{bench}bodies"

CLAIM = """
local names = redis.call('LPOP', KEYS[1], ARGV[1])
if not names then return {{}, {}} end
local leases = {}
for _, name in ipairs(names) do
    leases[#leases + 1] = ARGV[2]
    leases[#leases + 1] = name
end
redis.call('ZADD', KEYS[2], unpack(leases))
return {names, redis.call('HMGET', KEYS[3], unpack(names))}
"""
DELETE = """
local held = redis.call('ZREM', KEYS[1], unpack(ARGV))
redis.call('HDEL', KEYS[2], unpack(ARGV))
return held
"""


def limit(jobs: int) -> dict[str, float]:
    """Jobs a second, by what is done to them, without persistence."""
    return _limit(jobs, Redis)


def synced(jobs: int) -> dict[str, float]:
    """The same, with every write on the disk before it is answered."""
    return _limit(jobs, SyncedRedis)


def _limit(jobs: int, kind: Callable[[Path], Redis]) -> dict[str, float]:
    with tempfile.TemporaryDirectory(dir=environments.disk()) as name:
        (folder := Path(name) / "now").mkdir()
        server = kind(folder)
        server.start()
        try:
            with server.client() as client:
                return {
                    "insert": _timed(lambda: _fill(client, jobs), jobs), "delete": _timed(lambda: _drain(client, jobs), jobs)
                }  # fmt: skip
        finally:
            server.stop()


def _timed(step: Callable[[], None], jobs: int) -> float:
    begun = time.perf_counter()
    step()
    return jobs / (time.perf_counter() - begun)


def _fill(client: redis.Redis, jobs: int) -> None:
    for first in range(0, jobs, BATCH):
        names = [f"{number:032x}" for number in range(first, min(first + BATCH, jobs))]
        with client.pipeline(transaction=True) as together:
            together.hset(BODIES, mapping=dict.fromkeys(names, BODY))
            together.rpush(WAITING, *names)
            together.execute()


def _drain(client: redis.Redis, jobs: int) -> None:
    claim, delete, ended = client.register_script(CLAIM), client.register_script(DELETE), 0
    while ended < jobs:
        lease = int(time.time() * 1e3) + 30_000
        names: list[Any] = claim(keys=[WAITING, RUNNING, BODIES], args=[BATCH, lease])[0]
        ended += delete(keys=[RUNNING, BODIES], args=names)


LIMITS = {"no persistence": limit}
SYNCED = {"appendfsync always": synced}
